"""Named points at which tests make a process die, hang or fail; without the environment variable they cost nothing.

`ENRICH_FAULT=NAME[:PROBABILITY]` ends the process at the point called NAME as a kill would: at once, with nothing
flushed. Tests of the commit need it: a kill at random never hits the few microseconds between two system calls.
"""

from __future__ import annotations

import os
import random
import signal
from typing import Final

VARIABLE: Final = "ENRICH_FAULT"


def _armed() -> tuple[str, float]:
    name, _, probability = os.environ.get(VARIABLE, "").partition(":")
    return name, float(probability or 1.0)


_NAME, _PROBABILITY = _armed()


def crash_point(name: str) -> None:
    """Die here, if this point is armed."""
    if name == _NAME and random.random() < _PROBABILITY:  # noqa: S311 - no secret
        os.kill(os.getpid(), signal.SIGKILL)
