// What happened to a file, and what came of it: attempts, results, traces.

function renderTimeline(timeline) {
  showList('timeline', !timeline.length);
  reconcile($('timeline-rows'), 'tr', timeline.toReversed(), JSON.stringify, fillMoment);
}

function fillMoment(row, moment) {
  const { node, line_no: line } = moment;
  const where = [node == null ? null : `node ${shown(node)}`, line == null ? null : `line ${number(line)}`,
    moment.pipeline == null ? null : ['pipeline ', el('a', { href: `/${query({ pipeline: moment.pipeline })}#files`,
      title: `fproc ${shown(moment.version)}`, 'aria-label': `Files that ran under pipeline ${shown(moment.pipeline)}` },
    shown(moment.pipeline))]];
  const isRun = moment.client == null; // and not what somebody did with it
  const cell = (label, text) => el('td', { class: isRun ? 'number' : 'number none', 'data-label': label }, isRun ? text : NONE);
  row.append(
    el('td', {}, DATE_CLOCK.format(Date.parse(moment.timestamp)), ' ', el('span', { class: 'quiet' }, when(moment.timestamp))),
    el('th', { scope: 'row' }, STATES.includes(moment.kind) ? chip(moment.kind) : shown(moment.kind),
      isRun ? null : ` by ${shown(moment.client)}`),
    cell('Attempt', number(moment.attempt)), cell('Took', span(moment.seconds)),
    cell('Lines in', number(moment.lines)), cell('Lines out', number(moment.lines_out)),
    cell('Left out', leftOutText(moment)),
    el('td', {}, el('span', { class: 'bad' }, shownError(moment.error ?? '')), metaLine(where)));
}

function renderResults(results) {
  showList('results', !results.length);
  reconcile($('results-rows'), 'tr', results, result => result.name, fillResult);
}

function fillResult(row, result) {
  const isThere = result.bytes != null;
  row.append(
    el('th', { scope: 'row', class: 'name' }, isThere ? resultLink(result.name) : name(result.name)),
    el('td', { class: 'number' }, isThere ? bytes(result.bytes) : 'not there any more'),
    el('td', { class: 'mono' }, result.sha256 ?? (isThere ? 'too large to be hashed here' : NONE)));
}

let edgesOfGraph = []; // by which the steps of a trace tell where they came from

function renderFileTraces(traces) {
  showList('traces', !traces.length);
  reconcile($('trace-rows'), 'li', traces, JSON.stringify, fillFileTrace);
}

function fillFileTrace(row, trace) {
  row.append(el('details', {},
    el('summary', {}, `Line ${lineNumber(trace)} `, outcome(trace.outcome), ' ',
      el('span', { class: 'text' }, lineText(trace.line, 80))),
    el('ol', { class: 'steps' }, stepRows(trace.path, edgesOfGraph))));
}
