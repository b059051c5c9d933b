"""The life pipe: a child leaves at once, without a word, when its supervisor is gone.

Only the supervisor holds the end that is written to, and it writes nothing: the end of file says that it has ended,
however it did. Children of a forkserver outlive a killed supervisor otherwise.
"""

from __future__ import annotations

import os
import threading


def leave_with_supervisor(life_fd: int) -> None:
    """Have this process end as soon as the pipe does."""
    threading.Thread(target=_watch, args=(life_fd,), name="life", daemon=True).start()


def _watch(life_fd: int) -> None:
    while os.read(life_fd, 1):
        pass
    os._exit(0)
