// Failed files, and their retry.

const selected = new Set();

function renderFailed() {
  const data = feeds.failed.data;
  if (!data) return;
  const rows = data.recent;
  const names = new Set(rows.map(row => row.file));
  for (const file of selected) if (!names.has(file)) selected.delete(file);
  reconcile($('failed-list'), 'li', rows, file => file.file, fillFailed);
  if (!rows.length) yieldFocus($('failed-tools'));
  showList('failed', !rows.length);
  $('failed-tools').hidden = !rows.length;
  $('failed-more').hidden = !data.after;
  setText($('failed-title'), rows.length ? `Failed (${number(data.counts[FAILED])})` : 'Failed');
  renderSelection();
  renderCurrent();
}

function fillFailed(row, file) {
  const meta = [file.node == null ? null : `node ${shown(file.node)}`,
    file.line_no == null ? null : `line ${number(file.line_no)}`,
    when(file.timestamp), counted(file.attempts ?? 1, 'attempt')];
  row.file = file.file;
  row.dataset.file = shown(file.file);
  row.append(
    el('input', { type: 'checkbox', 'data-action': 'select', 'aria-label': `Select ${shown(file.file)}`,
      checked: selected.has(file.file), onchange: event => select([file.file], event.target.checked) }),
    el('div', {},
      el('div', {}, fileLink(file.file)),
      el('div', { class: 'bad' }, shownError(file.error ?? 'no reason is known')),
      metaLine(meta)),
    el('div', { class: 'actions' }, traceLink(file.file, file.line_no),
      el('button', { type: 'button', 'data-action': 'retry', 'aria-label': `Retry ${shown(file.file)}`,
        onclick: () => retry({ files: [file.file] }) }, 'Retry')));
}

function select(files, isOn) {
  for (const file of files) isOn ? selected.add(file) : selected.delete(file);
  for (const row of $('failed-list').children) row.querySelector('input').checked = selected.has(row.file);
  renderSelection();
}

function renderSelection() {
  const shownCount = $('failed-list').children.length;
  $('failed-select').checked = selected.size > 0 && selected.size === shownCount;
  $('failed-select').indeterminate = selected.size > 0 && selected.size < shownCount;
  if (!selected.size) yieldFocus($('retry-selected'));
  $('retry-selected').disabled = !selected.size;
  setText($('retry-selected'), `Retry selected${selected.size ? ` (${number(selected.size)})` : ''}`);
}

async function retry(what) {
  for (const file of await putBack(what, $('failed-outcome'))) selected.delete(file);
  refreshAfterRetry();
}

function refreshAfterRetry() {
  for (const feed of [feeds.failed, feeds.kinds, feeds.stats, feeds.files]) feed.refresh();
}

function confirmRetryAll() {
  const count = feeds.failed.data?.counts[FAILED] ?? 0;
  const what = count === 1 ? 'the failed file' : `all ${counted(count, 'failed file')}`;
  setText($('confirm-text'), `Put ${what} of ${shown(INSTANCE)} back into ${UNPROCESSED}/?`);
  $('confirm').showModal();
}
