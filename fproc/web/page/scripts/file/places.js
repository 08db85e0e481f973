// Where a file is and why, with what is kept about it: its checkpoint, its report, its rejected lines.

let fileName = ''; // whose page this is

function renderPlaces(places) {
  $('where-empty').hidden = places.length > 0;
  setText($('where-empty'), 'It is in none of the folders any more.');
  reconcile($('places'), 'article', places, location => `${location.state} ${location.name}`, fillLocation);
}

function fillLocation(row, location) {
  const { state, name: archived, report, rejects } = location;
  const isFailed = state === FAILED;
  row.dataset.state = state;
  row.append(
    el('h2', { tabindex: '-1' }, chip(state), ' ', archived === fileName ? name(archived) : fileLink(archived)),
    el('p', { class: isFailed ? 'text bad' : 'text' }, shown(location.why)),
    metaLine([location.checkpoint && `checkpoint at line ${number(location.checkpoint.line_no)}`]),
    el('div', { class: 'actions' },
      isFailed || rejects ? el('button', { type: 'button', class: 'main', 'data-action': 'retry',
        'aria-label': `Retry ${shown(archived)}`, onclick: () => retryFile(archived) }, 'Retry') : null,
      isFailed ? saveLink(`/${FAILED}/${encode(archived)}`, 'Save the input') : null,
      report ? saveLink(`/${FAILED}/${encode(archived + CONSTANTS.report_ending)}`, 'Save the report') : null,
      rejects ? saveLink(`/rejects/${encode(archived)}`, `Save the rejected lines (${bytes(rejects.bytes)})`) : null),
    ...(report ? [reportOf(report)] : []),
    ...(rejects ? [rejectsOf(rejects)] : []));
}

const saveLink = (href, label) => el('a', { class: 'button', href }, label);

async function retryFile(archived) {
  await putBack({ files: [archived] }, $('file-outcome'));
  refreshFile();
}

/** What a report has beyond the sentence of why. */
function reportOf(report) {
  const { line, given, traceback } = report;
  const rows = [['Node', report.node], ['Line', report.line_no], ['The line', line],
    ['What the node received', given === line ? null : given]];
  return el('div', { class: 'report' },
    el('dl', {}, rows.filter(([, text]) => text != null).map(([label, text]) => el('div', {},
      el('dt', {}, label), el('dd', { class: 'text' }, lineText(String(text)))))),
    Array.isArray(traceback) && traceback.length ? el('details', {}, el('summary', {}, 'Traceback'),
      el('pre', { class: 'text', tabindex: '0' }, traceback.map(text => shownLine(String(text))).join('\n'))) : null);
}

/** The first lines that were set aside; each can be explained. */
function rejectsOf(rejects) {
  const cells = line => [
    el('td', { class: 'number' }, number(line.line_no)), el('td', {}, line.node == null ? NONE : name(line.node)),
    el('td', { class: 'text' }, line.line == null ? NONE : lineText(String(line.line))),
    el('td', { class: 'bad' }, shownError(line.error)),
    el('td', {}, el('button', { type: 'button', 'aria-label': `Explain line ${number(line.line_no)}`,
      onclick: () => explainHere(line.line_no) }, 'Explain'))];
  return el('div', { class: 'box', tabindex: '0', role: 'region', 'aria-label': 'Rejected lines' },
    el('table', {},
      el('caption', {}, 'The first lines that were set aside'),
      el('thead', {}, el('tr', {}, ['Line', 'Node', 'The line', 'Why', 'What became of it'].map((label, at) =>
        el('th', { scope: 'col', class: at ? null : 'number' }, label)))),
      el('tbody', {}, rejects.lines.map(line => el('tr', {}, cells(line))))));
}

function explainHere(line) {
  $('explain-line').value = line;
  $('explain-title').scrollIntoView({ block: 'start' });
  $('explain-title').focus({ preventScroll: true });
  explain(fileName, line);
}
