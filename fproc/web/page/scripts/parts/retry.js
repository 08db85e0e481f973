// Retries: failed inputs are put back to work, and what came of it is told.

let isRetrying = false;

/** Put failed inputs back to work. Tell in `box`, a live region, what came of it; return those put back. */
async function putBack(what, box) {
  if (isRetrying) return [];
  isRetrying = true;
  let text, isBad = false, done = [];
  try {
    const { retried, errors, left } = await ask('/retry', { method: 'POST', body: JSON.stringify(what),
      headers: { 'Content-Type': 'application/json' } });
    done = retried;
    isBad = errors.length > 0;
    const some = errors.slice(0, 5).map(({ file, error }) => `${shown(file)}: ${shown(error)}`);
    text = [`${counted(retried.length, 'file')} back in ${UNPROCESSED}/.`,
      ...(left ? [`${number(left)} left: retry once more.`] : []),
      ...(isBad ? [`${number(errors.length)} not:`, some.join('; ')] : [])].join(' ');
  } catch (error) {
    isBad = true;
    text = `Not retried: ${error instanceof Refusal ? shown(error.message) : 'the server did not answer'}.`;
  }
  isRetrying = false;
  box.classList.toggle('bad', isBad);
  setText(box, ''); // so that the same words are spoken again
  requestAnimationFrame(() => setText(box, text));
  return done;
}
