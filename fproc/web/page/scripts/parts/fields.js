// Records that are JSON objects, shown field by field.

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s"{}[\],:]+/g;

/** The fields of a line that is an object, with their values as they stand there; null of any other line. */
function fieldsOf(line) {
  if (!line.startsWith('{')) return null;
  try { JSON.parse(line); } catch { return null; }
  const fields = new Map();
  let depth = 0, key = null, begin = 0;
  for (const { 0: token, index } of line.matchAll(TOKEN)) { // numbers are not read: they might lose digits
    if (depth === 1 && key !== null && (token === ',' || token === '}')) {
      fields.set(key, line.slice(begin, index).trim());
      key = null;
    } else if (depth === 1 && key !== null && token === ':') begin = index + 1;
    else if (depth === 1 && key === null && token.startsWith('"')) key = JSON.parse(token);
    if (token === '{' || token === '[') depth += 1;
    if (token === '}' || token === ']') depth -= 1;
  }
  return fields.size ? fields : null;
}

/** A value as it reads: text without its quotes. */
const read = value => value.startsWith('"') ? JSON.parse(value) : value;
const valueText = value => el('bdi', {}, shownLine(read(value)) || '(empty)');
const marked = (tag, label, value) => el(tag, {}, el('span', { class: 'hidden' }, `${label}: `), valueText(value));

function changedValue(old, now) {
  if (old === now) return valueText(now);
  if (old === undefined) return marked('ins', 'added', now);
  if (now === undefined) return marked('del', 'removed', old);
  return read(old) === read(now) ? difference(old, now) : difference(read(old), read(now));
}

/** The fields of a line as a table; with those that the line had before, if any, what was changed in them. */
function fieldTable(fields, before) {
  const names = [...fields.keys(), ...[...before?.keys() ?? []].filter(field => !fields.has(field))];
  const value = field => before ? changedValue(before.get(field), fields.get(field)) : valueText(fields.get(field));
  return el('table', { class: 'fields' },
    el('caption', { class: 'hidden' }, 'Fields'),
    el('thead', {}, el('tr', {}, ['Field', 'Value'].map(label => el('th', { scope: 'col' }, label)))),
    el('tbody', {}, names.map(field => el('tr', {},
      el('th', { scope: 'row', class: 'text' }, name(field)), el('td', { class: 'text' }, value(field))))));
}
