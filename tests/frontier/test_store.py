"""The frontier's file: what is inserted, what goes back to the queue, and which rows are live."""

from __future__ import annotations

import sqlite3

import pytest
from frontier_model import Frontier, entry

from engine.errors import OutputError, UsageError
from engine.frontier.schema import FORMAT_VERSION, damage
from engine.frontier.sitebudget import OVER_BUDGET, SiteBudget
from engine.frontier.store import Store
from engine.model.entries import Entries
from engine.model.outcome import Failure, FailureKind
from engine.model.task import position
from engine.model.url import host_id


@pytest.fixture
def path(tmp_path):
    return tmp_path / "shard.sqlite"


def tasks(frontier, *ends, now=0.0):
    """Ask for as many URLs as there are ends, and commit them so."""
    found = []
    for kind in ends:
        _, task = frontier.ask(now)
        found.append((task, kind))
    frontier.commit(found, now)
    return [task.fetch_url for task, _ in found]


def live(store, order="completion"):
    return [(where & 0xFF, place.commit, failed) for where, place, failed in store.live_rows(order)]


def test_a_url_given_twice_is_one_task_with_the_first_ones_columns(path):
    store = Store.open(path, create=True)
    first = [position(0, 1), 0, "http://A.test/", "http://a.test/", "a.test", "u:p", '{"n":1}']
    again = [position(0, 2), 0, "http://a.test/#x", "http://a.test/", "a.test", None, '{"n":2}']
    assert store.insert(Entries.of([first, again]), (0, 2)).new == 1
    (task,) = store.take(host_id("a.test"), 0, -1, 10)
    assert (task.url, task.auth, task.input) == ("http://A.test/", "u:p", b'{"n":1}')
    assert store.counters == {"known": 1, "duplicates": 1}
    store.close()


def test_a_broken_line_that_reads_as_some_url_is_another_thing_than_the_url(path):
    store = Store.open(path, create=True)
    store.insert(Entries.of([entry(1, "a.test"), entry(2, "", "http://a.test/")]), (0, 2))
    assert store.counters["known"] == 2
    store.close()


def test_what_is_not_committed_is_read_again_after_a_kill_and_what_is_held_is_skipped(path):
    frontier = Frontier(path)
    frontier.insert(("a.test", "/1"), ("a.test", "/2"))
    frontier.store.commit()
    frontier.insert(("a.test", "/3"))
    frontier.kill()
    frontier = Frontier(path)
    assert frontier.store.cursor == (0, 2)
    lines = [entry(ordinal, "a.test", f"/{ordinal}") for ordinal in (1, 2, 3)]
    frontier.schedule.insert(Entries.of(lines), (0, 3), 0.0)
    assert frontier.store.counters == {"known": 3}
    assert [url[-1] for _, url in frontier.drain(0.0)] == ["1", "2", "3"]
    frontier.store.close()


def test_an_empty_batch_moves_the_cursor(path):
    store = Store.open(path, create=True)
    store.insert(Entries(), (1, 7))
    store.finish_ingest()
    store.close()
    store = Store.open(path)
    assert (store.cursor, store.ingested) == ((1, 7), True)
    store.close()


def test_rows_of_lost_appends_are_queued_again_and_the_others_stay(path):
    frontier = Frontier(path)
    frontier.insert(*[("a.test", f"/{n}") for n in range(4)])
    for now, kinds in ((0.0, [None]), (2.0, [FailureKind.HTTP_STATUS]), (4.0, [None])):
        tasks(frontier, *kinds, now=now)
    frontier.store.close()

    store = Store.open(path)
    assert store.requeue_commits([2, 3]) == 2
    assert store.counters["done"] == 1
    assert store.counters["failed"] == 0
    assert store.counters["failed:http_status"] == 0
    store.close()

    frontier = Frontier(path)
    assert live(frontier.store) == [(1, 1, False)]
    assert [commit for commit, _ in frontier.store.commit_records()] == [1]
    assert [url[-1] for _, url in frontier.drain(0.0)] == ["1", "2", "3"]
    frontier.store.close()


def test_a_failed_row_stays_live_until_the_new_one_is_committed(path):
    frontier = Frontier(path)
    frontier.insert(("a.test", "/1"), ("b.test", "/2"), ("c.test", "/3"))
    for kind in (FailureKind.HTTP_STATUS, FailureKind.DNS_FAILED, None):
        tasks(frontier, kind)
    frontier.store.close()

    store = Store.open(path)
    assert store.requeue_failed([FailureKind.DNS_FAILED]) == 1
    assert store.counters["failed"] == 1
    assert len(live(store)) == 3
    store.close()

    frontier = Frontier(path)
    assert len(live(frontier.store)) == 3
    assert len(frontier.drain(0.0)) == 1
    assert frontier.store.counters["done"] == 2
    frontier.store.close()

    store = Store.open(path)
    rows = live(store)
    assert [commit for _, commit, _ in rows] == sorted(commit for _, commit, _ in rows)
    assert sorted(failed for _, _, failed in rows) == [False, False, True]
    assert max(commit for _, commit, _ in rows) == 4
    assert [where for where, _, _ in live(store, "input")] == [1, 2, 3]
    store.close()


