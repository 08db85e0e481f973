// Tables that can be sorted.

/** `-key`: by key, downwards. */
const parseSort = text => ({ key: text.replace(/^-/, ''), isDown: text.startsWith('-') });

/** Columns are sorted by those of the keys that are given; by all of them if none are. */
function renderHeader(table, columns, sort, onSort, keys = columns.map(column => column.key)) {
  const head = table.tHead;
  head.row ??= head.appendChild(el('tr', {}, columns.map(column => el('th', {
    scope: 'col', class: column.isNumber ? 'number' : null, 'data-key': column.key,
  }, el('button', { type: 'button', onclick: () => onSort(nextSort(table.sort, column)) }, column.label)))));
  table.sort = sort;
  const { key, isDown } = parseSort(sort);
  for (const cell of head.row.cells) {
    cell.firstChild.disabled = !keys.includes(cell.dataset.key);
    if (sort && !cell.firstChild.disabled && cell.dataset.key === key) cell.setAttribute('aria-sort', isDown ? 'descending' : 'ascending');
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

/** The buttons that turn the pages of a list, and what they are at. */
function renderPager(panel, feed) {
  const { after, recent } = feed.data;
  const hadFocus = $(`${panel}-pager`).contains(document.activeElement);
  $(`${panel}-back`).disabled = !feed.before.length;
  $(`${panel}-on`).disabled = !after;
  $(`${panel}-pager`).hidden = !feed.before.length && !after;
  if (hadFocus && document.activeElement.disabled) yieldFocus(document.activeElement);
  const [first, last] = feed.range();
  setText($(`${panel}-range`), recent.length ? `${number(first)} to ${number(last)}` : 'nothing found here');
}

function listenForPager(panel, feed, list) {
  for (const [way, isForward] of [['back', false], ['on', true]]) {
    $(`${panel}-${way}`).onclick = () => { list.expect(); feed.turn(isForward); };
  }
}

/** Where there is no room for a table, each row is a card, whose cells say what they are. */
function labelCells(row, columns) {
  Array.from(row.cells).forEach((cell, index) => { cell.dataset.label = columns[index].label; });
}
