// States of files: how each is shown, and the tiles and choices that are made of them.

const LOOKS = {
  [UNPROCESSED]: { sign: '\u25cb', tone: 'quiet', note: 'waiting' },
  [UNDERPROCESS]: { sign: '\u25d0', tone: 'active', note: 'being worked on' },
  [PROCESSED]: { sign: '\u2713', tone: '', note: 'done' },
  [FAILED]: { sign: '\u2715', tone: 'bad', note: `kept in ${FAILED}/` },
  [REJECTED]: { sign: '\u2715', tone: 'bad', note: 'files with lines set aside', choice: 'with rejected lines' },
};

const chip = state => el('span', { class: `chip ${LOOKS[state]?.tone ?? ''}` },
  el('span', { 'aria-hidden': 'true' }, `${LOOKS[state]?.sign ?? ''} `), shown(state));

/** The tile of each state. */
const stateTiles = () => document.querySelectorAll('#tiles [data-state]');

function buildStates() {
  $('upload-button').before(...CHOICES.map(state => el('button',
    { type: 'button', class: 'tile', 'data-state': state, 'aria-pressed': 'false' },
    el('strong', {}, NONE), ' ', el('span', {}, state[0].toUpperCase() + state.slice(1)), ' ',
    el('span', { class: 'quiet' }, LOOKS[state].note))));
  $('state').append(el('option', { value: ANY_STATE }, 'all states'),
    ...CHOICES.map(state => el('option', { value: state }, LOOKS[state].choice ?? state)));
}
