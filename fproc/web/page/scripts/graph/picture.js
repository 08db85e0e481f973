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

function widthOf(text, font) {
  pen.font = `${font} ${getComputedStyle(document.body).fontFamily}`;
  return pen.measureText(text).width;
}

/** As much of the text as is no wider than that. */
function fit(text, width, font) {
  let count = text.length;
  while (count > 1 && widthOf(clip(text, count), font) > width) count -= 1;
  return clip(text, count);
}

const NAME_WIDTH = 142, NAME_SIZE = 13;

/** A whole name on a line, or on two: broken near the middle, if possible behind a separator, and as small as it must be. */
function nameLines(text) {
  const font = `600 ${NAME_SIZE}px`;
  let lines = [text];
  if (widthOf(text, font) > NAME_WIDTH) {
    const middle = text.length / 2;
    const breaks = Array.from(text.matchAll(/[^\p{L}\p{N}]/gu), found => found.index + found[0].length)
      .filter(at => Math.abs(at - middle) < text.length / 4);
    const at = breaks.sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle))[0] ?? Math.ceil(middle);
    lines = [text.slice(0, at), text.slice(at)];
  }
  const widest = Math.max(...lines.map(line => widthOf(line, font)));
  return { lines, size: NAME_SIZE * Math.min(1, NAME_WIDTH / widest) };
}

let drawn = { nodes: [], edges: [], text: '' };