def test_a_retry_takes_up_a_host_that_was_given_up(path):
    frontier = Frontier(path)
    frontier.insert(("a.test", "/1"), ("a.test", "/2"))
    frontier.ask(0.0)
    host = next(iter(frontier.residence.hosts.values()))
    frontier.schedule.condemn(host, Failure(FailureKind.CIRCUIT_OPEN, "down"))
    frontier.residence.save(host, 0.0)
    frontier.store.close()

    frontier = Frontier(path)
    assert frontier.drain(0.0) == []  # still given up: both end without being asked
    assert frontier.store.counters["failed"] == 2
    frontier.store.close()

    store = Store.open(path)
    store.requeue_failed(())
    store.close()
    frontier = Frontier(path)
    assert len(frontier.drain(0.0)) == 2
    assert frontier.store.counters["done"] == 2
    frontier.store.close()


@pytest.mark.parametrize("generation", [2, 1000])
def test_urls_beyond_their_sites_budget_go_to_their_hosts_once_a_retry_has_room_for_them(path, generation):
    frontier = Frontier(path, generation=generation)
    frontier.store.budget = SiteBudget(2)
    frontier.insert(*[(f"h{n % 2}.a.test", f"/{n}") for n in range(6)])
    over = frontier.store.take(host_id(OVER_BUDGET), 0, -1, 10)
    host = frontier.schedule.named(OVER_BUDGET, 0.0)
    frontier.schedule.condemn(host, Failure(FailureKind.DEFERRED, "enough"))
    frontier.commit([(task, None) for _, task in (frontier.ask(0.0), frontier.ask(0.0))], 0.0)
    while (found := frontier.schedule.next_condemned(50, 0.0)) is not None:
        frontier.commit([(task, FailureKind.DEFERRED) for task in found[1]], 0.0)
    assert (len(over), frontier.left) == (4, 0)
    frontier.store.close()

    store = Store.open(path)
    store.budget = SiteBudget(5)
    assert store.requeue_failed(()) == 4
    store.close()
    frontier = Frontier(path, generation=generation)
    assert [task.fetch_url[-1] for task in frontier.store.take(host_id(OVER_BUDGET), 0, -1, 10)] == ["5"]
    moved = [frontier.store.take(host_id(f"h{n}.a.test"), 0, -1, 10) for n in (0, 1)]
    assert sorted(task.fetch_url[-1] for tasks in moved for task in tasks) == ["2", "3", "4"]
    assert sorted(url[-1] for _, url in frontier.drain(0.0)) == [
        "2",
        "3",
        "4",
        "5",
    ]
    assert len(live(frontier.store)) == 6
    frontier.insert(("h0.a.test", "/4"))
    assert frontier.store.counters["known"] == 6
    frontier.store.close()


#: Format 5 had a B-tree of blocks.
RUNS_OF_FORMAT_5 = """
DROP TABLE run; DROP TABLE block;
CREATE TABLE run (id INTEGER PRIMARY KEY, owner INTEGER NOT NULL, tier INTEGER NOT NULL, since INTEGER NOT NULL);
CREATE TABLE block (
  run INTEGER, first BLOB, records BLOB NOT NULL, PRIMARY KEY (run, first)) WITHOUT ROWID;
INSERT INTO run VALUES (2, 0, 0, 0); INSERT INTO block VALUES (2, zeroblob(16), zeroblob(1024));
INSERT OR REPLACE INTO meta VALUES ('sealed', 9); PRAGMA user_version = 5;
"""


def make_hosts_of_format_4(db):
    """It had a row for each fresh host."""
    blocks = db.execute("SELECT names FROM fresh ORDER BY seq").fetchall()
    db.executescript(
        "DROP TABLE fresh; PRAGMA user_version = 4;"
        "CREATE TABLE fresh (seq INTEGER PRIMARY KEY, host INTEGER NOT NULL, name TEXT NOT NULL);"
    )
    fresh = [(host_id(name), name) for (names,) in blocks for name in names.split("\n")]
    db.executemany("INSERT INTO fresh (host, name) VALUES (?, ?)", fresh)


