"""Words for people, to stderr; that nobody listens is no fault, and nobody is waited for.

A terminal that is gone or a pipe whose reader has left (`2>&1 | head`) refuses every byte, and the interpreter would
make an exit code of its own out of what it cannot flush in the end. So from the first refusal on, what is told goes
nowhere. A pipe that is full because its reader sleeps would stop the whole run at its next line: a line that finds no
room in time is dropped, and how many were is told with the next that does.
"""

from __future__ import annotations

import os
import select
import sys
from contextlib import suppress
from typing import Final

#: How long a result waits for its reader. What a run says on its way does not wait at all.
PATIENCE_S: Final = 5.0

#: A pipe that has room takes PIPE_BUF bytes at once (POSIX, write(): 512 at least, 4,096 on Linux), and a character is
#: four bytes at most.
_PIECE_CHARS: Final = 128 if select.PIPE_BUF < 4096 else 1024  # noqa: PLR2004 - see above

_dropped = 0


def tell(text: str, *, patience_s: float = PATIENCE_S) -> None:
    """Write `text`, lines with their newlines, to whatever stderr is now: a live display may stand in front of it."""
    global _dropped  # noqa: PLW0603 - a fact about this process's one stderr
    if sys.stderr is None:
        return
    try:
        if not _has_room(patience_s):
            _dropped += 1
            return
        if _dropped:
            text, _dropped = f"(dropped before this, as nobody read it: {_dropped} lines)\n{text}", 0
        for start in range(0, len(text), _PIECE_CHARS):
            if start and not _has_room(patience_s):
                _dropped += 1
                return
            sys.stderr.write(text[start : start + _PIECE_CHARS])
            sys.stderr.flush()
    except (OSError, ValueError):
        _go_silent()


def _has_room(patience_s: float) -> bool:
    """Whether stderr takes a piece at once; what is no file of the system's always does."""
    try:
        fd = sys.stderr.fileno()
    except (OSError, ValueError, AttributeError):
        return True
    room = select.poll()
    room.register(fd, select.POLLOUT)
    return bool(room.poll(patience_s * 1000))


def _go_silent() -> None:
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stderr.fileno())
        os.close(nowhere)
