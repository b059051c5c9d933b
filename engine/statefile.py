"""A SQLite file that holds the state of a run: how it is read beside its writer, and how its refusals are told.

What SQLite raises becomes an engine failure that names the file and the mend: where the file is torn, that differs
with what it holds, and its owner says it.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from engine.errors import EngineError, OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: SQLite's words for a torn file: SQLITE_CORRUPT and SQLITE_NOTADB, without what an extended code adds.
_DAMAGE: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_LOW_BYTE: Final = 0xFF


class DamagedError(OutputError):
    """A file that is torn, or no such file at all. What is left of it is not to be believed."""


def connect_readonly(path: Path) -> sqlite3.Connection:
    """Open for reading while another process may be writing (WAL: neither waits for the other)."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)


@contextmanager
def told(path: Path, what: str, if_damaged: str) -> Iterator[None]:
    """Turn SQLite's refusals into the engine's. `what` the file holds; `if_damaged` is the mend of a torn one."""
    try:
        yield
    except EngineError:
        raise
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & _LOW_BYTE in _DAMAGE:
            raise DamagedError(f"{path}: {what} is damaged: {error}; {if_damaged}") from error
        mend = "mend that (is the disk full?), then: enrich resume"
        raise OutputError(f"{path}: {what} cannot be read or written: {error}; {mend}") from error
