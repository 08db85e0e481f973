// Recent errors.

let errorsShown = 20;

function renderErrors() {
  const errors = feeds.errors.data.errors;
  reconcile($('errors-list'), 'li', errors.slice(0, errorsShown), JSON.stringify, fillError);
  showList('errors', !errors.length);
  $('errors-more').hidden = errors.length <= errorsShown;
}

function fillError(row, error) {
  const meta = [when(error.timestamp), error.node ? `node ${shown(error.node)}` : null,
    error.attempt ? `attempt ${error.attempt}` : null, traceLink(error.file, error.line_no)];
  row.append(
    el('div', {}, placeLink(error.file, error.line_no)),
    el('div', { class: 'bad' }, shownError(error.error)),
    ...(error.line == null ? [] : [el('div', { class: 'text' }, lineText(error.line))]),
    metaLine(meta));
}