#: Format 3 found tasks by B-trees, format 2 had all hosts in their table, format 1 clustered tasks by host, too.
TASKS_OF_FORMAT_3 = """
CREATE TABLE old (n INTEGER PRIMARY KEY, host INTEGER NOT NULL, band INTEGER NOT NULL DEFAULT 0, key BLOB NOT NULL,
  url TEXT NOT NULL, fetch_url TEXT, position INTEGER NOT NULL, auth TEXT, input BLOB);
INSERT INTO old SELECT n, host, band, randomblob(16), url, fetch_url, position, auth, input FROM task;
DROP TABLE task; DROP TABLE run; DROP TABLE block; ALTER TABLE old RENAME TO task;
CREATE UNIQUE INDEX task_key ON task (key); CREATE INDEX task_host ON task (host, band); PRAGMA user_version = 3;
"""
HOSTS_OF_FORMAT_2 = """
INSERT INTO host (id, name, status, due, generation, cursor) SELECT host, name, 1, 0, 1, -1 FROM fresh WHERE true
  ON CONFLICT (id) DO UPDATE SET status = 1 WHERE status = 0;
DROP TABLE fresh; PRAGMA user_version = 2;
"""
TASKS_OF_FORMAT_1 = """
ALTER TABLE task RENAME TO new; DROP INDEX task_key; DROP INDEX task_host;
CREATE TABLE task (host INTEGER, band INTEGER, n INTEGER, key BLOB NOT NULL, url TEXT NOT NULL, fetch_url TEXT,
  position INTEGER NOT NULL, auth TEXT, input BLOB, PRIMARY KEY (host, band, n)) WITHOUT ROWID;
CREATE UNIQUE INDEX task_key ON task (key);
INSERT INTO task SELECT host, band, n, key, url, fetch_url, position, auth, input FROM new;
DROP TABLE new; PRAGMA user_version = 1;
"""


@pytest.mark.parametrize(
    "older",
    [
        None, "", TASKS_OF_FORMAT_3, TASKS_OF_FORMAT_3 + HOSTS_OF_FORMAT_2,
        TASKS_OF_FORMAT_3 + HOSTS_OF_FORMAT_2 + TASKS_OF_FORMAT_1,
    ],
)  # fmt: skip
def test_an_older_file_is_made_one_of_this_format(path, older):
    frontier = Frontier(path)
    frontier.insert(*[(f"h{n % 3}.test", f"/{n}") for n in range(30)])
    tasks(frontier, None)
    frontier.insert(*[(f"g{n}.test", "/") for n in range(20)])  # still fresh
    frontier.store.close()
    with sqlite3.connect(path) as db:
        before = db.execute("SELECT * FROM task ORDER BY n").fetchall()
        db.executescript(RUNS_OF_FORMAT_5)
        if older is not None:
            make_hosts_of_format_4(db)
            db.executescript(older)
    db.close()
    frontier = Frontier(path)
    assert frontier.store.db.execute("SELECT * FROM task ORDER BY n").fetchall() == before
    assert frontier.store.db.execute("PRAGMA user_version").fetchone() == (FORMAT_VERSION,)
    frontier.insert(("h0.test", "/0"), ("h0.test", "/new"))  # known, and new
    assert len(frontier.drain(1000.0)) == 50
    frontier.store.close()
    assert damage(path) is None


def test_an_older_file_longer_than_a_generation_gets_its_runs(path):
    frontier = Frontier(path)
    frontier.insert(*[(f"h{n % 5}.test", f"/{n}") for n in range(100)])
    frontier.store.close()
    with sqlite3.connect(path) as db:
        make_hosts_of_format_4(db)
        db.executescript(TASKS_OF_FORMAT_3)
    db.close()
    frontier = Frontier(path, generation=16)
    assert len(frontier.store.take(host_id("h0.test"), 0, -1, 100)) == 20
    assert frontier.store.db.execute("SELECT value FROM meta WHERE name = 'sealed'").fetchone() == (95,)
    frontier.insert(("h0.test", "/0"), ("h4.test", "/99"), ("h0.test", "/new"))
    assert frontier.store.counters["known"] == 101
    frontier.kill()
    frontier = Frontier(path, generation=16)
    assert len(frontier.drain(0.0)) == 100
    frontier.store.close()


def test_a_file_of_another_format_and_one_that_is_no_database_are_refused_by_name(path):
    Store.open(path, create=True).close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 9")
    db.close()
    with pytest.raises(UsageError, match=r"shard\.sqlite: frontier format 9"):
        Store.open(path)
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(OutputError, match=r"shard\.sqlite"):
        Store.open(path)
    with pytest.raises(UsageError, match="no such frontier"):
        Store.open(path.with_name("missing.sqlite"))


def test_a_store_that_cannot_commit_is_closed_all_the_same(path):
    store = Store.open(path, create=True)
    store.insert(Entries.of([entry(1, "a.test")]), (0, 1))
    store.db.set_authorizer(lambda *_: sqlite3.SQLITE_DENY)
    with pytest.raises(OutputError, match=r"shard\.sqlite"):
        store.close()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        store.db.execute("SELECT 1")
