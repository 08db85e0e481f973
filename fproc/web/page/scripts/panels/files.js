// The table of files by state.

const FILE_COLUMNS = [
  { key: 'file', label: 'File' },
  { key: 'state', label: 'State' },
  { key: 'timestamp', label: 'When', isNumber: true, value: file => Date.parse(file.timestamp) || null },
  { key: 'seconds', label: 'Time', isNumber: true },
  { key: 'lines', label: 'Lines', isNumber: true },
  { key: 'left_out', label: 'Left out', isNumber: true, value: leftOut },
  { key: 'attempts', label: 'Attempts', isNumber: true },
  { key: 'results', label: 'Results', value: file => file.results.join() },
  { key: 'error', label: 'Error or reason' },
];

function traceLink(file, line) {
  const target = { trace: file, line: line == null ? '' : String(line) };
  const onclick = event => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return; // a new tab, if asked for
    event.preventDefault();
    go(target, { isStep: true });
    scrollToPanel('trace');
    $('trace-title').focus({ preventScroll: true });
  };
  return el('a', { href: `${placeUrl(target)}#trace`, 'data-action': 'trace',
    'aria-label': `Trace of ${shown(file)}`, onclick }, 'Trace');
}

function scrollToPanel(panel) {
  const isCalm = matchMedia('(prefers-reduced-motion: reduce)').matches;
  $(panel).scrollIntoView({ behavior: isCalm ? 'auto' : 'smooth', block: 'start' });
}

const filesList = new CalmList({
  box: $('files-table').parentElement, news: $('files-news'),
  keyOf: file => `${file.timestamp} ${file.state} ${file.file}`,
  show(rows) { reconcile($('files-table').tBodies[0], 'tr', rows, this.keyOf, fillFile); },
});

function takeFiles(data) {
  filesList.offer(data.recent);
  renderFiles();
}

function renderFiles() {
  renderHeader($('files-table'), FILE_COLUMNS, place.sort, sort => chooseFiles({ sort }), sortKeys());
  const data = feeds.files.data;
  if (!data) return;
  const { recent: rows } = data;
  const found = `${counted(rows.length, 'file')}${data.after ? ' and more' : ''}`;
  const isSorted = place.q && place.sort && !place.state; // which all states together cannot be
  const scope = searchedState() === ANY_STATE ? ', of all states' : isSorted ? ', of those that ended' : '';
  setText($('files-text'), feeds.files.before.length ? '' : found + scope);
  renderPager('files', feeds.files);
  $('files-table').parentElement.hidden = !rows.length;
  $('files-empty').hidden = rows.length > 0 || data.after;
  if (!rows.length) setEmpty($('files-empty'), noFiles(data.counts));
  if (isChoiceNew) setText($('files-found'), `${found} listed`);
  isChoiceNew = false;
}

/** The count is spoken after a choice of the user, not at each poll. */
let isChoiceNew = false;

function chooseFiles(changes, options) {
  feeds.files.data = null;
  filesList.expect();
  go(changes, options);
  isChoiceNew = true;
}

function fillFile(row, file) {
  const isWaiting = file.state === UNPROCESSED;
  row.dataset.file = shown(file.file);
  row.dataset.state = file.state;
  row.append(
    el('th', { scope: 'row', class: 'name' }, fileLink(file.file)),
    el('td', {}, chip(file.state)),
    el('td', { class: 'number' }, when(file.timestamp)),
    el('td', { class: 'number' }, isWaiting ? `waits ${span(file.seconds)}` : span(file.seconds)),
    el('td', { class: 'number' }, number(file.lines)),
    el('td', { class: `number ${leftOut(file) ? 'bad' : ''}` }, leftOutText(file)),
    el('td', { class: 'number' }, number(file.attempts)),
    el('td', { class: 'name' }, file.results.map(result => el('div', {}, resultLink(result)))),
    el('td', { class: 'name' },
      el('span', { class: file.state === FAILED ? 'bad' : 'quiet' }, shownError(file.error ?? '')), ' ',
      isWaiting ? null : traceLink(file.file)));
  labelCells(row, FILE_COLUMNS);
}

function setEmpty(box, children) {
  const text = children.map(child => child.textContent ?? child).join('');
  if (box.textContent !== text) box.replaceChildren(...children);
}

function noFiles(counts) {
  if (isChosen()) return ['No file that ended fits this.'];
  if (place.q) return [`No name or error has \u201c${shown(place.q)}\u201d in it.`];
  const isNew = Object.values(counts).every(count => !count);
  const sample = code(`./fproc.pyz --sample 1 --output ${shown(CONSTANTS.inbox)}`);
  if (!place.state && isNew) return ['Nothing has arrived yet. Drop a file here, or: ', sample];
  return {
    [ANY_STATE]: ['There is no file yet. Drop one here, or: ', sample],
    '': ['Nothing has ended yet. What waits, and why: ', code('./fproc.pyz --why NAME')],
    [UNPROCESSED]: ['Nothing waits. Drop a file here, or: ', code(`cp sample.txt ${shown(CONSTANTS.inbox)}`)],
    [UNDERPROCESS]: ['Nothing is being worked on.'],
    [PROCESSED]: ['Nothing has been processed yet. Try: ', sample],
    [FAILED]: ['Nothing has failed.'],
    [REJECTED]: ['No line has been set aside, or none is kept any more.'],
  }[place.state];
}
