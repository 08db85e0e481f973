// Throughput: figures of the window, and charts that can be read out.

const perSecond = unit => value => `${rate(value)} ${unit}/s`;
const CHARTS = [
  { id: 'lines', title: 'Lines per second', format: perSecond('lines'), tick: shortRate, lines: [
    { label: 'lines', look: 'line', isArea: true, value: (point, step) => point.lines / step },
  ] },
  { id: 'ended', title: 'Files per second', format: perSecond('files'), tick: rate, lines: [
    { label: 'ended', look: 'line', isArea: true, value: (point, step) => point.files / step },
    { label: FAILED, look: 'cross', value: (point, step) => point.failed / step, isMark: true, lists: { state: FAILED } },
  ] },
  { id: 'seconds', title: 'Time per file', format: span, tick: span, lines: [
    ...CONSTANTS.series_percentiles.map((key, index) => (
      { label: key, look: index ? 'line second' : 'line', value: point => point[key] })),
  ] },
];
const PLOT = { height: 150, left: 52, right: 8, top: 8, bottom: 20 };
const CROSS_REACH = 8; // pixels, across and up
let cursor = null; // the index of the point that is read out, in all charts; null: the newest

function buildWindows() {
  $('windows').append(...WINDOWS.map(seconds => {
    const [count, unit] = windowUnits(seconds);
    return el('button', { type: 'button', 'data-window': seconds, 'aria-pressed': 'false',
      onclick: () => go({ window: seconds }) }, `${count} ${{ minute: 'min', hour: 'h', day: 'd' }[unit]}`);
  }));
}

function buildCharts() {
  addCharts($('charts'), CHARTS);
  addCharts($('node-charts'), NODE_CHARTS);
}

function addCharts(box, charts) {
  for (const chart of charts) {
    chart.legend = el('p', { class: 'legend' });
    chart.plot = el('div', { class: 'plot', id: `chart-${chart.id}`, tabindex: 0, role: 'slider',
      'aria-label': `${chart.title}: moment read out; Enter lists its files`, 'aria-valuemin': 0, 'aria-valuenow': 0 });
    chart.plot.onpointermove = event => setCursor(indexAt(chart.plot, event.clientX));
    chart.plot.onpointerleave = chart.plot.onblur = () => setCursor(null);
    chart.plot.onkeydown = event => moveCursor(chart, event);
    chart.plot.onclick = event => openPoint(chart, event);
    box.append(el('div', {}, el('h3', {}, chart.title), chart.legend, chart.plot));
  }
  new ResizeObserver(() => renderCharts()).observe(box);
}

function takeSeries(series) {
  renderKeepingUp(series);
  renderCharts();
  if (feeds.stats.data) renderFigures();
}

function renderCharts() {
  if (!feeds.series.data) return;
  const series = { ...feeds.series.data, points: endedSteps(feeds.series.data) };
  if (cursor !== null) cursor = Math.min(cursor, series.points.length - 1);
  CHARTS.forEach(chart => renderChart(chart, series));
  if (place.node) NODE_CHARTS.forEach(chart => renderChart(chart, nodeSeries(series)));
  renderChanges(series);
}

/** Without the step that is still going on: it would look like a sudden drop. */
function endedSteps({ points, step_seconds: step }) {
  const last = points.at(-1);
  return last && Date.parse(last.timestamp) + step * 1000 > serverNow() ? points.slice(0, -1) : points;
}

