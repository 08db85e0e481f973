// Elements: how they are made, found, and kept in step with what is to be shown.
// All text of files and lines goes into text nodes and attributes; no string is ever parsed as markup.

const $ = id => document.getElementById(id);

const builder = namespace => (name, attributes = {}, ...children) => {
  const node = document.createElementNS(namespace, name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === 'function') node[key] = value;
    else if (value != null && value !== false) node.setAttribute(key, value === true ? '' : value);
  }
  node.append(...children.flat().filter(child => child != null));
  return node;
};
const el = builder('http://www.w3.org/1999/xhtml');
const svg = builder('http://www.w3.org/2000/svg');

/** Change the text only if it differs: a live region speaks up at each change. */
function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Small facts side by side; those that are not known are left out. */
const metaLine = parts =>
  el('div', { class: 'meta' }, parts.filter(Boolean).map(part => el('span', {}, part)));

/** Show the list of a panel, or that there is nothing in it. */
function showList(panel, isEmpty) {
  $(panel).querySelector('.empty').hidden = !isEmpty;
  $(panel).querySelector('.box').hidden = isEmpty;
}

/** What has the focus is about to vanish: hand it to the heading, rather than to nothing. */
function yieldFocus(node) {
  if (node.contains(document.activeElement)) node.closest('section').querySelector('h1, h2').focus();
}

/**
 * Give `box` one child for each item, in order, and fill those that are new or have changed.
 * The others stay as they are, with their focus and selection.
 */
function reconcile(box, tag, items, keyOf, fill) {
  const old = box.kept ?? new Map();
  const rows = new Map();
  for (const item of items) {
    let key = keyOf(item);
    while (rows.has(key)) key += '\n'; // twins are rows of their own
    const row = old.get(key) ?? el(tag);
    const text = JSON.stringify(item);
    if (row.filledWith !== text) refill(row, item, fill);
    row.filledWith = text;
    rows.set(key, row);
  }
  for (const [key, row] of old) {
    if (rows.has(key)) continue;
    yieldFocus(row);
    row.remove();
  }
  let cursor = box.firstElementChild;
  for (const row of rows.values()) {
    if (row === cursor) cursor = cursor.nextElementSibling;
    else box.insertBefore(row, cursor);
  }
  box.kept = rows;
}

function refill(row, item, fill) {
  const action = row.contains(document.activeElement) ? document.activeElement.dataset.action : null;
  row.replaceChildren();
  fill(row, item);
  if (action) row.querySelector(`[data-action="${action}"]`)?.focus();
}
