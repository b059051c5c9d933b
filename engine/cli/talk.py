"""Where words go: asked results to stdout, everything else to stderr."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from engine.errors import OutputError
from engine.observe.tell import tell

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO


def say(message: str) -> None:
    """Write one line for people to stderr, in the program's name."""
    tell(f"enrich: {' '.join(message.split())}\n")


@contextmanager
def results() -> Iterator[TextIO]:
    """Give stdout for what the user asked for. A reader that has seen enough (`| head`) is no error.

    Raises OutputError where stdout is closed, or takes no more.
    """
    if sys.stdout is None:
        raise OutputError("stdout is closed, and what was asked for goes there")
    try:
        yield sys.stdout
        sys.stdout.flush()
    except BrokenPipeError:
        _let_go()
    except OSError as error:
        _let_go()
        raise OutputError(f"stdout cannot be written: {error.strerror}") from error


def _let_go() -> None:
    """Let the rest go nowhere: the interpreter flushes stdout once more at its end (Python docs, "Note on SIGPIPE")."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())
    os.close(devnull)
