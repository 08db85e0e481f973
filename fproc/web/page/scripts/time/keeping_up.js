// Is it keeping up? What came against what ended, in a sentence.

function keepingUp({ keeping_up: facts, window_seconds: window }) {
  if (!facts) return 'Whether it keeps up is not known yet.';
  const { came, ended, left, oldest_seconds: oldest, longest_seconds: longest, keeps_up: keepsUp } = facts;
  const clock = window > CONSTANTS.longest_window_seconds ? DATE_CLOCK : CLOCK;
  const since = `Since ${clock.format(Date.parse(facts.since))}`;
  if (!came && !ended && !left) return `${since}, nothing came, and nothing is left.`;
  const rest = [`${counted(left, 'file')} ${left === 1 ? 'is' : 'are'} left`,
    oldest ? `the oldest has waited for ${span(oldest)}` : null].filter(Boolean).join(', ');
  return [keepsUp ? 'It keeps up. ' : 'It falls behind. ', `${since}, ${counted(came, 'file')} came and ${number(ended)} ended; `,
    left ? rest : 'none is left', longest > oldest ? `; the longest wait was ${span(longest)}` : '', '.'].join('');
}

function renderKeepingUp(series) {
  setText($('keeping-up'), keepingUp(series));
  $('keeping-up').classList.toggle('bad', series.keeping_up?.keeps_up === false);
}
