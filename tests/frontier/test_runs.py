"""Sorted runs against a plain set, whatever is added, merged and killed; and the index over them."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.frontier.index import TaskIndex
from engine.frontier.runs import BLOCK_RECORDS, FAN, RECORD_BYTES, Runs
from engine.frontier.schema import TABLES
from engine.model.url import url_key


@pytest.fixture
def db():
    found = sqlite3.connect(":memory:", isolation_level=None)
    found.executescript(TABLES)
    yield found
    found.close()


def record(number):
    return number.to_bytes(16, "big")


def add(runs, rounds, size):
    """Runs of every so-many-th number, so that each spans all others."""
    for at in range(rounds):
        runs.add(b"".join(record(number * rounds + at) for number in reversed(range(size))), at)


def number_of_runs(db):
    return db.execute("SELECT count(*), count(DISTINCT tier) FROM run").fetchone()


@pytest.mark.parametrize("size", [1, BLOCK_RECORDS, 20 * BLOCK_RECORDS + 7])
def test_merging_loses_nothing_and_ends_in_few_runs(db, size):
    runs, other = Runs(db, 0), Runs(db, 1)
    other.add(record(3), 0)
    rounds = FAN * FAN
    add(runs, rounds, size)
    everything = [record(number) for number in range(rounds * size)]
    assert not runs.holds(record(rounds * size))
    while number_of_runs(db) != (2, 2):
        runs.work(100)
        assert all(runs.holds(one) for one in everything[:: len(everything) // 50 + 1])
    for left in (0, 1000, 1 << 30):  # what the runs of old hold goes bit by bit
        runs.work(left)
    assert runs.behind(b"", b"", 1 << 30) == everything
    assert runs.first(record(1), b"\0" * 8) == record(2)
    again = Runs(db, 0)
    assert again.behind(record(1), b"\0" * 8, 1 << 30) == everything[2:]
    assert b"".join(sorted(again.blocks())) == b"".join(everything)
    assert other.holds(record(3))
    assert not other.holds(record(4))


@settings(max_examples=40, deadline=None)
@given(
    added=st.lists(
        st.sets(st.lists(st.sampled_from(b"\0\1\x7f\x80\xff"), min_size=3, max_size=3).map(bytes), min_size=1),
        min_size=FAN,
        max_size=FAN,
    ),
    at=st.sampled_from((0, 6, 13)),
)
def test_records_are_ordered_as_bytes_wherever_their_zeros_are(added, at):
    with sqlite3.connect(":memory:", isolation_level=None) as db:
        db.executescript(TABLES)
        runs = Runs(db, 0)
        records = [[b"\0" * at + one + b"\0" * (RECORD_BYTES - 3 - at) for one in some] for some in added]
        for since, some in enumerate(records):
            runs.add(b"".join(some), since)
        runs.work(1 << 30)
        assert number_of_runs(db) == (1, 1)
        assert runs.behind(b"", b"", 1 << 30) == sorted(one for some in records for one in some)
        assert all(runs.holds(one) for some in records for one in some)
    db.close()


def test_what_an_interrupted_merge_wrote_is_taken_away_and_the_merge_done_again(db):
    runs = Runs(db, 0)
    add(runs, FAN, 10 * BLOCK_RECORDS)
    blocks = db.execute("SELECT count(*) FROM block").fetchone()
    runs.work(1)
    assert db.execute("SELECT count(*) FROM block").fetchone() > blocks
    again = Runs(db, 0)  # as a process that starts after a kill
    again.work(1 << 30)
    assert number_of_runs(db) == (1, 1)
    assert again.behind(b"", b"", 1 << 30) == [record(number) for number in range(FAN * 10 * BLOCK_RECORDS)]
    assert db.execute("SELECT count(*) FROM block").fetchone() == blocks


@settings(max_examples=40, deadline=None)
@given(
    slices=st.lists(
        st.lists(st.tuples(st.integers(0, 40), st.sampled_from((0, 0, 0, 3, -100, 100))), min_size=1, max_size=12),
        max_size=30,
    ),
    generation=st.sampled_from((1, 4, 1000)),
)
def test_the_index_knows_each_url_once_and_gives_a_hosts_tasks_in_order(slices, generation):
    with sqlite3.connect(":memory:", isolation_level=None) as db:
        db.executescript(TABLES)
        index = TaskIndex(db, lambda: None)
        index.generation = generation
        known, tasks, n = set(), {}, 0
        for urls in slices:
            keys = [url_key(str(url)) for url, _ in urls]
            found = index.known(b"".join(keys))
            assert found == {at for at, key in enumerate(keys) if key in known or key in keys[:at]}
            new = [at for at in range(len(urls)) if at not in found]
            places = [(urls[at][0] % 3 - 1, urls[at][1]) for at in new]
            db.executemany(
                "INSERT INTO task (n, host, band, url, position) VALUES (?, ?, ?, ?, 0)",
                [(n + place, *places[place], str(urls[at][0])) for place, at in enumerate(new)],
            )
            if new:
                index.add(b"".join(keys[at] for at in new), *zip(*places, strict=True), n)
            for at in places:
                tasks.setdefault(at, []).append(n)
                n += 1
            known.update(keys)
        for opened in (index, TaskIndex(db, lambda: None)):
            for host in (-1, 0, 1):
                assert opened.bands(host) == sorted(band for one, band in tasks if one == host)
            for (host, band), held in tasks.items():
                assert opened.after(host, band, -1, 100) == held
                assert opened.after(host, band, -1, 2) == held[:2]
                assert opened.after(host, band, held[0], 100) == held[1:]
            assert all(opened.holds(key) for key in known)
            assert not opened.holds(url_key("another"))
    db.close()
