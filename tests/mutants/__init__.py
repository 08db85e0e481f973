"""Bugs that someone might put into the commit code, one step each, and the tests that must notice them.

Some are not here, because nothing that can be observed depends on the step:

- The fsync of underprocess/ when the input goes to the folder of a lease: the same file under both names is
  known for one, and the last fsync of the archiving settles it.
- The fsync in recovery of the names that parts were given before a crash: a journal keeps a rename whole, and
  without one the first name is still there.
- A checkpoint that a new claim leaves there: it counts only for the same file under the same pipeline and
  with all its parts, and then it gives the same results.
"""

from __future__ import annotations

from tests.mutants.appends import APPENDS
from tests.mutants.durability import FSYNCS
from tests.mutants.folders import FOLDERS
from tests.mutants.groups import GROUPS
from tests.mutants.helpers import WRITES
from tests.mutants.others import HALVES, LATE, OTHERS
from tests.mutants.owners import OWNERS
from tests.mutants.retention import RETENTION
from tests.mutants.steps import FAULTS, PARTS, STEPS
from tests.mutants.uploads import UPLOADS

MUTANTS = [
    *FSYNCS,
    *STEPS,
    *PARTS,
    *HALVES,
    *OTHERS,
    *FAULTS,
    *OWNERS,
    *GROUPS,
    *UPLOADS,
    *LATE,
    *FOLDERS,
    *APPENDS,
    *RETENTION,
    *WRITES,
]

QUICK = {
    "the contents of parts are not fsynced",
    "the commit record is removed before the input is archived",
    "an fsync of a file that fails is taken for done",
    "the lock of a folder that was removed counts",
    "evidence against an owner holds for ever",
    "what several inputs hold is fsynced after they were moved",
    "whatever part is gone has been published",
    "the intent to append is not written",
    "a result that replaced another just before a crash is removed",
    "what a dead helper has not written is forgotten",
}
"""The names of one of each kind, which are tried each time."""
