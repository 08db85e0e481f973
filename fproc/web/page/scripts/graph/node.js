// One node: what it was given and how long it took, its errors, how it is configured.

const NODE_ERRORS = 5;
let nodeErrors = { tag: '', errors: null }; // those of the node that is shown, once they are known

function openNode(tag) {
  go({ node: tag === place.node ? '' : tag }, { isStep: true });
}

async function askNodeErrors(tag) {
  nodeErrors = { tag, errors: null };
  try {
    const { errors } = await ask(`/errors${query({ node: tag, limit: NODE_ERRORS })}`);
    if (nodeErrors.tag === tag) nodeErrors.errors = errors;
  } catch {
    nodeErrors.tag = ''; // asked again when the node is shown again
  }
  renderNode();
}

function renderNode() {
  const tag = place.node, { graph, stats } = feeds;
  $('node').hidden = !tag;
  renderGraphCounts();
  if (!tag || !graph.data) return;
  const figures = stats.data?.nodes[tag];
  const counted = JSON.stringify(figures?.errors ?? 0);
  if (nodeErrors.tag !== tag || nodeErrors.count !== counted) {
    askNodeErrors(tag);
    nodeErrors.count = counted;
  }
  const spec = graph.data.nodes.find(node => node.tag === tag);
  const targets = graph.data.edges.filter(edge => edge.from === tag);
  setText($('node-title'), `Node ${shown(tag)}`);
  const rows = [
    ['Type', spec ? shown(spec.type) : 'not in this pipeline'],
    ['Lines in, out', `${number(figures?.count)}, ${number(figures?.emitted)}`],
    ...nodeTimeRows(tag, figures),
    ['Errors', number(figures?.errors)],
    ...Object.entries(spec?.options ?? {}).map(([key, value]) => [key, JSON.stringify(value)]),
    ...(spec?.own_options ?? []).map(key => [key, 'is set, and not shown']),
    ...targets.map(edge => [edge.tags.length ? `Tag ${edge.tags.map(shown).join(', ')}` : 'Next', `to ${shown(edge.to)}`]),
  ];
  reconcile($('node-facts'), 'div', rows, String, (row, [label, text]) => row.append(
    el('dt', {}, shown(label)), el('dd', { class: 'text' }, shownLine(text))));
  reconcile($('node-errors'), 'li', nodeErrors.errors ?? [], JSON.stringify, fillError);
}

/** How long it took, of what all nodes took, and how long each line did, by the lines that were timed. */
function nodeTimeRows(tag, figures) {
  const times = nodeTimes(), { seconds, share, lately } = times.of(tag);
  const shares = [
    share == null ? '' : `${percent(share)} of that of all nodes`,
    lately == null ? '' : `${percent(lately)} in ${lastWindow()}`,
  ].filter(Boolean).join(', ');
  return [
    ['Time', [span(seconds), shares].filter(Boolean).join('; ')],
    ['Time for each line', figures?.count ? `${span(figures.seconds / figures.count)}, from one line in ${CONSTANTS.timed_one_in}` : NONE],
  ];
}
