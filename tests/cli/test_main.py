from __future__ import annotations

import subprocess
import sys

import pytest

from engine.__main__ import refusal


@pytest.mark.parametrize("platform", ["linux", "darwin"])
@pytest.mark.parametrize("version", [(3, 11), (3, 12), (3, 13)])
def test_supported(platform, version):
    assert refusal(platform, version) is None


@pytest.mark.parametrize(
    ("platform", "version", "words"),
    [("win32", (3, 12), "not on win32"), ("linux", (3, 10), "not 3.10"), ("linux", (3, 14), "not 3.14")],
)
def test_refused_in_a_sentence(platform, version, words):
    assert words in refusal(platform, version)


def test_the_module_runs_and_its_exit_code_is_the_commands():
    def engine(*arguments):
        return subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-m", "engine", *arguments], capture_output=True, text=True, check=False, timeout=60
        )

    assert engine("config", "--json").returncode == 0
    wrong = engine("config", "--sett", "x")
    assert wrong.returncode == 2
    assert wrong.stdout == ""
    assert "--set" in wrong.stderr


def test_a_reader_that_leaves_early_is_no_error():
    reader = f"{sys.executable} -m engine config | true"
    done = subprocess.run(  # noqa: S602 - a shell's pipe is what is tested
        f"{reader}; exit ${{PIPESTATUS[0]}}",
        shell=True,
        executable="bash",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(("where", "words"), [(">/dev/full", "stdout cannot be written: No space"), (">&-", "closed")])
def test_a_stdout_that_takes_nothing_is_a_sentence(where, words):
    done = subprocess.run(  # noqa: S602 - a shell's redirection is what is tested
        f"{sys.executable} -m engine config {where}",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr.count("\n")) == (4, 1)
    assert words in done.stderr
