"""Lines of access logs: as nearly all are, and with one part that is odd."""

from __future__ import annotations

from hypothesis import strategies as st

_WORDS = st.sampled_from(["10.0.0.1", "-", "ann", "x"])
_PARTS = (
    *(_WORDS, _WORDS, _WORDS, st.sampled_from(["1/Oct/2025", "é", "a b"])),
    st.sampled_from(["GET / HTTP/1.1", "POST /a?b=1 HTTP/1.0", "-", "GET /é HTTP/1.1", "GET  / HTTP/1.1"]),
    st.sampled_from(["200", "404", "007", "7"]),
    st.sampled_from(["-", "0", "7", "007", "200"]),
    *(st.sampled_from(["-", "é x", "7"]), st.sampled_from(["-", "curl/8.5", ""])),
    st.sampled_from(["", "", " more", " ", "x"]),
)
_ODD = st.sampled_from(
    ["", "a\tb", "a\x1cb", "\xa0", "é", "a b", r"a\\b", r"a\"b", 'a"b', "a\\", "a]", "x [y", "٢٠٠", "1" * 19]
)
_FORM = '{} {} {} [{}] "{}" {} {} "{}" "{}"{}'
USUAL = st.builds(_FORM.format, *_PARTS)
NEARLY_USUAL = st.builds(
    lambda parts, odd, at: _FORM.format(*parts[:at], odd, *parts[at + 1 :]),
    *(st.tuples(*_PARTS), _ODD, st.integers(0, 9)),
)
