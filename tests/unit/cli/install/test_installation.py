"""What is known of an fproc that is to be installed, and how units spell it."""

from __future__ import annotations

from typing import Any

import pytest

from fproc.cli.install.installation import Installation
from fproc.cli.install.kinds import KINDS, install_text
from fproc.cli.install.systemd import quoted
from fproc.config.keys import parse_config
from tests.support.programs.running import COPY


def installation(*, config_file: str = "", log_file: str = "", **config: Any) -> Installation:
    value = {"nodes": COPY, "watch_dir": "/srv/fproc", **config}
    parsed, problems = parse_config(value, folder="/etc/fproc")
    assert parsed is not None, problems
    return Installation(("/usr/bin/fproc",), (), parsed, config_file, log_file)


def values(text: str, name: str) -> list[str]:
    return [line.partition("=")[2] for line in text.splitlines() if line.startswith(f"{name}=")]


@pytest.mark.parametrize(
    ("word", "spelt"),
    [
        ("/srv/fproc", "/srv/fproc"),
        ("/srv/a b", '"/srv/a b"'),
        ("/srv/100%", "/srv/100%%"),
        ('/srv/"x"', '"/srv/\\"x\\""'),
        ("/srv/back\\slash", '"/srv/back\\\\slash"'),
        ("/srv/new\nline", '"/srv/new\\x0aline"'),
        ("/srv/\udcff", '"/srv/\\xff"'),
        ("", '""'),
    ],
)
def test_units_spell_every_path_so_that_systemd_reads_the_same(word: str, spelt: str) -> None:
    assert quoted(word) == spelt


def test_the_unit_may_write_only_to_the_folders_of_the_configuration() -> None:
    text = install_text(
        "systemd", installation(results_dir="/mnt/results", log_file="/var/log/fproc/fproc.log")
    )
    assert values(text, "ReadWritePaths") == ["/srv/fproc /mnt/results /var/log/fproc"]
    assert values(install_text("systemd", installation()), "ReadWritePaths") == ["/srv/fproc"]


def test_the_unit_calls_the_configuration_by_its_path_and_a_built_in_one_by_its_folder() -> None:
    with_file = install_text("systemd", installation(config_file="/etc/fproc/pipeline.json"))
    assert values(with_file, "ExecStart") == ["/usr/bin/fproc --watch --config /etc/fproc/pipeline.json"]
    without = install_text("systemd", installation(watch_dir="/srv/$HOME"))
    assert values(without, "ExecStart") == ['/usr/bin/fproc --watch --watch-dir "/srv/$$HOME"']


def test_a_unit_whose_files_are_in_a_home_or_in_tmp_can_reach_them() -> None:
    text = install_text("systemd", installation(watch_dir="/home/ann/drop", config_file="/tmp/p.json"))
    assert (values(text, "ProtectHome"), values(text, "PrivateTmp")) == (["read-only"], ["no"])
    text = install_text("systemd", installation())
    assert (values(text, "ProtectHome"), values(text, "PrivateTmp")) == (["yes"], ["yes"])


def test_the_unit_talks_to_this_host_alone_unless_the_configuration_needs_the_network() -> None:
    assert values(install_text("systemd", installation()), "IPAddressDeny") == ["any"]
    configs: list[dict[str, Any]] = [
        {"dashboard": {"host": "0.0.0.0"}},
        {"alerts": {"webhook": "https://example.org/hook"}},
    ]
    for config in configs:
        assert values(install_text("systemd", installation(**config)), "IPAddressDeny") == []


def test_the_unit_takes_the_token_as_a_credential_if_the_dashboard_needs_one() -> None:
    needed = install_text("systemd", installation(dashboard={"host": "0.0.0.0"}))
    assert values(needed, "LoadCredential") == ["fproc-token:/etc/fproc/token"]
    assert "#LoadCredential=fproc-token:" in install_text("systemd", installation())
    from_file = install_text("systemd", installation(dashboard={"host": "0.0.0.0", "token_file": "/etc/t"}))
    assert values(from_file, "LoadCredential") == []


def test_a_group_may_write_into_the_drop_folder_and_into_no_other() -> None:
    lines = install_text("tmpfiles", installation()).splitlines()
    modes = {words[1]: words[2] for words in map(str.split, lines) if words[0] == "d"}
    assert modes.pop("/srv/fproc/unprocessed") == "2770"
    assert set(modes.values()) == {"2750"}
    assert set(modes) == {
        "/srv/fproc",
        "/srv/fproc/underprocess",
        "/srv/fproc/processed",
        "/srv/fproc/failed",
        "/srv/fproc/results",
    }


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_says_in_a_comment_where_it_goes(kind: str) -> None:
    first = install_text(kind, installation()).splitlines()[0]
    assert first.startswith("# ")
    assert "fproc" in first
