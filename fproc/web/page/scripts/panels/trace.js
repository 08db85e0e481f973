// The way of a line through the pipeline.

const isTraced = trace => String(trace.line_no ?? 'end') === place.line
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

const lineName = trace => `${shown(trace.file)}:${trace.line_no ?? 'end'}`;

function fillTrace(row, trace) {
  row.append(el('button', { type: 'button', 'aria-pressed': String(trace.isChosen), 'data-action': 'trace',
    onclick: () => {
      chosen = trace;
      go({ trace: place.trace, line: String(trace.line_no ?? 'end') });
    } }, el('bdi', {}, lineName(trace)), ' ', outcome(trace.outcome),
  el('span', { class: 'text' }, lineText(trace.line, 80))));
}

function outcome(text) {
  const isBad = !CONSTANTS.usual_outcomes.includes(text);
  const { sign } = LOOKS[isBad ? FAILED : PROCESSED];
  return el('span', { class: isBad ? 'bad' : 'quiet' }, `${sign} ${shownError(text)}`);
}

function renderSteps(trace) {
  const missed = place.line && !isTraced(trace) ? ` (line ${shown(place.line)} was not traced)` : '';
  setText($('steps-title'), lineName(trace) + missed);
  const text = JSON.stringify([trace, feeds.graph.data?.edges]);
  if ($('steps').shows === text) return;
  $('steps').shows = text;
  $('steps').replaceChildren(...trace.path.map((step, index) => {
    const parent = parentOf(trace.path, index);
    return el('li', {},
      el('div', {}, el('b', {}, name(step.node)), ' ', el('span', { class: 'quiet' },
        step.tag == null ? null : ['given with tag ', name(step.tag)],
        parent >= 0 && parent < index - 1 ? [' from ', name(trace.path[parent].node)] : null)),
      el('div', { class: 'text' }, difference(parent < 0 ? step.line : trace.path[parent].line, step.line)));
  }));
  $('outcome').replaceChildren('Outcome: ', outcome(trace.outcome));
}

/** The step that emitted this one: the nearest earlier one with an edge to it; the path is depth first. */
function parentOf(path, index) {
  const edges = feeds.graph.data?.edges ?? [];
  for (let at = index - 1; at >= 0; at--) {
    if (edges.some(edge => edge.from === path[at].node && edge.to === path[index].node)) return at;
  }
  return index - 1;
}

/** The line, with what was taken out and put in between the beginning and the end that both share. */
function difference(before, after) {
  const old = Array.from(before), now = Array.from(after);
  if (before === after) return [lineText(after)];
  let head = 0, tail = 0;
  while (head < Math.min(old.length, now.length) && old[head] === now[head]) head += 1;
  while (tail < Math.min(old.length, now.length) - head && old.at(-1 - tail) === now.at(-1 - tail)) tail += 1;
  const part = (chars, from, to) => shownLine(chars.slice(from, to).join(''));
  const mark = (tag, label, chars) => chars.length - tail > head
    ? el(tag, {}, el('span', { class: 'hidden' }, ` ${label}: `), part(chars, head, chars.length - tail),
      el('span', { class: 'hidden' }, ', ')) : null;
  return [el('bdi', {}, part(now, 0, head), mark('del', 'removed', old), mark('ins', 'added', now),
    part(now, now.length - tail))];
}
