// The table of nodes.

const NODE_COLUMNS = [
  { key: 'tag', label: 'Node' },
  { key: 'count', label: 'In', isNumber: true },
  { key: 'emitted', label: 'Out', isNumber: true },
  { key: 'errors', label: 'Errors', isNumber: true },
  { key: 'rate', label: 'In per second', isNumber: true },
  { key: 'seconds', label: 'Time', isNumber: true },
  { key: 'share', label: 'Share of time', isNumber: true },
];

function renderNodes() {
  renderHeader($('nodes'), NODE_COLUMNS, place.nodes, nodes => go({ nodes }));
  const stats = feeds.stats.data?.nodes ?? {};
  const total = Object.values(stats).reduce((sum, node) => sum + node.seconds, 0);
  const others = Object.keys(stats).filter(tag => stats[tag].count); // such as `drop`, without an edge to it
  const tags = new Set([...drawn.nodes.map(node => node.tag), ...others]);
  const rows = Array.from(tags, tag => ({ tag, ...(stats[tag] ?? {}), rate: stats[tag] ? rateOf(tag) : null,
    share: stats[tag] && total ? stats[tag].seconds / total : null }));
  reconcile($('nodes').tBodies[0], 'tr', sorted(rows, place.nodes, NODE_COLUMNS), node => node.tag, fillNode);
}

function fillNode(row, node) {
  const cell = (...children) => el('td', { class: 'number' }, ...children);
  const bar = el('i');
  bar.style.width = `${(node.share ?? 0) * 100}%`;
  row.dataset.node = node.tag;
  row.append(
    el('th', { scope: 'row', class: 'name' }, el('button', { type: 'button', class: 'link', 'data-action': 'node',
      onclick: () => openNode(node.tag) }, name(node.tag))),
    cell(number(node.count)), cell(number(node.emitted)),
    el('td', { class: node.errors ? 'number bad' : 'number' }, number(node.errors)),
    cell(node.rate == null ? NONE : rate(node.rate)), cell(span(node.seconds)),
    cell(node.share == null ? NONE : percent(node.share),
      el('span', { class: 'share', 'aria-hidden': 'true' }, bar)));
  labelCells(row, NODE_COLUMNS);
}
