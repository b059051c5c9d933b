"""The page cache on disk: one SQLite database, bodies in it as blobs, shared by all processes and runs of a user.

Why blobs, and not files: measured on 35 KB pages, a lookup with its body costs the same 20 µs, a write in a batch half
of what a file costs, and an entry is there as a whole or not at all, whenever a process is killed.

Writes are gathered and go to disk in one short transaction, so that processes seldom wait for each other; until then
this process does not find them either. When the cache is full, a transaction first drops what was used longest ago, a
bounded number of entries, and keeps only what then fits: the file never grows beyond `max_bytes` (its log adds 4 MiB).

Every blob is one zstd frame with its checksum: what a damaged disk gives back is a miss, and the entry is dropped.
"""

from __future__ import annotations

import contextlib
import secrets
import sqlite3
import time
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import zstandard

from engine.errors import UsageError
from engine.model.url import url_key
from engine.policy.freshness import Stored
from engine.transport.cache import Found, default_folder, variant_of
from engine.transport.cache_folder import PAGE_BYTES, CacheFolder, is_busy, is_damage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from engine.policy.freshness import Fields
    from engine.settings import CacheSettings

#: A transaction is due when so many writes, or bytes, wait: 1 to 3 ms of work.
_BATCH_WRITES: Final = 64
_BATCH_BYTES: Final = 1 << 20

#: While other processes keep us from writing, so much waits in memory; beyond it all that waits is given up.
_MAX_WAITING_BYTES: Final = 16 << 20

#: Entries dropped at a time while the cache is full, and how often in one transaction: some 10 ms of work.
_EVICTED_AT_ONCE: Final = 32
_EVICTIONS: Final = 8

#: Closing is worth a longer wait for another process: what waits would be lost.
_CLOSING_TIMEOUT_MS: Final = 2000

#: Pages that a transaction gives back to the disk where the file is too large, after max_bytes was lowered.
_PAGES_GIVEN_BACK: Final = 256

#: One page takes no more than this part of the cache; else a few large ones would drive out all others.
_MAX_SHARE: Final = 8

#: Bytes beside its blobs that an entry takes: its columns, two index entries, unused ends of pages. Rounded up.
_ENTRY_BYTES: Final = 1024

#: Answers kept of one URL. A Vary on something new each time must not fill the cache.
_MAX_VARIANTS: Final = 8

#: When an entry was used last is noted to the hour: reading must not mean writing.
_USED_GRAIN_S: Final = 3600

#: zstd's fastest level that still halves what gzip would leave; level 3 takes a third longer for 4 % fewer bytes.
_ZSTD_LEVEL: Final = 1

#: No head or row is larger; more is what damage looks like, and would be allocated before it is found out.
_MAX_FRAME_BYTES: Final = 64 << 20

#: A process counts its entries up from a random number: they lie together in the file, and no two processes' meet.
_NUMBER_BITS: Final = 62

_SELECT: Final = """
SELECT id, variant, status, requested_at, received_at, used_at, body_bytes, head,
  (SELECT data FROM row_fields WHERE row_fields.id = entry.id AND settings = ?)
FROM entry WHERE url = ? ORDER BY received_at DESC"""
_SELECT_BODY: Final = "SELECT data FROM body WHERE id = ?"
_INSERT: Final = "INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_INSERT_BODY: Final = "INSERT INTO body VALUES (?, ?)"
_INSERT_ROW_FIELDS: Final = """
INSERT OR REPLACE INTO row_fields SELECT ?, ?, ? WHERE EXISTS (SELECT 1 FROM entry WHERE id = ?)"""
_REFRESH: Final = """
UPDATE entry SET variant = ?, requested_at = ?, received_at = ?, used_at = ?, head = ? WHERE id = ?"""
_USED: Final = "UPDATE entry SET used_at = ? WHERE id = ?"
_DELETE: Final = "DELETE FROM entry WHERE id = ?"
_DELETE_URL: Final = "DELETE FROM entry WHERE url = ?"
_DELETE_VARIANT: Final = "DELETE FROM entry WHERE url = ? AND variant = ?"
#: Only while the refreshed entry is there: else the other one is newer.
_DELETE_OTHERS: Final = """
DELETE FROM entry WHERE url = ? AND variant = ? AND id <> ? AND EXISTS (SELECT 1 FROM entry WHERE id = ?)"""
_DELETE_OLD_VARIANTS: Final = """
DELETE FROM entry WHERE url = ? AND id NOT IN
  (SELECT id FROM entry WHERE url = ? ORDER BY received_at DESC LIMIT ?)"""
_DELETE_LEAST_USED: Final = "DELETE FROM entry WHERE id IN (SELECT id FROM entry ORDER BY used_at LIMIT ?)"