function takeGraph(graph) {
  const text = JSON.stringify(graph);
  if (text === drawn.text) return;
  const layout = layOut(whole(graph));
  const nodes = layout.nodes.map(drawNode), edges = layout.edges.map(drawEdge);
  const size = `${counted(nodes.length, 'node')}, ${counted(edges.length, 'edge')}`;
  const picture = svg('svg', {
    role: 'group', 'aria-label': `Pipeline: ${size}; its table follows`,
    viewBox: `0 0 ${layout.width} ${layout.height}`,
  }, edges.map(edge => edge.group), nodes.map(node => node.group));
  $('graph').replaceChildren(picture);
  picture.natural = layout;
  zoomGraph(1);
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

let zoom = 1;

/** All of it fits at 1; beyond that, it is scrolled. */
function zoomGraph(factor) {
  const picture = $('graph').firstElementChild;
  if (!picture) return;
  zoom = clamp(factor, 1, 8);
  const { width, height } = picture.natural;
  picture.style.width = `calc(min(100%, ${width}px, 68vh * ${width / height}) * ${zoom})`;
  $('graph-out').disabled = $('graph-fit').disabled = zoom === 1;
}

function drawNode({ node, x, y, width, height, isReached }) {
  const left = x - width / 2 + 12, top = y - height / 2;
  const marks = [node.is_entry ? 'entry' : '', isReached ? '' : 'not reached', node.type];
  const kind = marks.filter(Boolean).join(', ');
  const { lines, size } = nameLines(shown(node.tag));
  const counts = svg('text', { class: 'small', x: left, y: top + 67 });
  const errors = svg('text', { class: 'errors', x: x + width / 2 - 8, y: top + 67, 'text-anchor': 'end' });
  const busy = svg('path', { class: 'busy', transform: `translate(${left} ${top + height - 5})` });
  const tag = svg('text', { class: 'tag' }, lines.map((line, index) => svg('tspan', { x: left,
    y: top + (lines.length > 1 ? 17 : 24) + 15 * index }, line)));
  tag.style.fontSize = `${size}px`;
  const open = () => openNode(node.tag);
  const group = svg('g', { class: isReached ? 'node' : 'node unreached', 'data-node': node.tag, tabindex: 0,
    role: 'button', 'aria-label': `Node ${shown(node.tag)}`, onclick: open, onkeydown: event => {
      if (event.key !== 'Enter' && event.key !== ' ') return;
      event.preventDefault();
      open();
    } },
    svg('title', {}, `${shown(node.tag)} (${shown(node.type)})`),
    svg('rect', { x: x - width / 2, y: top, width, height, rx: node.is_sink ? 16 : 6 }),
    node.is_entry ? svg('path', { class: 'mark', d: `M${left - 12} ${top + 8}h4v${height - 16}h-4z` }) : null,
    tag,
    svg('text', { class: 'small', x: left, y: top + 51 }, fit(shown(kind), 144, '11px')),
    counts, errors, busy);
  return { tag: node.tag, group, counts, errors, busy };
}

const BACK_BELOW = 16; // by how much edges that lead back meet nodes lower than others

function drawEdge({ edge, from, to, items, isBack, isLoop }) {
  const sign = isBack ? -1 : 1; // the side on which an edge meets its target
  const end = { x: to.x - sign * NODE.width / 2, y: to.y + (isBack ? BACK_BELOW : 0) };
  const [middle] = isBack ? items.slice(-1) : items;
  const tags = edge.tags?.map(shown).join(', ') ?? '';
  const label = (y, text) => svg('text', { class: 'small', x: middle.x, y, 'text-anchor': 'middle' }, text);
  const count = label(middle.y + 13, '');
  const path = isLoop ? loopPath(from, end, middle) : edgePath(from, end, items, sign);
  const group = svg('g', { class: isBack ? 'edge back' : 'edge', 'data-from': edge.from, 'data-to': edge.to },
    svg('title', {}, `${shown(edge.from)} to ${shown(edge.to)}${tags ? ` by ${tags}` : ''}`),
    svg('path', { d: path }),
    svg('path', { class: 'tip', d: `M${end.x} ${end.y}l${-8 * sign} -4v8z` }),
    label(middle.y - 5, fit(tags, LABEL.width - 8, '11px')), count);
  return { key: edgeKey(edge), group, count };
}

/** Straight through each layer, so that it crosses no node there; bent between them. Back, `sign` is -1. */
function edgePath(from, end, items, sign) {
  let x = from.x + sign * NODE.width / 2, y = from.y + (sign < 0 ? BACK_BELOW : 0), path = `M${x} ${y}`;
  for (const stop of [...items, { ...end, half: 0 }]) {
    const next = stop.x - sign * stop.half, bend = (x + next) / 2;
    path += `C${bend} ${y} ${bend} ${stop.y} ${next} ${stop.y}H${stop.x + sign * stop.half}`;
    x = stop.x + sign * stop.half;
    y = stop.y;
  }
  return path;
}

/** From a node to itself: around its label, which lies beside it. */
function loopPath(node, end, label) {
  const x = node.x + NODE.width / 2, y = node.y - BACK_BELOW / 2, right = label.x + label.half;
  const { y: middle } = label, half = LABEL.height / 2 + 4;
  return `M${x} ${y}C${x + 12} ${y} ${x + 12} ${middle - half} ${label.x - label.half} ${middle - half}`
    + `H${right - 8}q8 0 8 8V${middle + half - 8}q0 8 -8 8`
    + `H${label.x - label.half}C${x + 12} ${middle + half} ${x + 12} ${end.y} ${end.x} ${end.y}`;
}

const withRate = key => short(countOf(key)) + (rateOf(key) >= .01 ? ` \u00b7 ${rate(rateOf(key))}/s` : '');

function renderGraphCounts() {
  const inward = new Map(); // what a node that the server does not count was given along its edges
  for (const { key } of drawn.edges) {
    const to = JSON.parse(key)[1];
    inward.set(to, (inward.get(to) ?? 0) + countOf(key));
  }
  const nodes = feeds.stats.data?.nodes ?? {}, times = nodeTimes();
  for (const { tag, group, counts, errors, busy } of drawn.nodes) {
    const failures = nodes[tag]?.errors ?? 0, { share } = times.of(tag);
    const told = [failures ? counted(failures, 'error') : '', share ? `${percent(share)} of the time` : ''].filter(Boolean);
    busy.setAttribute('d', `M0 0h${((NODE.width - 24) * (share ?? 0)).toFixed(1)}`);
    setText(counts, nodes[tag] ? withRate(tag) : short(inward.get(tag) ?? 0));
    setText(errors, failures ? counted(failures, 'error') : '');
    group.setAttribute('aria-label', [`Node ${shown(tag)}`, ...told].join(', '));
    group.setAttribute('aria-pressed', String(tag === place.node));
    group.classList.toggle('failing', failures > 0);
  }
  for (const { key, group, count } of drawn.edges) {
    setText(count, withRate(key));
    group.classList.toggle('flowing', rateOf(key) > 0);
  }
}
