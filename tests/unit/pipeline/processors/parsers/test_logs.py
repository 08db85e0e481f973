"""The logs that `parse_log` knows, line by line."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fproc.pipeline.processors.parsers.logs import W3cParser
from tests.support.access_logs import NEARLY_USUAL, USUAL
from tests.unit.pipeline.processors.parsers.test_parsers import made


def log(form: str, *lines: str) -> list[Any]:
    return made("parse_log", {"format": form}, *lines)


def test_an_access_log_has_its_request_in_parts_and_a_dash_is_null() -> None:
    (record,) = log(
        "combined",
        r'::1 - - [1/Oct/2025:13:55:36 +0200] "GET /a b \"q\" HTTP/1.1" 200 - "-" "x \"y\" \\z" more',
    )
    assert record == {
        "host": "::1",
        "ident": None,
        "user": None,
        "time": "1/Oct/2025:13:55:36 +0200",
        "method": "GET",
        "path": '/a b "q"',
        "protocol": "HTTP/1.1",
        "status": 200,
        "bytes": None,
        "referrer": None,
        "agent": 'x "y" \\z',
    }


def test_a_request_that_is_none_is_kept_as_the_path() -> None:
    records = log("common", r'h - u [t] "\x16\x03" 400 0', 'h - u [t] "-" 408 12', "no log")
    parts = [[record[name] for name in ("method", "path", "protocol", "bytes")] for record in records[:2]]
    assert parts == [[None, r"\x16\x03", None, 0], [None, None, None, 12]]
    assert records[2] == "is no line of an access log"


def test_a_size_of_thousands_of_digits_costs_the_line_alone() -> None:
    line = f'h - - [t] "GET / HTTP/1.1" 200 {"9" * 5000}'
    assert log("common", line, 'h - - [t] "-" 408 12')[0] == "is no line of an access log"


def test_a_line_of_syslog_has_its_parts_with_or_without_a_priority() -> None:
    assert log(
        "syslog_3164",
        "<34>Oct 11 22:14:15 mymachine su[7]: 'su root' failed",
        "Jun  4 15:16:01 combo sshd(pam_unix)[19939]: a: b",
        "2025-06-04T15:16:01.5+02:00 combo syslogd 1.4.1: restart.",
        "<192>Jun  4 15:16:01 h a: b",
        "?",
    ) == [
        {"facility": "auth", "severity": "crit", "time": "Oct 11 22:14:15", "host": "mymachine",
         "app": "su", "pid": "7", "message": "'su root' failed"},
        {"facility": None, "severity": None, "time": "Jun  4 15:16:01", "host": "combo",
         "app": "sshd(pam_unix)", "pid": "19939", "message": "a: b"},
        {"facility": None, "severity": None, "time": "2025-06-04T15:16:01.5+02:00", "host": "combo",
         "app": None, "pid": None, "message": "syslogd 1.4.1: restart."},
        "has the priority 192; the highest is 191",
        "is no line of syslog (RFC 3164)",
    ]  # fmt: skip


def test_the_newer_syslog_has_structured_data_too() -> None:
    line = r'<165>1 2025-10-11T22:14:15.003Z h evnt - ID47 [ex@32473 iut="3" src="A\"p\]"][x] An event'
    assert log("syslog_5424", line, "<34>1 - - - - - -", "<34>1 - - - - - [x y]") == [
        {"facility": "local4", "severity": "notice", "version": 1, "time": "2025-10-11T22:14:15.003Z",
         "host": "h", "app": "evnt", "pid": None, "msgid": "ID47",
         "data": {"ex@32473": {"iut": "3", "src": 'A"p]'}, "x": {}}, "message": "An event"},
        {"facility": "auth", "severity": "crit", "version": 1, "time": None, "host": None, "app": None,
         "pid": None, "msgid": None, "data": {}, "message": None},
        "is no line of syslog (RFC 5424)",
    ]  # fmt: skip


def test_both_kinds_of_syslog_may_come_in_one_file() -> None:
    old, new = log("syslog", "<34>Oct 11 22:14:15 h su: x", "<34>1 - h su - - - \ufeffx")
    assert ("version" in old, "version" in new) == (False, True)
    assert old["message"] == new["message"] == "x"


def test_a_log_with_fields_names_them_itself_and_may_name_others_later() -> None:
    assert log(
        "w3c",
        "1",
        "#Version: 1.0",
        "#Fields: date cs(User-Agent) status",
        "2025-01-01 Mozilla/5.0+(x) 200",
        '2025-01-01 "a b" -',
        "2025-01-01 -",
        "a b c d",
        "",
        "#Fields: status",
        "404",
    ) == [
        "comes before any line '#Fields:'",
        {"date": "2025-01-01", "cs(User-Agent)": "Mozilla/5.0+(x)", "status": "200"},
        {"date": "2025-01-01", "cs(User-Agent)": "a b", "status": None},
        "has 2 values, '#Fields' names 3: 'status' is missing",
        "has 4 values, '#Fields' names 3",
        {"status": "404"},
    ]


def test_tabs_may_stand_between_the_values_of_a_log_with_fields() -> None:
    parser = W3cParser()
    parser.parse("#Fields: a\tb")
    assert parser.parse("1 2\t3") == {"a": "1 2", "b": "3"}


USUAL_TEXT = st.text(st.sampled_from('a1 "[]-\té/\x1c'), max_size=3)
REQUEST = st.one_of(
    USUAL_TEXT, st.sampled_from(["GET / HTTP/1.1", "GET /é HTTP/1.0", "GET  / HTTP/1.1", "-", "GET /"])
)


WHOLE = st.builds(
    '{} {} {} [{}] "{}" {} {} "{}" "{}"{}'.format,
    *(USUAL_TEXT, USUAL_TEXT, USUAL_TEXT, USUAL_TEXT, REQUEST),
    *(st.sampled_from(["200", "٢٠٠", "20"]), st.sampled_from(["-", "5", "7" * 20])),
    *(USUAL_TEXT, USUAL_TEXT, st.sampled_from(["", " 3", " ", "x", ' "t"', "\n"])),
)


@given(lines=st.lists(st.one_of(WHOLE, USUAL, NEARLY_USUAL, NEARLY_USUAL), max_size=8))
def test_the_fast_way_to_read_an_access_log_gives_what_the_other_gives(lines: list[str]) -> None:
    # one with a backslash is not read in the fast way, and what stands behind the agent counts for nothing
    assert log("combined", *lines) == log("combined", *[line + " \\" for line in lines])