function renderChart(chart, { points, step_seconds: step, window_seconds: window, changes }) {
  const { plot } = chart;
  const inner = { left: PLOT.left, right: Math.max(PLOT.left + 40, plot.clientWidth - PLOT.right),
    top: PLOT.top, bottom: PLOT.height - PLOT.bottom };
  const lines = chart.lines.map(line => ({ ...line, values: points.map(point => line.value(point, step)) }));
  const top = niceTop(Math.max(0, ...lines.flatMap(line => line.values)));
  const end = points.length ? Date.parse(points.at(-1).timestamp) / 1000 : 0;
  const x = index => inner.right - (points.length - 1 - index) * step / window * (inner.right - inner.left);
  const y = value => inner.bottom - value / top * (inner.bottom - inner.top);
  const at = cursor ?? points.length - 1;
  const xOf = time => clamp(inner.right - (end - time / 1000) / window * (inner.right - inner.left), inner.left, inner.right);
  plot.x = x;
  plot.marks = placeMarks(changes, xOf);
  plot.points = points.length;
  plot.crosses = lines.filter(line => line.isMark).flatMap(({ values, lists }) => values.flatMap((value, index) =>
    value ? [{ index, x: x(index), y: y(value), lists }] : []));
  plot.openStep = (index, chosen) => openStep(points[index], step, { ...chart.also?.(points[index]), ...chosen });
  plot.replaceChildren(svg('svg', { 'aria-hidden': 'true' },
    [0, .5, 1].map(part => drawGridLine(inner, y(part * top), chart.tick(part * top))),
    timeTicks(end, window).map(seconds => svg('text', { 'text-anchor': 'middle', y: PLOT.height - 5,
      x: inner.right - (end - seconds) / window * (inner.right - inner.left) },
    tickClock(window).format(seconds * 1000))),
    cursor === null ? null : svg('path', { class: 'cursor', d: `M${x(at)} ${inner.top}V${inner.bottom}` }),
    drawMarks(plot.marks, inner),
    lines.flatMap(line => drawLine(line, x, y, inner.bottom))));
  const clock = window > CONSTANTS.longest_window_seconds ? DATE_CLOCK : CLOCK;
  const moment = points[at] ? clock.format(Date.parse(points[at].timestamp)) : '';
  const readings = lines.map(line => ({ ...line, text: reading(line.values[at], chart.format) }));
  chart.legend.replaceChildren(el('span', {}, moment),
    ...readings.map(line => el('span', {}, swatch(line), `${line.label} `, el('b', {}, line.text))));
  plot.setAttribute('aria-valuemax', Math.max(0, points.length - 1));
  plot.setAttribute('aria-valuenow', Math.max(0, at));
  const spoken = readings.map(line => `${line.label} ${line.text}`).join(', ');
  plot.setAttribute('aria-valuetext', `${moment}: ${spoken}${points[at] ? spokenChanges(changes, Date.parse(points[at].timestamp), step) : ''}`);
}

/** List the files of the cross, the mark or the step that was clicked: of a cross, those that it counts. */
function openPoint({ plot }, event) {
  const box = plot.getBoundingClientRect();
  const [x, y] = [event.clientX - box.left, event.clientY - box.top];
  const cross = crossAt(plot.crosses, x, y), mark = markAt(plot.marks, x);
  if (cross) plot.openStep(cross.index, cross.lists);
  else if (mark) openChosen({ pipeline: mark.pipeline });
  else plot.openStep(indexAt(plot, event.clientX));
}

/** The cross that is pointed at, if there is one. */
const crossAt = (crosses, x, y) => crosses
  .filter(cross => Math.abs(cross.x - x) <= CROSS_REACH && Math.abs(cross.y - y) <= CROSS_REACH)
  .sort((a, b) => Math.hypot(a.x - x, a.y - y) - Math.hypot(b.x - x, b.y - y))[0];

function openStep(point, step, chosen) {
  if (!point) return;
  const end = new Date(Date.parse(point.timestamp) + step * 1000).toISOString();
  openChosen({ from: point.timestamp, to: end, ...chosen });
}

const DATE_SHORT = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });
const tickClock = window => window > DAY ? DATE_SHORT : window > WINDOWS[0] ? CLOCK_SHORT : CLOCK;

const reading = (value, format) => value == null ? NONE : format(value);

function niceTop(value) {
  if (!value) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 6, 8, 10].find(step => step * power >= value) * power;
}

