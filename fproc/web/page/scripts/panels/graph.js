// The graph: drawn, with counts and rates.

const RATE_SECONDS = 10;
let samples = [];

const edgeKey = edge => JSON.stringify([edge.from, edge.to]);

function sampleCounts(stats) {
  const counts = new Map(stats.edges.map(edge => [edgeKey(edge), edge.count]));
  for (const [tag, node] of Object.entries(stats.nodes)) counts.set(tag, node.count);
  const now = performance.now() / 1000;
  const last = samples.at(-1);
  const isRestart = last && [...counts].some(([key, count]) => count < (last.counts.get(key) ?? 0));
  samples = isRestart ? [] : samples.filter(sample => now - sample.at <= RATE_SECONDS);
  samples.push({ at: now, counts });
}

const countOf = key => samples.at(-1)?.counts.get(key) ?? 0;

function rateOf(key) {
  const first = samples[0], last = samples.at(-1);
  if (!first || first === last) return 0;
  return ((last.counts.get(key) ?? 0) - (first.counts.get(key) ?? 0)) / (last.at - first.at);
}

const pen = document.createElement('canvas').getContext('2d');

/** As much of the text as is no wider than that. */
function fit(text, width, font) {
  pen.font = `${font} ${getComputedStyle(document.body).fontFamily}`;
  let count = text.length;
  while (count > 1 && pen.measureText(clip(text, count)).width > width) count -= 1;
  return clip(text, count);
}

let drawn = { nodes: [], edges: [], text: '' };

function takeGraph(graph) {
  const text = JSON.stringify(graph);
  if (text === drawn.text) return;
  const layout = layOut(whole(graph));
  const nodes = layout.nodes.map(drawNode), edges = layout.edges.map(drawEdge);
  const size = `${counted(nodes.length, 'node')}, ${counted(edges.length, 'edge')}`;
  const picture = svg('svg', {
    role: 'img', 'aria-label': `Pipeline: ${size}; its table follows`, 'aria-describedby': 'nodes-caption',
    viewBox: `0 0 ${layout.width} ${layout.height}`,
  }, edges.map(edge => edge.group), nodes.map(node => node.group));
  picture.style.width = `clamp(${layout.width * .72}px, 100%, ${layout.width}px)`;
  $('graph').replaceChildren(picture);
  setText($('pipeline-text'), size);
  drawn = { nodes, edges, text };
  renderGraphCounts();
  renderNodes();
}

/** With a node for each end of an edge, should the server name one that it does not list. */
function whole(graph) {
  const tags = new Set(graph.nodes.map(node => node.tag));
  const missing = new Set(graph.edges.flatMap(edge => [edge.from, edge.to]).filter(tag => !tags.has(tag)));
  return { ...graph, nodes: [...graph.nodes, ...Array.from(missing, tag => ({ tag, type: '' }))] };
}

function drawNode({ node, x, y, width, height, isReached }) {
  const left = x - width / 2 + 12, top = y - height / 2;
  const marks = [node.is_entry ? 'entry' : '', isReached ? '' : 'not reached', node.type];
  const kind = marks.filter(Boolean).join(', ');
  const counts = svg('text', { class: 'small', x: left, y: top + 51 });
  const errors = svg('text', { class: 'errors', x: x + width / 2 - 8, y: top + 51, 'text-anchor': 'end' });
  const group = svg('g', { class: isReached ? 'node' : 'node unreached', 'data-node': node.tag },
    svg('title', {}, `${shown(node.tag)} (${shown(node.type)})`),
    svg('rect', { x: x - width / 2, y: top, width, height, rx: node.is_sink ? 16 : 6 }),
    node.is_entry ? svg('path', { class: 'mark', d: `M${left - 12} ${top + 8}h4v${height - 16}h-4z` }) : null,
    svg('text', { class: 'tag', x: left, y: top + 19 }, fit(shown(node.tag), 140, '600 13px')),
    svg('text', { class: 'small', x: left, y: top + 35 }, fit(shown(kind), 144, '11px')),
    counts, errors);
  return { tag: node.tag, group, counts, errors };
}

function drawEdge({ edge, from, to, items, isBack, lane }) {
  const end = { x: to.x - NODE.width / 2, y: to.y };
  const middle = isBack ? { x: (lane.left + lane.right) / 2, y: lane.y } : items[0];
  const tags = edge.tags?.map(shown).join(', ') ?? '';
  const label = (y, text) => svg('text', { class: 'small', x: middle.x, y, 'text-anchor': 'middle' }, text);
  const count = label(middle.y + 13, '');
  const group = svg('g', { class: 'edge', 'data-from': edge.from, 'data-to': edge.to },
    svg('title', {}, `${shown(edge.from)} to ${shown(edge.to)}${tags ? ` by ${tags}` : ''}`),
    svg('path', { d: isBack ? lanePath(from, end, lane) : edgePath(from, end, items) }),
    svg('path', { class: 'tip', d: `M${end.x} ${end.y}l-8 -4v8z` }),
    label(middle.y - 5, fit(tags, LABEL.width - 8, '11px')), count);
  return { key: edgeKey(edge), group, count };
}

/** Straight through each layer, so that it crosses no node there; bent between them. */
function edgePath(from, end, items) {
  let x = from.x + NODE.width / 2, y = from.y, path = `M${x} ${y}`;
  for (const stop of [...items, { ...end, half: 0 }]) {
    const next = stop.x - stop.half, bend = (x + next) / 2;
    path += `C${bend} ${y} ${bend} ${stop.y} ${next} ${stop.y}H${stop.x + stop.half}`;
    x = stop.x + stop.half;
    y = stop.y;
  }
  return path;
}

function lanePath(from, end, { y, left, right }) {
  const r = 5, x = from.x + NODE.width / 2;
  return `M${x} ${from.y + 10}H${right - r}q${r} 0 ${r} ${r}V${y - r}q0 ${r} ${-r} ${r}`
    + `H${left + r}q${-r} 0 ${-r} ${-r}V${end.y + r}q0 ${-r} ${r} ${-r}H${end.x}`;
}

const withRate = key => short(countOf(key)) + (rateOf(key) >= .01 ? ` \u00b7 ${rate(rateOf(key))}/s` : '');

function renderGraphCounts() {
  const inward = new Map(); // what a node that the server does not count was given along its edges
  for (const { key } of drawn.edges) {
    const to = JSON.parse(key)[1];
    inward.set(to, (inward.get(to) ?? 0) + countOf(key));
  }
  const nodes = feeds.stats.data?.nodes ?? {};
  for (const { tag, group, counts, errors } of drawn.nodes) {
    const failures = nodes[tag]?.errors ?? 0;
    setText(counts, nodes[tag] ? withRate(tag) : short(inward.get(tag) ?? 0));
    setText(errors, failures ? counted(failures, 'error') : '');
    group.classList.toggle('failing', failures > 0);
  }
  for (const { key, group, count } of drawn.edges) {
    setText(count, withRate(key));
    group.classList.toggle('flowing', rateOf(key) > 0);
  }
}
