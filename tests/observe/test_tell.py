"""What is told where nobody listens: a pipe that is full, or closed, holds nothing up and breaks nothing."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager, redirect_stderr

from engine.observe.tell import tell


@contextmanager
def pipe():
    """stderr is a pipe of one page; gives what reads it. Within a test, for capturing sets its own anew."""
    reader, writer = os.pipe()
    if hasattr(fcntl, "F_SETPIPE_SZ"):  # elsewhere it is 64 KB
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    with os.fdopen(writer, "w", encoding="utf-8") as stderr, redirect_stderr(stderr):
        yield lambda: os.read(reader, 1 << 20).decode()
    os.close(reader)


def test_a_full_pipe_drops_lines_and_says_how_many():
    with pipe() as read:
        for n in range(100):
            tell(f"{n} {'x' * 1000}\n", patience_s=0)
        told = read()
        tell("again\n", patience_s=0)
        again = read()
    assert told.startswith("0 x")
    count = told.count("\n")
    assert 0 < count < 100
    assert again == f"(dropped before this, as nobody read it: {100 - count} lines)\nagain\n"


def test_a_long_text_never_waits_in_its_midst():
    with pipe() as read:
        tell("y" * 100_000 + "\n", patience_s=0)
        assert 0 < len(read()) < 100_000
        tell("", patience_s=0)
        assert ": 1 lines)" in read()


def test_what_is_no_file_takes_everything(capsys):
    tell("z" * 5000 + "\n")
    assert capsys.readouterr().err == "z" * 5000 + "\n"
