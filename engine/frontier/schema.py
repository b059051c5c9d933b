"""The SQLite file of a shard: its tables, and how it is opened.

Two shapes are worth a reason. Tasks lie in the order they came, and nothing but their number finds them: which keys
there are, and which tasks a host has, say runs of their own (:mod:`.runs`), since a B-tree of either takes each URL at
a random place. `n` is a sequence number, not a hash: a cursor over a hash loses what is inserted behind it. Results are
appended to `log` (1 µs a row) and folded into `result` when the file is next opened: updating rows in place costs ten
times that in a table of half a million.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Final

from engine.errors import UsageError
from engine.statefile import DamagedError, told

if TYPE_CHECKING:
    from pathlib import Path

FORMAT_VERSION: Final = 6

#: Turns SQLite's refusals of a path into the engine's.
writing = partial(told, what="the frontier", if_damaged="enrich resume makes it again from the inputs")

#: Page cache a shard, KiB: the hosts of half a million, and the blocks that merges read.
CACHE_KIB: Final = 32 * 1024

TABLES: Final = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS task (
  n INTEGER PRIMARY KEY,
  host INTEGER NOT NULL, band INTEGER NOT NULL DEFAULT 0,
  url TEXT NOT NULL,            -- as given, without user and password
  fetch_url TEXT,               -- NULL: equal to url
  position INTEGER NOT NULL,    -- (input, ordinal)
  auth TEXT, input BLOB);
CREATE TABLE IF NOT EXISTS run (  -- one that is whole; owner 0: keys of tasks, 1: tasks of hosts
  id INTEGER PRIMARY KEY, owner INTEGER NOT NULL, tier INTEGER NOT NULL, since INTEGER NOT NULL,
  firsts BLOB NOT NULL);        -- the first record of each block
CREATE TABLE IF NOT EXISTS block (id INTEGER PRIMARY KEY, records BLOB NOT NULL);  -- run << 32 | place in the run
CREATE TABLE IF NOT EXISTS waiting (
  host INTEGER, band INTEGER, n INTEGER, not_before REAL NOT NULL, attempts INTEGER NOT NULL,
  PRIMARY KEY (host, band, n)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS log (
  id INTEGER PRIMARY KEY, host INTEGER, band INTEGER, n INTEGER, state INTEGER, kind TEXT,
  commit_id INTEGER, start INTEGER, length INTEGER);
CREATE TABLE IF NOT EXISTS result (
  host INTEGER, band INTEGER, n INTEGER, state INTEGER NOT NULL, kind TEXT,
  commit_id INTEGER, start INTEGER, length INTEGER,
  PRIMARY KEY (host, band, n)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS commits (
  id INTEGER PRIMARY KEY, offset INTEGER NOT NULL, length INTEGER NOT NULL, raw_length INTEGER NOT NULL,
  crc32 INTEGER NOT NULL, count INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS host (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL, status INTEGER NOT NULL,
  due REAL NOT NULL,            -- seconds since the epoch
  generation INTEGER NOT NULL,  -- of the opening that last wrote it
  cursor INTEGER NOT NULL,      -- tasks with n up to it are committed or waiting
  state TEXT);                  -- JSON: pauses, breaker, cursors by band (HostMemory)
CREATE INDEX IF NOT EXISTS host_ready ON host (due) WHERE status = 1;
CREATE TABLE IF NOT EXISTS fresh (seq INTEGER PRIMARY KEY, names TEXT NOT NULL);  -- of some hosts, a line each
CREATE TABLE IF NOT EXISTS site (id INTEGER PRIMARY KEY, urls INTEGER NOT NULL);  -- with run.max_urls_per_site only
CREATE TABLE IF NOT EXISTS outbox (  -- with discovery only, as the next one
  id INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used twice: a late answer must not clear what came after
  shard INTEGER NOT NULL, entry BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS outbox_shard ON outbox (shard, id);
CREATE TABLE IF NOT EXISTS likeness (
  site INTEGER, quarter INTEGER, key BLOB, simhash INTEGER NOT NULL, url TEXT NOT NULL,
  PRIMARY KEY (site, quarter, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS robots (
  origin TEXT PRIMARY KEY, fetched_at REAL NOT NULL, status INTEGER NOT NULL, body BLOB NOT NULL) WITHOUT ROWID;
"""


