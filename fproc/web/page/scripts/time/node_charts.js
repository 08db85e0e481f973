// Charts of the node that is shown: its lines in and out, what failed, how long a line took, how many workers were there.

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
  { id: 'node-workers', title: 'Workers at this node', format: rate, tick: rate, lines: [
    { label: 'mean', look: 'line', value: perStep(point => point.sampled_seconds) },
  ] },
];

/** The series with what the node did instead of what the pipeline did; as long as that is not known, nothing. */
function nodeSeries(series) {
  const known = series.node?.tag === place.node ? series.node.points : [];
  return { ...series, points: series.points.map(({ timestamp }, index) => ({ ...known[index], timestamp })) };
}
