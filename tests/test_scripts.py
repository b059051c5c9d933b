"""Which Python the scripts take, and which versions the project claims: the same wherever they are named."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from engine import __main__ as entry

ROOT = Path(__file__).parent.parent
BASH = shutil.which("bash")
DOES_NOT_RUN = "exit 127"
LACKS_VENV = f'case "$2" in *ensurepip*) exit 1 ;; esac; exec {sys.executable} "$@"'
FITS = f'exec {sys.executable} "$@"'
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"


def sourced(folder, line, pythons=None, **environ):
    """Run a line after environment.sh was sourced, in a project and with Pythons (name -> shell text) made up."""
    scripts, programs = folder / "scripts", folder / "bin"
    for made in (scripts, programs):
        made.mkdir(exist_ok=True)
    shutil.copy(ROOT / "scripts" / "environment.sh", scripts)
    (scripts / "environment.py").write_text("import sys; print(sys.argv[1:])")
    for name, text in {"dirname": f'exec {shutil.which("dirname")} "$@"', **(pythons or {})}.items():
        (programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (programs / name).chmod(0o755)
    command = [BASH, "-c", f'source "{scripts}/environment.sh"; {line}', "scripts/test"]
    return run(command, {"PATH": str(programs)} | environ)


def run(command, environ):
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)  # noqa: S603 - ours


def test_the_first_python_that_runs_and_can_make_environments_is_taken(tmp_path):
    pythons = {"python3.11": DOES_NOT_RUN, "python3.12": LACKS_VENV, "python3": FITS}
    found = sourced(tmp_path, "find_python", pythons)
    assert (found.returncode, found.stdout, found.stderr) == (0, "python3\n", "")


def test_where_none_fits_it_is_said_which_would(tmp_path):
    found = sourced(tmp_path, 'ensure_environment ""', {"python3": "exit 1"})
    assert (found.returncode, found.stdout) == (1, "")
    assert found.stderr.startswith("test: no suitable Python: install Python 3.11, 3.12 or 3.13 with its venv module")


def test_a_python_that_was_asked_for_is_taken_or_named(tmp_path):
    pythons = {"python3.11": FITS, "mine": FITS, "old": "exit 1"}
    assert sourced(tmp_path, "find_python", pythons, ENGINE_PYTHON="mine").stdout == "mine\n"
    for wrong in ("old", "absent"):
        found = sourced(tmp_path, "find_python", ENGINE_PYTHON=wrong)
        assert (found.returncode, found.stdout) == (1, "")
        assert found.stderr.startswith(f"test: ENGINE_PYTHON: {wrong} is no Python 3.11, 3.12 or 3.13")


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({}, "{root}/.venv"),
        ({"ENGINE_PYTHON": "python3"}, f"{{root}}/.venv-{HERE}"),
        ({"ENGINE_VENV": "/else"}, "/else"),
        ({"ENGINE_PYTHON": "python3", "ENGINE_VENV": "/else"}, "/else"),
    ],
)
def test_each_version_that_is_asked_for_has_an_environment_of_its_own(tmp_path, environ, folder):
    found = sourced(tmp_path, 'ensure_environment dev; echo "$ENGINE_PYTHON$ENGINE_VENV"', {"python3": FITS}, **environ)
    assert found.stdout == f"{[folder.format(root=tmp_path), 'dev']}\n\n"


def test_an_environment_of_another_version_is_refused_where_one_was_asked_for(tmp_path):
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text("#!/bin/sh\necho '3.9.1 (main, ...)'\n")
    python.chmod(0o755)
    script = ROOT / "scripts" / "environment.py"
    said = run([sys.executable, script, tmp_path, "dev"], os.environ | {"ENGINE_PYTHON": sys.executable})
    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr == f"{tmp_path} is of Python 3.9, not {HERE}: remove it, or choose another\n"


def test_the_versions_that_are_claimed_are_those_that_are_let_in():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (major, first), (_, after) = entry._FIRST_PYTHON, entry._AFTER_LAST_PYTHON
    assert project["requires-python"] == f">={major}.{first},<{major}.{after}"
    named = [name.rpartition(" ")[2] for name in project["classifiers"] if "Python :: 3." in name]
    assert named == [f"{major}.{minor}" for minor in range(first, after)]
