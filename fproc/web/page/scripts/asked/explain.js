// What became of a line, asked on demand; the server runs the lines before it where nodes remember them.

let isExplaining = false;

async function explain(file, line) {
  if (isExplaining) return;
  isExplaining = true;
  setText($('explain-outcome'), 'Asking \u2026');
  $('explain-steps').replaceChildren();
  let text, isBad = false;
  try {
    const found = await ask(`/explain${query({ file, line })}`);
    $('explain-steps').replaceChildren(...found.steps.map(explainedStep));
    text = `${shown(found.file)}:${found.line_no}, ${counted(found.steps.length, 'step')}`;
  } catch (error) {
    isBad = true;
    text = error instanceof Refusal ? shownError(error.message) : 'The server did not answer.';
  }
  isExplaining = false;
  $('explain-outcome').classList.toggle('bad', isBad);
  setText($('explain-outcome'), text);
}

function explainedStep(step) {
  const lines = step.emitted.map(({ tag, line }) => el('div', { class: 'text' },
    el('span', { class: 'quiet' }, 'to tag ', name(tag), ': '), difference(step.line, line)));
  const end = el('div', { class: step.failure ? 'bad' : 'quiet' }, step.failure ? shownError(step.failure) : 'ends here');
  return el('li', {},
    el('div', {}, el('b', {}, name(step.node)), ' ', el('span', { class: 'quiet' }, 'given with tag ', name(step.tag))),
    el('div', { class: 'text' }, lineText(step.line)),
    lines.length ? lines : end);
}

/** The form asks about a line of the file that `fileOf` returns. */
function listenForExplain(fileOf) {
  $('explain-form').onsubmit = event => {
    event.preventDefault();
    explain(fileOf(), $('explain-line').value);
  };
}
