"""Who may write: file locks (flock), which the kernel drops with their holder, however it ends.

The run folder's lock is held by its command, a shard's by the shard's process. The holder's process id is written in
the file, for the sentence that names it; the file itself is never removed (a second holder could lock a new one).
"""

from __future__ import annotations

import fcntl
import os
import time
from typing import TYPE_CHECKING, Final, Self

from engine.errors import OutputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

#: A killed supervisor's shards leave within a moment of its end; a new command gives them this long.
ORPHAN_WAIT_S: Final = 10.0
_POLL_S: Final = 0.05


class FileLock:
    """A lock that is held until `release`, or until this process ends."""

    def __init__(self, path: Path, fd: int) -> None:
        self.path = path
        self._fd = fd

    @classmethod
    def try_acquire(cls, path: Path) -> Self | None:
        """Take the lock if it is free; the file is made if it is missing. Raises OutputError."""
        try:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise OutputError(f"{path}: cannot be written: {error.strerror}; mend that, then: enrich resume") from error
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return None
        except OSError as error:
            os.close(fd)
            raise OutputError(f"{path}: cannot be locked: {error.strerror}") from error
        return cls(path, fd)

    @classmethod
    def acquire(
        cls,
        path: Path,
        wait_s: float = ORPHAN_WAIT_S,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Self:
        """Take the lock, waiting `wait_s` for its holder to leave. Raises UsageError naming that process."""
        deadline = clock() + wait_s
        while (lock := cls.try_acquire(path)) is None:
            if clock() >= deadline:
                raise held(path)
            sleep(_POLL_S)
        return lock

    def sign(self) -> None:
        """Write our process id, for whoever finds the lock taken. Raises OutputError."""
        try:
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            reason = f"{self.path}: cannot be written: {error.strerror}"
            raise OutputError(f"{reason}; mend that, then: enrich resume") from error

    def release(self) -> None:
        """Let go of the lock."""
        os.close(self._fd)


def is_held(path: Path) -> bool:
    """Whether somebody holds the lock; needs no right to write. Raises UsageError where the file cannot be read."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


def held(path: Path) -> UsageError:
    """Make the error for a lock that somebody else keeps."""
    holder = path.read_text(encoding="ascii", errors="replace").strip()
    who = f"process {holder}" if holder.isdecimal() else "another process"
    folder = path.parent.parent
    return UsageError(f"{folder} is in use by {who}: wait for it or stop it, then give the command again")