#: One statement and its values.
_Statement = tuple[str, tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class _Write:
    """The statements of one call, and about how many bytes they add."""

    statements: tuple[_Statement, ...]
    size: int = 0


@dataclass(slots=True)
class CacheCounts:
    """What became of a process's calls. `faults` counts what disk and database refused, `last_fault` is the latest."""

    hits: int = 0
    misses: int = 0
    stored: int = 0
    dropped: int = 0
    evicted: int = 0
    faults: int = 0
    last_fault: str = ""


class DiskCache:
    """Implements :class:`engine.transport.cache.PageCache` in `root`, for one thread of one process.

    Raises UsageError where the folder cannot be used. `max_bytes` 0 = no limit. `now` is the time of day in seconds.
    """

    def __init__(self, root: Path, max_bytes: int, now: Callable[[], float] = time.time) -> None:
        self._folder = CacheFolder(root)
        self._db: sqlite3.Connection | None
        self._db, self._number = self._folder.open()
        self._max_bytes = max_bytes
        self._now = now
        self._compress = zstandard.ZstdCompressor(level=_ZSTD_LEVEL, write_checksum=True).compress
        self._decompressor = zstandard.ZstdDecompressor()
        self._numbers = count(secrets.randbits(_NUMBER_BITS))
        self.counts = CacheCounts()
        self._forget_waiting()

    # -- reading --------------------------------------------------------------------------------------------------

    def lookup(self, url: str, request: Fields, settings: str) -> Found | None:
        """See PageCache."""
        rows = self._read(_SELECT, (settings, url_key(url)))
        for entry, variant, status, requested_at, received_at, used_at, body_bytes, head, row_fields in rows:
            block = self._unpack(entry, head)
            if block is None:
                continue
            stored = Stored(status, _fields(block), requested_at, received_at)
            if variant_of(stored, request) != variant:
                continue
            if abs(self._now() - used_at) > _USED_GRAIN_S:
                self._used.add(entry)
            self.counts.hits += 1
            made = None if row_fields is None else self._unpack(entry, row_fields)
            return Found(entry, stored, body_bytes, made)
        self.counts.misses += 1
        return None

    def body(self, found: Found) -> bytes | None:
        """See PageCache."""
        rows = self._read(_SELECT_BODY, (found.entry,))
        return self._unpack(found.entry, rows[0][0], found.body_bytes) if rows else None

    def _read(self, sql: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        if self._db is None:
            return []
        try:
            return self._db.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            self._fault(error)
            return []

    def _unpack(self, entry: int, frame: bytes, length: int | None = None) -> bytes | None:
        """What a frame holds, of `length` bytes where that is known. A damaged one is None, and its entry dropped."""
        try:
            size = zstandard.frame_content_size(frame)
            if size == length or (length is None and 0 <= size <= _MAX_FRAME_BYTES):
                return self._decompressor.decompress(frame)
        except (zstandard.ZstdError, TypeError):  # TypeError: no blob at all
            pass
        self._fault(ValueError(f"entry {entry} is damaged"))
        self._write([(_DELETE, (entry,))])
        return None

    # -- writing --------------------------------------------------------------------------------------------------

    def store(self, url: str, request: Fields, stored: Stored, body: bytes) -> int:
        """See PageCache."""
        entry = next(self._numbers)
        key, variant = url_key(url), variant_of(stored, request)
        head, data = self._compress(_block(stored.fields)), self._compress(body)
        times = (stored.requested_at, stored.received_at, int(self._now()))
        statements: list[_Statement] = [
            (_DELETE_VARIANT, (key, variant)),
            (_INSERT, (entry, key, variant, stored.status, *times, len(body), head)),
            (_INSERT_BODY, (entry, data)),
            (_DELETE_OLD_VARIANTS, (key, key, _MAX_VARIANTS)),
        ]
        self._write(statements, len(head) + len(data) + _ENTRY_BYTES)
        return entry

    def store_row_fields(self, entry: int, settings: str, row_fields: bytes) -> None:
        """See PageCache."""
        data = self._compress(row_fields)
        self._write([(_INSERT_ROW_FIELDS, (entry, settings, data, entry))], len(data) + _ENTRY_BYTES)

    def refresh(self, url: str, request: Fields, found: Found, stored: Stored) -> None:
        """See PageCache."""
        variant, head = variant_of(stored, request), self._compress(_block(stored.fields))
        times = (stored.requested_at, stored.received_at, int(self._now()))
        statements: list[_Statement] = [
            (_DELETE_OTHERS, (url_key(url), variant, found.entry, found.entry)),
            (_REFRESH, (variant, *times, head, found.entry)),
        ]
        self._write(statements, len(head))

    def forget(self, url: str) -> None:
        """See PageCache."""
        self._write([(_DELETE_URL, (url_key(url),))])

    def _write(self, statements: list[_Statement], size: int = 0) -> None:
        if self._db is None or (self._max_bytes and size > self._max_bytes // _MAX_SHARE):
            self.counts.dropped += 1
            return
        self._waiting.append(_Write(tuple(statements), size))
        self._waiting_bytes += size
        if len(self._waiting) >= self._due_writes or self._waiting_bytes >= self._due_bytes:
            self.flush()

    def flush(self) -> None:
        """See PageCache."""
        db = self._db
        if db is None or not (self._waiting or self._used):
            return
        try:
            db.execute("BEGIN IMMEDIATE")
            self._apply(db)
            db.execute("COMMIT")
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):  # the first error tells more, and closing undoes it too
                db.execute("ROLLBACK")
            self._fault(error)
            if is_busy(error) and self._waiting_bytes <= _MAX_WAITING_BYTES:
                # Tried again with the next flush, or when as much again has come: not at each write from now on.
                self._due_writes = len(self._waiting) + _BATCH_WRITES
                self._due_bytes = self._waiting_bytes + _BATCH_BYTES
                return
            self.counts.dropped += len(self._waiting)
        self._forget_waiting()
        self._shrink()

    def _forget_waiting(self) -> None:
        self._waiting: list[_Write] = []
        self._waiting_bytes = 0
        self._due_writes, self._due_bytes = _BATCH_WRITES, _BATCH_BYTES
        self._used: set[int] = set()

    def _apply(self, db: sqlite3.Connection) -> None:
        now = int(self._now())
        db.executemany(_USED, [(now, entry) for entry in self._used])  # first: it says what may go
        room = self._make_room(db)
        for write in self._waiting:
            if write.size > max(room, 0):  # what only drops entries is always done
                self.counts.dropped += 1
                continue
            room -= write.size
            for sql, values in write.statements:
                db.execute(sql, values)
            self.counts.stored += 1

    def _make_room(self, db: sqlite3.Connection) -> int:
        """Bytes that the waiting writes may add, after dropping what was used longest ago where they need it."""
        if not self._max_bytes:
            return self._waiting_bytes
        room = self._max_bytes - _taken_bytes(db)
        for _ in range(_EVICTIONS):
            if room >= self._waiting_bytes:
                break
            gone = db.execute(_DELETE_LEAST_USED, (_EVICTED_AT_ONCE,)).rowcount
            if not gone:
                break
            self.counts.evicted += gone
            room = self._max_bytes - _taken_bytes(db)
        return room

    def _shrink(self) -> None:
        """Give free pages back to the disk where the file is larger than it may be now."""
        db = self._db
        if db is None or not self._max_bytes:
            return
        try:
            if _pragma(db, "page_count") * PAGE_BYTES > self._max_bytes:
                # Not execute(): it steps a statement without columns once, which here gives back one page.
                db.executescript(f"PRAGMA incremental_vacuum({_PAGES_GIVEN_BACK})")
        except sqlite3.Error as error:
            self._fault(error)

    def _fault(self, error: Exception) -> None:
        """Note what went wrong; a damaged database is used no more, by nobody. A mistake of ours is raised again."""
        if isinstance(error, (sqlite3.ProgrammingError, sqlite3.InterfaceError)):
            raise error
        self.counts.faults += 1
        self.counts.last_fault = str(error)
        if self._db is not None and is_damage(error):
            self._db.close()
            self._db = None
            with contextlib.suppress(OSError):  # then the next to open it finds the damage as we did
                self._folder.retire(self._number)

    def close(self) -> None:
        """See PageCache."""
        if self._db is not None:
            self._db.execute(f"PRAGMA busy_timeout = {_CLOSING_TIMEOUT_MS}")
            self.flush()
        if self._db is not None:
            self._db.close()
            self._db = None


def open_cache(settings: CacheSettings, environ: Mapping[str, str]) -> DiskCache | None:
    """The cache that the settings ask for, None for none. Raises UsageError where its folder cannot be used."""
    if not settings.enabled:
        return None
    if settings.dir is None:
        return DiskCache(default_folder(environ), settings.max_bytes)
    try:
        root = Path(settings.dir).expanduser()
    except RuntimeError as error:
        raise UsageError(f"cache.dir: {settings.dir}: {error}") from error
    return DiskCache(root.absolute(), settings.max_bytes)


def _taken_bytes(db: sqlite3.Connection) -> int:
    return (_pragma(db, "page_count") - _pragma(db, "freelist_count")) * PAGE_BYTES


def _pragma(db: sqlite3.Connection, name: str) -> int:
    return int(db.execute(f"PRAGMA {name}").fetchone()[0])


def _block(fields: Fields) -> bytes:
    """An answer's fields as bytes; no name holds a colon, and no value a line's end (RFC 9110, section 5)."""
    return "\n".join(f"{name}:{value}" for name, value in fields).encode("utf-8", "surrogateescape")


def _fields(block: bytes) -> Fields:
    lines = block.decode("utf-8", "surrogateescape").split("\n") if block else []
    return tuple((name, value) for name, _, value in (line.partition(":") for line in lines))
