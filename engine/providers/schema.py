"""The SQLite file of a leads run: its tables, and how it is opened.

Every commit is synced to disk (`synchronous = FULL`): there are some hundreds a minute, and what one of them says was
paid for. The frontier, which can fetch again what it forgot, syncs less.
"""

from __future__ import annotations

import sqlite3
from functools import partial
from typing import TYPE_CHECKING, Final

from engine.errors import UsageError
from engine.statefile import told

if TYPE_CHECKING:
    from pathlib import Path

FORMAT_VERSION: Final = 1

#: Turns SQLite's refusals of a path into the engine's.
writing = partial(
    told, what="the record of jobs", if_damaged="it tells what was paid for: bring back a copy of the folder"
)

TABLES: Final = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS lead (
  n INTEGER PRIMARY KEY,        -- in the order of the inputs
  key BLOB NOT NULL UNIQUE,     -- who it is (policy.lead.identity), or the text of what is no row
  original BLOB NOT NULL,       -- JSON: the row as given
  info BLOB NOT NULL,           -- JSON: what is sent of it
  state TEXT NOT NULL,
  task INTEGER, place INTEGER,  -- its last task, and which of that task's leads it is
  attempts INTEGER NOT NULL DEFAULT 0,
  submitted_at REAL, finished_at REAL,
  kind TEXT, error TEXT,
  result BLOB,                  -- JSON: what the provider answered, as it came
  cost REAL);                   -- cents, of all its attempts
CREATE INDEX IF NOT EXISTS lead_state ON lead (state, n);
CREATE INDEX IF NOT EXISTS lead_task ON lead (task);
CREATE TABLE IF NOT EXISTS task (
  id INTEGER PRIMARY KEY,
  mark TEXT NOT NULL UNIQUE,    -- in the webhook's URL: tells which task a call is about before its id is known
  task_id TEXT,                 -- the provider's; NULL until it has answered
  size INTEGER NOT NULL,
  submitted_at REAL NOT NULL, started_at REAL, next_poll REAL);
CREATE INDEX IF NOT EXISTS task_named ON task (task_id);
CREATE TABLE IF NOT EXISTS event (
  id TEXT PRIMARY KEY, at REAL NOT NULL, mark TEXT, body BLOB NOT NULL, used INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS lease (at REAL NOT NULL, n INTEGER NOT NULL);  -- requests that may have been made since
CREATE INDEX IF NOT EXISTS event_unused ON event (at) WHERE used = 0;
"""


def connect(path: Path, *, create: bool) -> sqlite3.Connection:
    """Open the file. Raises UsageError where it is none of this format, OutputError where it cannot be opened."""
    with writing(path):
        if not create and not path.exists():
            raise UsageError(f"{path}: there is no such file: the folder is incomplete")
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            _check_version(path, connection)
            connection.executescript(TABLES)
            connection.execute(f"PRAGMA user_version = {FORMAT_VERSION}")
        except BaseException:
            connection.close()
            raise
        return connection


def _check_version(path: Path, connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version not in (0, FORMAT_VERSION):
        raise UsageError(f"{path}: leads format {version}; this version reads format {FORMAT_VERSION}")
