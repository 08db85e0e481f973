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
  const given = fieldsOf(step.line);
  const lines = step.emitted.map(({ tag, line }) => {
    const fields = fieldsOf(line);
    const target = el('span', { class: 'quiet text' }, 'to tag ', name(tag), ': ');
    if (!fields) return el('div', { class: 'text' }, target, difference(step.line, line));
    return el('div', {}, target, line === step.line ? 'unchanged' : fieldTable(fields, given));
  });
  const end = el('div', { class: step.failure ? 'bad' : 'quiet' }, step.failure ? shownError(step.failure) : 'ends here');
  return el('li', {},
    el('div', {}, el('b', {}, name(step.node)), ' ', el('span', { class: 'quiet' }, 'given with tag ', name(step.tag))),
    given ? fieldTable(given) : el('div', { class: 'text' }, lineText(step.line)),
    lines.length ? lines : end);
}

/** The form asks about a line of the file that `fileOf` returns. */
function listenForExplain(fileOf) {
  $('explain-form').onsubmit = event => {
    event.preventDefault();
    explain(fileOf(), $('explain-line').value);
  };
}
