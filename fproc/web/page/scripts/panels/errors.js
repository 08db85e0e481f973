// Recent errors.

let errorsShown = 20;

const errorsList = new CalmList({
  box: $('errors').querySelector('.box'), news: $('errors-news'), keyOf: JSON.stringify,
  show(rows) { reconcile($('errors-list'), 'li', rows, JSON.stringify, fillError); },
});

function renderErrors() {
  const errors = feeds.errors.data.errors;
  errorsList.offer(errors.slice(0, errorsShown));
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
