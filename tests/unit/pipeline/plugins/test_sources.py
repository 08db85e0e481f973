"""Every process of a version of a pipeline runs the source that was loaded first."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.programs.running import environment

PROGRAM = """
import sys
from fproc.pipeline.plugins.sources import {names}
{code}
"""

NAMES = (
    *("PluginSources", "ModuleSource", "add_plugin_folder", "kept_sources"),
    *("own_search_path", "loaded_source", "use_sources"),
)


def python(code: str) -> str:
    """What a fresh Python prints that runs this, with everything of `sources` at hand."""
    program = PROGRAM.format(names=", ".join(NAMES), code=code)
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_process_runs_the_source_that_it_is_given_whatever_is_on_the_disk(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("import inner.part as part\nWHAT = 'new ' + part.WHAT")
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner/__init__.py").write_text("")
    (tmp_path / "inner/part.py").write_text("WHAT = 'new part'")
    given = {
        "own": (str(tmp_path / "own.py"), b"import inner.part as part\nWHAT = 'old ' + part.WHAT"),
        "inner": (str(tmp_path / "inner/__init__.py"), b""),
        "inner.part": (str(tmp_path / "inner/part.py"), b"WHAT = 'old part'"),
    }
    modules = "".join(f"{name!r}: ModuleSource(*{pair!r}), " for name, pair in given.items())
    use = f"use_sources(PluginSources(({str(tmp_path)!r},), {{{modules}}}))\n"
    read = f"add_plugin_folder({str(tmp_path)!r})\nimport own; print(own.WHAT)"
    assert python(read) == "new new part"
    assert python(use + read) == "old old part"
    (tmp_path / "own.py").unlink()
    assert python(use + read) == "old old part"


def test_what_was_loaded_is_kept_and_what_lies_in_an_environment_is_not(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("import other")
    site = tmp_path / "venv/site"
    site.mkdir(parents=True)
    (site / "other.py").write_text("")
    kept = python(
        f"sys.path.append({str(site)!r}); add_plugin_folder({str(tmp_path)!r})\n"
        "import own, other; print(sorted(kept_sources().modules), own_search_path() == sys.path[:-1])"
    )
    assert kept == "['own'] True"


def test_no_bytecode_of_another_version_is_read_and_none_is_left_behind(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("WHAT = 1")
    python(f"add_plugin_folder({str(tmp_path)!r}); sys.dont_write_bytecode = False; import own")
    assert [path.name for path in tmp_path.iterdir()] == ["own.py"]


def test_the_source_of_a_module_is_that_which_was_loaded(tmp_path: Path) -> None:
    path = tmp_path / "own.py"
    path.write_text("WHAT = 1")
    code = f"""
add_plugin_folder({str(tmp_path)!r})
import own
open({str(path)!r}, "w").write("WHAT = 2")
print(loaded_source({str(path)!r}).decode())
"""
    assert python(code) == "WHAT = 1"
