"""A SQLite file that holds the state of a run: how it is read beside its writer, and how its refusals are told.

What SQLite raises becomes an engine failure that names the file and the mend: where the file is torn, that differs
with what it holds, and its owner says it.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Final

from engine.errors import OutputError

if TYPE_CHECKING:
    from pathlib import Path

#: SQLite's words for a torn file: SQLITE_CORRUPT and SQLITE_NOTADB, without what an extended code adds.
_DAMAGE: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_LOW_BYTE: Final = 0xFF


class DamagedError(OutputError):
    """A file that is torn, or no such file at all. What is left of it is not to be believed."""


def connect_readonly(path: Path) -> sqlite3.Connection:
    """Open for reading while another process may be writing (WAL: neither waits for the other)."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)


class told:  # noqa: N801 - reads as what it does: with told(...)
    """Turns SQLite's refusals into the engine's. `what` the file holds; `if_damaged` is the mend of a torn one.

    A class, since a generator would cost three times as much, and every host passes here several times.
    """

    __slots__ = ("_if_damaged", "_path", "_what")

    def __init__(self, path: Path, what: str, if_damaged: str) -> None:
        self._path = path
        self._what = what
        self._if_damaged = if_damaged

    def __enter__(self) -> None:
        """Nothing is to be done before."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Raise the engine's error in place of SQLite's."""
        if not isinstance(error, sqlite3.DatabaseError):
            return
        if getattr(error, "sqlite_errorcode", 0) & _LOW_BYTE in _DAMAGE:
            raise DamagedError(f"{self._path}: {self._what} is damaged: {error}; {self._if_damaged}") from error
        mend = "mend that (is the disk full?), then: enrich resume"
        raise OutputError(f"{self._path}: {self._what} cannot be read or written: {error}; {mend}") from error