const timeTicks = (end, window) => {
  const step = window / 4;
  const last = Math.floor(end / step) * step;
  const isInside = tick => end - tick < window * .94 && end - tick > window * .04;
  return [3, 2, 1, 0].map(back => last - back * step).filter(isInside);
};

const drawGridLine = (inner, y, text) => svg('g', {},
  svg('path', { class: 'grid', d: `M${inner.left} ${y}H${inner.right}` }),
  svg('text', { x: inner.left - 6, y: y + 4, 'text-anchor': 'end' }, text));

function drawLine({ values, look, isMark, isArea }, x, y, floor) {
  const spot = index => `${x(index).toFixed(1)} ${y(values[index]).toFixed(1)}`;
  if (isMark) {
    const marks = values.map((value, index) => value ? `M${spot(index)}m-4 -4l8 8m0 -8l-8 8` : '');
    return [svg('path', { class: look, d: marks.join('') })];
  }
  const isKnown = index => values[index] != null; // where nothing is known, there is a gap
  const path = values.map((_, index) => {
    if (!isKnown(index)) return '';
    if (isKnown(index - 1)) return `L${spot(index)}`;
    return isKnown(index + 1) ? `M${spot(index)}` : `M${spot(index)}m-3 0h6`; // one between gaps is a dash
  }).join('');
  const area = isArea && path ? svg('path', { class: 'area', d: `${path}V${floor}H${x(0)}z` }) : null;
  return [area, svg('path', { class: look, d: path })];
}

const swatch = line => svg('svg', { viewBox: '0 0 18 8', 'aria-hidden': 'true' },
  svg('path', { class: line.look, d: line.isMark ? 'M5 0l8 8m0 -8l-8 8' : 'M0 4H18' }));

function indexAt(plot, clientX) {
  if (!plot.points) return null;
  const offset = clientX - plot.getBoundingClientRect().left;
  const share = (offset - plot.x(0)) / (plot.x(plot.points - 1) - plot.x(0) || 1);
  return clamp(Math.round(share * (plot.points - 1)), 0, plot.points - 1);
}

function setCursor(index) {
  if (index === cursor) return;
  cursor = index;
  renderCharts();
}

function moveCursor({ plot }, event) {
  const last = plot.points - 1;
  const at = cursor ?? last;
  const target = { ArrowLeft: at - 1, ArrowDown: at - 1, ArrowRight: at + 1, ArrowUp: at + 1,
    PageDown: at - 10, PageUp: at + 10, Home: 0, End: last, Escape: null, Enter: at }[event.key];
  if (target === undefined || !(last >= 0)) return;
  event.preventDefault();
  if (event.key === 'Enter') return plot.openStep(at);
  setCursor(target === null ? null : clamp(target, 0, last));
}

function renderFigures() {
  const stats = feeds.stats.data, points = feeds.series.data?.points ?? [];
  const { throughput: speed, processing_seconds: took } = stats;
  const sum = key => points.reduce((total, point) => total + point[key], 0);
  const seconds = feeds.series.data?.window_seconds ?? speed.window_seconds;
  const isPast = seconds > speed.window_seconds; // of which the history knows the sums
  const average = (key, live) => isPast ? sum(key) / seconds : live;
  const label = windowText(seconds);
  if (!sum('files') && (isPast || took[CONSTANTS.percentiles[0]] == null)) {
    setText($('figures'), `Nothing ended in the last ${label}.`);
    return;
  }
  setText($('figures'), [
    `Last ${label}: ${counted(sum('files'), 'file')} (${number(sum('failed'))} ${FAILED}), `,
    `${counted(sum('lines'), 'line')}, ${bytes(sum('bytes'))}. `,
    `On average ${rate(average('files', speed.files_per_second))} files/s, `,
    `${rate(average('lines', speed.lines_per_second))} lines/s, ${bytes(average('bytes', speed.bytes_per_second))}/s.`,
    isPast ? '' : ` Time per file: ${CONSTANTS.percentiles.map(key => `${key} ${span(took[key])}`).join(', ')}.`,
  ].join(''));
}
