// Lines of files, what was changed in them, and their way through the pipeline.

const lineText = (line, limit) => el('bdi', {}, shownLine(line, limit) || '(empty line)');

/** How many lines of a file were set aside or skipped; null where nobody knows. */
function leftOut(file) {
  return file.rejected == null ? null : file.rejected + file.skipped;
}

function leftOutText(file) {
  const found = CONSTANTS.left_out.filter(fate => file[fate]);
  return found.map(fate => `${number(file[fate])} ${fate}`).join(', ') || number(leftOut(file));
}

const lineNumber = trace => trace.line_no ?? 'end';

function outcome(text) {
  const isBad = !CONSTANTS.usual_outcomes.includes(text);
  const { sign } = LOOKS[isBad ? FAILED : PROCESSED];
  return el('span', { class: isBad ? 'bad' : 'quiet' }, `${sign} ${shownError(text)}`);
}

/** The steps of a traced line. */
function stepRows(path, edges) {
  return path.map((step, index) => {
    const parent = parentOf(path, index, edges);
    return el('li', {},
      el('div', {}, el('b', {}, name(step.node)), ' ', el('span', { class: 'quiet' },
        step.tag == null ? null : ['given with tag ', name(step.tag)],
        parent >= 0 && parent < index - 1 ? [' from ', name(path[parent].node)] : null)),
      el('div', { class: 'text' }, difference(parent < 0 ? step.line : path[parent].line, step.line)));
  });
}

/** The step that emitted this one: the nearest earlier one with an edge to it; the path is depth first. */
function parentOf(path, index, edges) {
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