def connect(path: Path, *, create: bool = True) -> sqlite3.Connection:
    """Open a shard's file. Raises UsageError where it is no frontier of this format, OutputError where it cannot be."""
    with writing(path):
        if not create and not path.exists():
            raise UsageError(f"{path}: no such frontier; the run folder is incomplete")
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            # A block of a run to a page (engine/frontier/runs.py).
            connection.execute("PRAGMA page_size = 8192")
            connection.execute("PRAGMA journal_mode = WAL")
            # A page that several commits write to is copied back once: half the commits' cost, for 128 MiB of log.
            connection.execute("PRAGMA wal_autocheckpoint = 16000")
            connection.execute("PRAGMA synchronous = NORMAL")
            # Some builds of SQLite write zeros over what is deleted: a merged run's blocks would be written once more.
            connection.execute("PRAGMA secure_delete = OFF")
            connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
            connection.execute("PRAGMA temp_store = FILE")
            _bring_up(path, connection)
            connection.executescript(TABLES)
            connection.execute(f"PRAGMA user_version = {FORMAT_VERSION}")
        except BaseException:
            connection.close()
            raise
        return connection


#: What makes a format's file one of the next format, each a text of its own time: TABLES goes on changing.
_MIGRATIONS: Final = {
    1: (  # tasks were clustered by host
        "DROP INDEX task_key",
        "ALTER TABLE task RENAME TO task_1",
        """CREATE TABLE task (n INTEGER PRIMARY KEY, host INTEGER NOT NULL, band INTEGER NOT NULL DEFAULT 0,
        key BLOB NOT NULL, url TEXT NOT NULL, fetch_url TEXT, position INTEGER NOT NULL, auth TEXT, input BLOB)""",
        "INSERT INTO task SELECT n, host, band, key, url, fetch_url, position, auth, input FROM task_1 ORDER BY n",
        "DROP TABLE task_1",
    ),
    2: (),  # had no table of fresh hosts, which an engine of its time would overlook
    3: (  # had B-trees of keys and hosts; the runs are made when they are first needed
        """CREATE TABLE task_4 (n INTEGER PRIMARY KEY, host INTEGER NOT NULL, band INTEGER NOT NULL DEFAULT 0,
        url TEXT NOT NULL, fetch_url TEXT, position INTEGER NOT NULL, auth TEXT, input BLOB)""",
        "INSERT INTO task_4 SELECT n, host, band, url, fetch_url, position, auth, input FROM task ORDER BY n",
        "DROP TABLE task",
        "ALTER TABLE task_4 RENAME TO task",
    ),
    4: (  # had a row for each fresh host; one of format 2 or before has no such table yet
        "CREATE TABLE IF NOT EXISTS fresh (seq INTEGER PRIMARY KEY, host INTEGER NOT NULL, name TEXT NOT NULL)",
        "ALTER TABLE fresh RENAME TO fresh_4",
        "CREATE TABLE fresh (seq INTEGER PRIMARY KEY, names TEXT NOT NULL)",
        "INSERT INTO fresh SELECT seq, name FROM fresh_4 ORDER BY seq",
        "DROP TABLE fresh_4",
    ),
    5: (  # had a B-tree of blocks; the runs are made when they are first needed
        "DROP TABLE IF EXISTS run",
        "DROP TABLE IF EXISTS block",
        "DELETE FROM meta WHERE name = 'sealed'",
    ),
}


def _bring_up(path: Path, connection: sqlite3.Connection) -> None:
    """Make a file of an older format one of this, in one transaction; refuse one of a newer."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > FORMAT_VERSION or version < 0:
        raise UsageError(
            f"{path}: frontier format {version}; this version of the engine reads up to {FORMAT_VERSION}: go on with"
            " the one that made it"
        )
    if version not in _MIGRATIONS:
        return
    connection.execute("BEGIN IMMEDIATE")
    while version in _MIGRATIONS:
        for statement in _MIGRATIONS[version]:
            connection.execute(statement)
        version += 1
        connection.execute(f"PRAGMA user_version = {version}")
    connection.execute("COMMIT")


def damage(path: Path) -> str | None:
    """Say what is wrong with a frontier's file, None where it is whole. Reads all of it; the caller holds the lock."""
    try:
        with closing(connect(path, create=False)) as connection, writing(path):
            found = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    except DamagedError as error:
        return str(error.__cause__)
    return None if found == "ok" else " ".join(found.split())
