// Charts of the node that is shown: what it was given and emitted, what failed there, how long a line took.

const perStep = figure => (point, step) => figure(point) == null ? null : figure(point) / step;
const brief = seconds => seconds == null || seconds >= 1e-4 || !seconds ? span(seconds) : `${THREE_DIGITS.format(seconds * 1e6)} \u00b5s`;
const NODE_CHARTS = [
  { id: 'node-lines', title: 'Lines per second at this node', format: perSecond('lines'), tick: shortRate, lines: [
    { label: 'in', look: 'line', value: perStep(point => point.received) },
    { label: 'out', look: 'line second', value: perStep(point => point.emitted) },
    { label: 'errors', look: 'cross', value: perStep(point => point.failed), isMark: true },
  ], also: point => point.failed ? { at: place.node } : {} },
  { id: 'node-seconds', title: 'Time per line at this node', format: brief, tick: brief, lines: [
    { label: 'mean', look: 'line', value: point => point.seconds_each },
  ] },
];

/** The series with what the node did instead of what the pipeline did; as long as that is not known, nothing. */
function nodeSeries(series) {
  const known = series.node?.tag === place.node ? series.node.points : [];
  return { ...series, points: series.points.map(({ timestamp }, index) => ({ ...known[index], timestamp })) };
}
