"""However a file is encoded, packed, framed and cut, its records are those of its text."""

from __future__ import annotations

import tempfile
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fproc.config.input_format import Records
from fproc.run.reading import framing
from tests.support.helpers import plan_of, user
from tests.support.records import KINDS, PACK, TEXTS, reference
from tests.support.resumed import Job

pytestmark = pytest.mark.usefixtures("a_piece_for_each_record")

FORMS = ["", *PACK]
CODECS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "cp1252", "utf-32"]
NAMED = ["utf-16-le", "utf-16-be", "latin-1", "cp1252"]
"""Codecs of which nothing in the file tells: the configuration names them."""


@given(
    coded=st.tuples(st.sampled_from(CODECS), st.sampled_from(FORMS)),
    records=st.sampled_from(KINDS),
    text=TEXTS,
    block_bytes=st.integers(1, 200),
    cuts=st.lists(st.integers(0, 15), max_size=3, unique=True).map(sorted),
)
def test_a_file_in_any_form_gives_the_records_of_its_text_from_the_start_and_from_checkpoints(
    coded: tuple[str, str], records: Records, text: str, block_bytes: int, cuts: list[int]
) -> None:
    codec, form = coded
    nodes = [{"tag": "start", "type": user("Numbered"), "next": "end"}]
    encoding = codec if codec in NAMED else "auto"
    plan = plan_of(nodes, input={"encoding": encoding, "records": records})
    data = text.encode(codec)
    numbered = [f"{number} {record}\n" for number, record in enumerate(reference(records, text), 1)]
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr("fproc.run.run.read_records", partial(framing.read_records, block_bytes=block_bytes))
        job = Job(folder, plan, "in.log", PACK[form](data) if form else data)
        undisturbed = job.run()
        results, rejected, figures, ending = undisturbed
        assert (results.get("in.log", b"").decode(), rejected, ending) == ("".join(numbered), b"", None)
        assert figures.lines_in == len(numbered)
        for cut in cuts:
            if cut < len(job.checkpoints):
                del job.checkpoints[cut + 1 :]
                assert job.run(job.checkpoints.pop()) == undisturbed
