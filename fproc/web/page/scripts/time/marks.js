// Where pipeline or version changed: a mark in each chart, and a line of links to what ran before and after.

const MARK_REACH = 7; // pixels

const changeText = ({ pipeline, before, what }) =>
  `pipeline ${shown(before.pipeline)} \u2192 ${shown(pipeline)}: ${what.map(shown).join(', ') || 'loaded again'}`;

/** The marks of a chart, each with its place; `x` gives that of a time in milliseconds. */
const placeMarks = (changes, x) => changes.map(change => ({ ...change, x: x(Date.parse(change.timestamp)) }));

const drawMarks = (marks, { top, bottom }) => marks.map(mark => svg('g', { class: 'mark' },
  svg('title', {}, changeText(mark)),
  svg('path', { d: `M${mark.x.toFixed(1)} ${top}V${bottom}` }),
  svg('path', { class: 'flag', d: `M${mark.x.toFixed(1)} ${top}l-5 -7h10z` })));

/** The mark that is pointed at, if there is one. */
const markAt = (marks, x) => marks.filter(mark => Math.abs(mark.x - x) <= MARK_REACH)
  .sort((a, b) => Math.abs(a.x - x) - Math.abs(b.x - x))[0];

/** What changed in a step, to be read out with its figures. */
const spokenChanges = (changes, begin, step) => changes
  .filter(({ timestamp }) => Date.parse(timestamp) >= begin && Date.parse(timestamp) < begin + step * 1000)
  .map(change => `; ${changeText(change)}`).join('');

function renderChanges({ changes, window_seconds: window }) {
  const clock = window > CONSTANTS.longest_window_seconds ? DATE_CLOCK : CLOCK;
  reconcile($('changes'), 'li', changes.toReversed(), JSON.stringify, (row, change) => row.append(
    el('span', { 'aria-hidden': 'true' }, '\u25be '), el('span', { class: 'quiet' },
      clock.format(Date.parse(change.timestamp))), ' ',
    pipelineLink(change.before, 'the old'), ' \u2192 ', pipelineLink(change, 'the new'), ': ',
    el('span', { title: changeText(change) }, change.what.map(shown).join(', ') || 'loaded again')));
  $('changes').parentElement.querySelector('.empty').hidden = changes.length > 0;
  $('changes').hidden = !changes.length;
}
