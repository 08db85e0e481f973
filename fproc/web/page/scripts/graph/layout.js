// The graph: where nodes, labels and edges lie.
// Layers from left to right. Nodes stand in the even layers; each edge gets a place for its label in the odd
// layer behind its source, so labels are laid out like nodes and never lie on each other. An edge over
// several layers bends in each. Edges that close a cycle are laid out the other way round, so they lead back
// through the same layers, and never around nodes that they have nothing to do with.

const NODE = { width: 164, height: 76 };
const LABEL = { width: 112, height: 32 };
const BEND = { width: 0, height: 8 };
const GAP = { across: 26, down: 12 };

function layOut(graph) {
  const { ranks, back, reached } = rank(graph);
  const nodes = new Map(graph.nodes.map(node => [node.tag,
    { ...NODE, node, rank: ranks.get(node.tag), before: [], after: [], isReached: reached.has(node.tag) }]));
  const columns = [];
  const put = item => { (columns[item.rank] ??= []).push(item); return item; };
  [...nodes.values()].forEach(put);
  const edges = graph.edges.map(edge => {
    const from = nodes.get(edge.from), to = nodes.get(edge.to);
    const isBack = back.has(edge), isLoop = from === to;
    if (isLoop) return { edge, from, to, isBack, isLoop, items: [loopLabel(from, put)] };
    return { edge, from, to, isBack, isLoop, items: isBack ? chain(to, from, put).reverse() : chain(from, to, put) };
  });
  const filled = Array.from(columns, column => column ?? []);
  order(filled);
  setHeights(filled);
  const size = setPlaces(filled);
  return { nodes: [...nodes.values()], edges, ...size };
}

/** The layer of each node: twice the longest way to it, not counting the edges that close a cycle. */
function rank(graph) {
  const out = new Map(graph.nodes.map(node => [node.tag, []]));
  graph.edges.forEach(edge => out.get(edge.from).push(edge));
  const state = new Map(), finished = [], back = new Set();
  const visit = tag => {
    state.set(tag, 'open');
    for (const edge of out.get(tag)) {
      if (state.get(edge.to) === 'open') back.add(edge);
      else if (!state.has(edge.to)) visit(edge.to);
    }
    state.set(tag, 'done');
    finished.push(tag);
  };
  const visitAll = tags => tags.forEach(tag => { if (out.has(tag) && !state.has(tag)) visit(tag); });
  visitAll(graph.entries);
  const reached = new Set(state.keys());
  const targets = new Set(graph.edges.map(edge => edge.to));
  visitAll(graph.nodes.map(node => node.tag).filter(tag => !targets.has(tag)));
  visitAll(graph.nodes.map(node => node.tag));
  const ranks = new Map(finished.map(tag => [tag, 0]));
  for (const tag of finished.reverse()) {
    for (const edge of out.get(tag)) {
      if (!back.has(edge)) ranks.set(edge.to, Math.max(ranks.get(edge.to), ranks.get(tag) + 2));
    }
  }
  return { ranks, back, reached };
}

function chain(from, to, put) {
  const items = [];
  let last = from;
  for (let layer = from.rank + 1; layer <= to.rank; layer++) {
    const size = layer === from.rank + 1 ? LABEL : BEND;
    const item = layer === to.rank ? to : put({ ...size, rank: layer, before: [], after: [] });
    last.after.push(item);
    item.before.push(last);
    if (item !== to) items.push(item);
    last = item;
  }
  return items;
}

/** The place for the label of an edge from a node to itself, beside the node. */
function loopLabel(node, put) {
  const item = put({ ...LABEL, rank: node.rank + 1, before: [node], after: [] });
  node.after.push(item);
  return item;
}

const mean = values => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Fewer crossings: each item to the mean place of its neighbours, to and fro; the best order is kept. */
function order(columns) {
  const number = () => columns.forEach(column => column.forEach((item, index) => { item.index = index; }));
  const sort = (column, side) => {
    const wanted = new Map(column.map(item => [item,
      item[side].length ? mean(item[side].map(other => other.index)) : item.index]));
    column.sort((a, b) => wanted.get(a) - wanted.get(b));
    column.forEach((item, index) => { item.index = index; });
  };
  number();
  let best = { crossings: Infinity };
  for (let sweep = 0; sweep < 16 && best.crossings; sweep++) {
    const crossings = columns.reduce((sum, column) => sum + crossingsBehind(column), 0);
    if (crossings < best.crossings) best = { crossings, columns: columns.map(column => [...column]) };
    if (sweep % 2) columns.slice(0, -1).reverse().forEach(column => sort(column, 'after'));
    else columns.slice(1).forEach(column => sort(column, 'before'));
  }
  best.columns.forEach((column, index) => { columns[index].splice(0, Infinity, ...column); });
  number();
}

function crossingsBehind(column) {
  const links = column.flatMap(item => item.after.map(other => [item.index, other.index]));
  let crossings = 0;
  for (let a = 0; a < links.length; a++) {
    for (let b = 0; b < a; b++) {
      if ((links[a][0] - links[b][0]) * (links[a][1] - links[b][1]) < 0) crossings += 1;
    }
  }
  return crossings;
}

function setHeights(columns) {
  for (const column of columns) spread(column, column.map(() => 0));
  for (let pass = 0; pass < 10; pass++) {
    const side = pass % 2 ? 'after' : 'before';
    for (const column of pass % 2 ? [...columns].reverse() : columns) {
      spread(column, column.map(item => item[side].length ? mean(item[side].map(other => other.y)) : item.y));
    }
  }
}

/** Put the items as near to the wanted heights as order and gaps allow (least squares, by pooling). */
function spread(column, wanted) {
  let offset = 0;
  const pools = [];
  column.forEach((item, index) => {
    if (index) offset += (column[index - 1].height + item.height) / 2 + GAP.down;
    item.offset = offset;
    pools.push([wanted[index] - offset]);
    while (pools.length > 1 && mean(pools.at(-2)) > mean(pools.at(-1))) pools.push(pools.splice(-2).flat());
  });
  let index = 0;
  for (const pool of pools) for (const _ of pool) column[index].y = mean(pool) + column[index++].offset;
}

function setPlaces(columns) {
  const items = columns.flat();
  const top = Math.min(...items.map(item => item.y - item.height / 2)) - 8;
  let x = 16;
  for (const column of columns) {
    const width = Math.max(...column.map(item => item.width));
    for (const item of column) {
      item.x = x + width / 2;
      item.half = width / 2;
      item.y -= top;
    }
    x += width + GAP.across;
  }
  return { width: x, height: Math.max(...items.map(item => item.y + item.height / 2)) + 8 };
}
