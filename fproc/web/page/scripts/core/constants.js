// What page and server have in common: the server writes it into the page (web/api/page_constants.py).

const CONSTANTS = JSON.parse(document.getElementById('constants').content.textContent);
const STATES = CONSTANTS.states; // in the order in which a file goes through them
const [UNPROCESSED, UNDERPROCESS, PROCESSED, FAILED] = STATES;
const [REJECTED] = CONSTANTS.left_out;
const CHOICES = [...STATES, REJECTED]; // what the list of files may be of
const WINDOWS = CONSTANTS.windows_seconds.map(String); // as the URL has them
const ANY_STATE = CONSTANTS.any_state;
const OK = CONSTANTS.status_ok;
const INSTANCE = CONSTANTS.name; // which fproc this is
