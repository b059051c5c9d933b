"""Named points at which tests make a process die or a call fail; without the environment variable they cost nothing.

`ENGINE_FAULT=NAME[:PROBABILITY]` arms the point called NAME: a crash point ends the process as a kill would, at once
and with nothing flushed; a failing point raises the system's input/output error. `ENGINE_FAULT=NAME=TEXT` arms it only
where what passes by holds TEXT. Tests of the commit need them: a kill at random never hits the few microseconds
between two system calls.
"""

from __future__ import annotations

import errno
import os
import random
import signal
from typing import Final

VARIABLE: Final = "ENGINE_FAULT"


def _armed() -> tuple[str, str, float]:
    value = os.environ.get(VARIABLE, "")
    name, separator, text = value.partition("=")
    if separator:
        return name, text, 1.0
    name, _, probability = value.partition(":")
    return name, "", float(probability or 1.0)


_NAME, _TEXT, _PROBABILITY = _armed()


def crash_point(name: str, passing: str = "", number: int = signal.SIGKILL) -> None:
    """Die here by signal `number`, if this point is armed for what is `passing`."""
    if name == _NAME and _strikes(passing):
        os.kill(os.getpid(), number)


def failing_point(name: str, error: Exception | None = None) -> None:
    """Raise `error` here (None: EIO), as what fails on a failing device does, if this point is armed."""
    if name == _NAME and _strikes(""):
        raise error or OSError(errno.EIO, os.strerror(errno.EIO))


def _strikes(passing: str) -> bool:
    return _TEXT in passing and random.random() < _PROBABILITY  # noqa: S311 - no secret
