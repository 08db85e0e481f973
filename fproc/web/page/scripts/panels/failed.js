// Failed files, and their retry.

const selected = new Set();

const failedList = new CalmList({
  box: $('failed').querySelector('.box'), news: $('failed-news'), keyOf: file => `${file.timestamp} ${file.file}`,
  show(rows) {
    reconcile($('failed-list'), 'li', rows, file => file.file, fillFailed);
    if (!rows.length) yieldFocus($('failed-tools'));
    showList('failed', !rows.length);
    renderSelection();
  },
});

function takeFailed() {
  renderFailed();
  renderCurrent();
}

function renderFailed() {
  const { data } = feeds.failed;
  if (!data) return;
  const count = data.counts[FAILED];
  setText($('failed-title'), count ? `Failed (${number(count)})` : 'Failed');
  setText($('failed').querySelector('.empty'),
    place.failures ? `None of them has \u201c${shown(place.failures)}\u201d in it.` : 'Nothing has failed.');
  $('failed-tools').hidden = !count && !place.failures;
  setText($('retry-all'), place.failures ? 'Retry all that match' : 'Retry all');
  renderPager('failed', feeds.failed);
  failedList.offer(data.recent);
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

/** What is selected stays so on other pages, and until it is retried or the selection is cleared. */
function renderSelection() {
  const here = Array.from($('failed-list').children, row => row.file);
  const chosen = here.filter(file => selected.has(file)).length, elsewhere = selected.size - chosen;
  $('failed-select').checked = chosen > 0 && chosen === here.length;
  $('failed-select').indeterminate = chosen > 0 && chosen < here.length;
  if (!selected.size) [$('selection'), $('retry-selected')].forEach(yieldFocus);
  $('selection').hidden = !selected.size;
  $('retry-selected').disabled = !selected.size;
  const where = elsewhere ? `, ${number(elsewhere)} not shown` : '';
  setText($('retry-selected'), `Retry selected${selected.size ? ` (${number(selected.size)}${where})` : ''}`);
}

function clearSelection() {
  select([...selected], false);
}

async function retry(what) {
  for (const file of await putBack(what, $('failed-outcome'))) selected.delete(file);
  failedList.expect();
  renderSelection();
  refreshAfterRetry();
}

function refreshAfterRetry() {
  for (const feed of [feeds.failed, feeds.kinds, feeds.stats, feeds.files]) feed.refresh();
}

let asked = null; // what the question that is shown is about

async function confirmRetryAll() {
  const text = place.failures;
  asked = text ? { match: text } : { all: true };
  let count = feeds.failed.data?.counts[FAILED] ?? 0;
  try {
    if (text) count = (await ask(`/failures${query({ q: text, limit: 1 })}`)).files;
  } catch (error) {
    return setText($('failed-outcome'), `Not asked: ${shown(error.message)}`);
  }
  const which = count === 1 ? 'the failed file' : `all ${counted(count, 'failed file')}`;
  const matching = text ? ` with \u201c${shown(text)}\u201d in name or reason` : '';
  setText($('confirm-text'), `Put ${which}${matching} of ${shown(INSTANCE)} back into ${UNPROCESSED}/?`);
  setText($('confirm-yes'), text ? 'Retry all that match' : 'Retry all');
  $('confirm').showModal();
}

function listenForFailedSearch() {
  let typing;
  $('failed-search').oninput = event => {
    clearTimeout(typing);
    typing = setTimeout(() => { failedList.expect(); go({ failures: event.target.value }); }, 250);
  };
}
