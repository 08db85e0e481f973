// The table of nodes.

const NODE_COLUMNS = [
  { key: 'tag', label: 'Node' },
  { key: 'count', label: 'In', isNumber: true },
  { key: 'emitted', label: 'Out', isNumber: true },
  { key: 'errors', label: 'Errors', isNumber: true },
  { key: 'rate', label: 'In per second', isNumber: true },
  { key: 'seconds', label: 'Time', isNumber: true },
  { key: 'share', label: 'Share of time', isNumber: true },
  { key: 'lately', label: 'Lately', isNumber: true },
];
const SLOWER = .1; // by which a share has risen if the node is marked

/** Where time goes: by where workers were seen, or, as long as they were at no node, by the lines that were timed. */
function nodeTimes() {
  const nodes = feeds.stats.data?.nodes ?? {};
  const sum = key => Object.values(nodes).reduce((total, node) => total + node[key], 0);
  const isSeen = sum('sampled_seconds') > 0;
  const key = isSeen ? 'sampled_seconds' : 'seconds';
  const [all, lately] = [sum(key), sum('sampled_in_window_seconds')];
  const of = tag => {
    const node = nodes[tag];
    return { seconds: node?.[key], share: node && all ? node[key] / all : null,
      lately: node && lately ? node.sampled_in_window_seconds / lately : null };
  };
  return { isSeen, of };
}

const windowText = seconds => {
  const [count, unit] = windowUnits(seconds);
  return count === 1 ? unit : counted(count, unit);
};
const lastWindow = () => `the last ${windowText(feeds.stats.data.throughput.window_seconds)}`;
const isSlower = ({ share, lately }) => lately != null && lately - share >= SLOWER;

function renderNodes() {
  renderHeader($('nodes'), NODE_COLUMNS, place.nodes, nodes => go({ nodes }));
  const stats = feeds.stats.data?.nodes ?? {}, times = nodeTimes();
  const others = Object.keys(stats).filter(tag => stats[tag].count); // such as `drop`, without an edge to it
  const tags = new Set([...drawn.nodes.map(node => node.tag), ...others]);
  const rows = Array.from(tags, tag => ({ tag, ...(stats[tag] ?? {}), rate: stats[tag] ? rateOf(tag) : null, ...times.of(tag) }));
  reconcile($('nodes').tBodies[0], 'tr', sorted(rows, place.nodes, NODE_COLUMNS), node => node.tag, fillNode);
  if (feeds.stats.data) renderTimeNote(times.isSeen);
}

function renderTimeNote(isSeen) {
  const outside = Object.entries(feeds.stats.data.outside_nodes).sort(([, a], [, b]) => b - a)
    .map(([doing, seconds]) => `${span(seconds)} ${CONSTANTS.outside_nodes[doing]}`);
  setText($('nodes-time'), isSeen
    ? `Time: how long workers were seen at a node, asked about once a second; lately: in ${lastWindow()}.`
      + (outside.length ? ` Elsewhere: ${outside.join(', ')}.` : '')
    : `Time: reckoned from one line in ${CONSTANTS.timed_one_in}, as no worker was seen at a node yet.`);
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
      el('span', { class: 'share', 'aria-hidden': 'true' }, bar)),
    el('td', { class: isSlower(node) ? 'number bad' : 'number' }, node.lately == null ? NONE : percent(node.lately),
      isSlower(node) ? ' \u25b2' : null, isSlower(node) ? el('span', { class: 'hidden' }, 'more than before') : null));
  labelCells(row, NODE_COLUMNS);
}
