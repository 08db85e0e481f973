// The way of a line through the pipeline.

const isTraced = trace => String(lineNumber(trace)) === place.line
  && (!place.trace || trace.file === place.trace);
let chosen = null; // the trace whose steps are shown

function renderTrace() {
  const data = feeds.trace.data;
  if (!data) return;
  const { traces } = data;
  const isSame = trace => chosen && trace.file === chosen.file && trace.line_no === chosen.line_no;
  if (chosen && isTraced(chosen)) chosen = traces.find(isSame) ?? chosen; // it stays, even once it is dropped
  else chosen = traces.find(isTraced) ?? traces.find(isSame) ?? traces[0] ?? null;
  $('trace-pair').hidden = !chosen;
  $('trace-empty').hidden = chosen !== null;
  if (!chosen) setEmpty($('trace-empty'), noTraces());
  const rows = traces.map(trace => ({ ...trace, isChosen: trace === chosen }));
  const keyOf = trace => JSON.stringify([trace.file, trace.line_no, trace.line]);
  reconcile($('traces'), 'li', rows, keyOf, fillTrace);
  if (chosen) renderSteps(chosen);
}

function noTraces() {
  const start = ['To have the way of every line: ', code('./fproc.pyz --watch --trace')];
  if (place.trace) return ['No traced line of ', name(place.trace), ' is kept any more. ', ...start];
  return ['No line has been traced yet. ', ...start];
}

const lineName = trace => `${shown(trace.file)}:${lineNumber(trace)}`;

function fillTrace(row, trace) {
  row.append(el('button', { type: 'button', 'aria-pressed': String(trace.isChosen), 'data-action': 'trace',
    onclick: () => {
      chosen = trace;
      go({ trace: place.trace, line: String(lineNumber(trace)) });
    } }, el('bdi', {}, lineName(trace)), ' ', outcome(trace.outcome),
  el('span', { class: 'text' }, lineText(trace.line, 80))));
}

function renderSteps(trace) {
  const missed = place.line && !isTraced(trace) ? ` (line ${shown(place.line)} was not traced)` : '';
  if ($('steps-title').textContent !== lineName(trace) + missed) {
    $('steps-title').replaceChildren(...placeLink(trace.file, lineNumber(trace)), missed);
  }
  const text = JSON.stringify([trace, feeds.graph.data?.edges]);
  if ($('steps').shows === text) return;
  $('steps').shows = text;
  $('steps').replaceChildren(...stepRows(trace.path, feeds.graph.data?.edges ?? []));
  $('outcome').replaceChildren('Outcome: ', outcome(trace.outcome));
}
