"""Words for people, to stderr; that nobody listens any more is no fault.

A terminal that is gone or a pipe whose reader has left (`2>&1 | head`) refuses every byte, and the interpreter would
make an exit code of its own out of what it cannot flush in the end. So from the first refusal on, what is told goes
nowhere.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress


def tell(text: str) -> None:
    """Write `text`, lines with their newlines, to whatever stderr is now: a live display may stand in front of it."""
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except (OSError, ValueError):
        _go_silent()


def _go_silent() -> None:
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stderr.fileno())
        os.close(nowhere)
