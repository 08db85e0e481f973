// Tables that can be sorted.

/** `-key`: by key, downwards. */
const parseSort = text => ({ key: text.replace(/^-/, ''), isDown: text.startsWith('-') });

function renderHeader(table, columns, sort, onSort) {
  const head = table.tHead;
  head.row ??= head.appendChild(el('tr', {}, columns.map(column => el('th', {
    scope: 'col', class: column.isNumber ? 'number' : null, 'data-key': column.key,
  }, el('button', { type: 'button', onclick: () => onSort(nextSort(table.sort, column)) }, column.label)))));
  table.sort = sort;
  const { key, isDown } = parseSort(sort);
  for (const cell of head.row.cells) {
    if (sort && cell.dataset.key === key) cell.setAttribute('aria-sort', isDown ? 'descending' : 'ascending');
    else cell.removeAttribute('aria-sort');
  }
}

/** Numbers start with the largest, texts with A; then the other way round; then as the server has it. */
function nextSort(sort, { key, isNumber }) {
  const [first, second] = isNumber ? [`-${key}`, key] : [key, `-${key}`];
  return { [first]: second, [second]: '' }[sort] ?? first;
}

function sorted(rows, sort, columns) {
  const { key, isDown } = parseSort(sort);
  const column = columns.find(one => one.key === key);
  if (!column) return rows;
  const value = column.value ?? (row => row[key]);
  const compare = (a, b) => typeof a === 'number' && typeof b === 'number' ? a - b : COLLATOR.compare(a, b);
  return [...rows].sort((a, b) => {
    const [left, right] = [value(a), value(b)];
    if (left == null || right == null) return (left == null) - (right == null); // what is unknown comes last
    return isDown ? compare(right, left) : compare(left, right);
  });
}
