"""Hosts on disk: from the log of fresh ones to their rows, each handed out once."""

from __future__ import annotations

import pytest

from engine.frontier.hosts import HostMemory, HostTable
from engine.frontier.store import Store
from engine.model.url import host_id

A, B, C = map(host_id, ("a.test", "b.test", "c.test"))


@pytest.fixture
def opened(tmp_path):
    """Open the file, with its host table, as a new process does."""
    stores = []

    def again():
        if stores:
            stores.pop().close()
        store = Store.open(tmp_path / "shard.sqlite", create=True)
        table = HostTable(store)
        table.reopen()
        stores.append(store)
        return store, table

    yield again
    stores.pop().close()


def activated(table, limit=64):
    """All hosts that can be had, in the order that they come in."""
    found = []
    while rows := table.activate(limit, 0.0):
        found += rows
    return found


def test_fresh_hosts_come_from_all_over_the_log_and_each_once(opened):
    _, table = opened()
    hosts = [(host_id(f"h{n}.test"), f"h{n}.test") for n in range(1000)]
    table.found(dict(hosts[:600]))
    table.found(dict(hosts[400:]))  # the same again is no news
    assert table.next_due() == 0.0
    first = table.activate(64, 0.0)
    assert len(first) == 64
    assert any(int(row.name[1:-5]) > 500 for row in first)  # else a list sorted by site would be one site's hosts
    rest = activated(table)
    assert sorted((row.id, row.name) for row in first + rest) == sorted(hosts)
    assert table.next_due() is None


def test_hosts_that_share_a_place_in_memory_are_all_found(opened, monkeypatch):
    monkeypatch.setattr("engine.frontier.hosts._KNOWN", 1)
    store, table = opened()
    hosts = sorted((host_id(f"h{n}.test"), f"h{n}.test") for n in range(5))
    for _ in range(2):
        for host in hosts:
            table.found(dict([host]))
    assert store.db.execute("SELECT count(*) FROM fresh").fetchone() == (10,)
    assert sorted((row.id, row.name) for row in activated(table)) == hosts


def test_an_idle_host_is_ready_again_when_something_comes_in_and_keeps_its_due_time(opened):
    _, table = opened()
    table.found({A: "a.test"})
    (row,) = activated(table)
    assert not row.stale
    table.park(A, HostMemory(pauses=2), cursor=9, due=30.0, idle=True)
    assert table.next_due() is None
    table.found({A: "a.test"})
    assert table.activate(10, 29.0) == []
    assert table.next_due() == 30.0
    (row,) = table.activate(10, 30.0)
    assert (row.cursor, row.due, row.memory.pauses) == (9, 30.0, 2)


def test_a_host_that_an_earlier_process_may_have_asked_is_stale_also_from_the_log(opened):
    store, table = opened()
    table.found({A: "a.test", B: "b.test"})
    store.commit()
    store, table = opened()
    table.found({C: "c.test"})
    assert {row.name: row.stale for row in activated(table)} == {"a.test": True, "b.test": True, "c.test": False}
