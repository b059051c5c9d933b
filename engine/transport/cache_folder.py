"""The folder of a page cache: whose it is, which database in it is in use, and how a damaged one is left behind.

The databases are `pages-N.sqlite`; the file `current` holds N, and both change only under the lock of `lock`. A
damaged one is never mended nor made anew under its own name, since another process may have it open (SQLite removes the
log of a database by name when it is closed last): N is counted up, and files of older numbers are removed. Who still
has such a file open goes on with it, unseen, until it ends.

The version in the folder's name is that of the format: two versions of the engine never read each other's files.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from engine.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FORMAT: Final = "pages-format-1"

#: SQLite's default of 4 KiB cuts a typical page (10 KB, compressed) into more pieces; 16 KiB leaves more unused.
PAGE_BYTES: Final = 8192

#: Another process's write takes some milliseconds; nobody's event loop is to stand still for longer than this.
BUSY_TIMEOUT_MS: Final = 100

#: Pages in the log before they go to the file, and the bytes that the log keeps of the disk afterwards.
_LOG_PAGES: Final = 512
_LOG_BYTES: Final = _LOG_PAGES * PAGE_BYTES

#: What SQLite says of a file that is damaged or none of ours. All else (busy, full, not readable) is no fault of it.
_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_NONE_OF_OURS: Final = _DAMAGED | {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_FORMAT}
_BUSY: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_PRIMARY_CODE: Final = 0xFF

_PRIVATE_FOLDER: Final = 0o700
_PRIVATE_FILE: Final = 0o600
_FOR_OTHERS: Final = 0o077

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS entry (
  id INTEGER PRIMARY KEY,
  url BLOB NOT NULL,            -- 128-bit hash of the normalised URL
  variant BLOB NOT NULL,        -- 128-bit hash of what Vary names of the request
  status INTEGER NOT NULL,
  requested_at REAL NOT NULL, received_at REAL NOT NULL,
  used_at INTEGER NOT NULL,     -- seconds since 1970, an hour's grain
  body_bytes INTEGER NOT NULL,  -- decoded
  head BLOB NOT NULL);          -- the answer's fields
CREATE UNIQUE INDEX IF NOT EXISTS entry_key ON entry (url, variant);
CREATE INDEX IF NOT EXISTS entry_used ON entry (used_at);
CREATE TABLE IF NOT EXISTS body (id INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS row_fields (id INTEGER PRIMARY KEY, settings TEXT NOT NULL, data BLOB NOT NULL);
CREATE TRIGGER IF NOT EXISTS entry_gone AFTER DELETE ON entry BEGIN
  DELETE FROM body WHERE id = old.id;
  DELETE FROM row_fields WHERE id = old.id;
END;
"""


class CacheFolder:
    """The folder below `root`. Raises UsageError where it cannot be had, or belongs to somebody else."""

    def __init__(self, root: Path) -> None:
        self.path = root / FORMAT
        try:
            self.path.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
            found = self.path.lstat()
            # Pages that somebody else can write would become rows of ours.
            if self.path.is_symlink() or found.st_uid != os.geteuid():
                raise UsageError(f"cache.dir: {self.path} belongs to somebody else; choose another folder")
            if found.st_mode & _FOR_OTHERS:
                self.path.chmod(_PRIVATE_FOLDER)
        except OSError as error:
            raise UsageError(f"cache.dir: {self.path}: {error.strerror or error}") from error

    def open(self) -> tuple[sqlite3.Connection, int]:
        """Open the database in use, with its number; a new one if that is damaged. Raises UsageError."""
        try:
            with self._locked():
                number = self._current()
                self._remove_below(number)
                try:
                    return self._connect(number), number
                except sqlite3.DatabaseError as error:
                    if _code(error) not in _NONE_OF_OURS:
                        raise
                    self._retire(number)
                    return self._connect(number + 1), number + 1
        except (OSError, sqlite3.Error) as error:
            raise UsageError(f"cache.dir: the cache in {self.path} cannot be opened: {error}") from error

    def retire(self, number: int) -> None:
        """The database `number` is damaged: whoever opens the cache next begins a new one."""
        with self._locked():
            if self._current() == number:
                self._retire(number)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _PRIVATE_FILE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _current(self) -> int:
        try:
            return int((self.path / "current").read_text(encoding="ascii"))
        except (FileNotFoundError, ValueError):  # a new folder, or a file that a crash of the machine left empty
            return max((number for number, _ in self._files()), default=1)

    def _retire(self, number: int) -> None:
        aside = self.path / "current.new"
        aside.write_text(str(number + 1), encoding="ascii")
        aside.replace(self.path / "current")
        self._remove_below(number + 1)

    def _remove_below(self, number: int) -> None:
        for old, file in self._files():
            if old < number:
                file.unlink(missing_ok=True)

    def _files(self) -> list[tuple[int, Path]]:
        """The databases with their logs, by number."""
        found = []
        for file in self.path.glob("pages-*.sqlite*"):
            digits = file.name.removeprefix("pages-").partition(".")[0]
            if digits.isdecimal():
                found.append((int(digits), file))
        return found

    def _connect(self, number: int) -> sqlite3.Connection:
        path = self.path / f"pages-{number}.sqlite"
        # Made by us first, so that it is private whatever the umask; SQLite gives its log the same permissions.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _PRIVATE_FILE))
        connection = sqlite3.connect(path, isolation_level=None, timeout=BUSY_TIMEOUT_MS / 1000)
        try:
            for pragma in (
                f"page_size = {PAGE_BYTES}",
                "auto_vacuum = INCREMENTAL",
                "journal_mode = WAL",
                "synchronous = NORMAL",
                f"wal_autocheckpoint = {_LOG_PAGES}",
                f"journal_size_limit = {_LOG_BYTES}",
            ):
                connection.execute(f"PRAGMA {pragma}")
            connection.executescript(_TABLES)
            connection.execute("SELECT count(*) FROM (SELECT * FROM entry LIMIT 1)").fetchone()
        except BaseException:
            connection.close()
            raise
        return connection


def is_damage(error: Exception) -> bool:
    """Whether this says that the database itself is damaged."""
    return _code(error) in _DAMAGED


def is_busy(error: Exception) -> bool:
    """Whether another process was writing for all of our patience."""
    return _code(error) in _BUSY


def _code(error: Exception) -> int:
    """SQLite's primary result code, 0 for an error that it did not give."""
    return int(getattr(error, "sqlite_errorcode", 0)) & _PRIMARY_CODE
