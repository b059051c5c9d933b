"""What the frontier costs a URL, and the schedule a request, with 100,000 hosts on disk (extra_info: microseconds)."""

from __future__ import annotations

import gc

import pytest

from engine.collector import settle
from engine.frontier.hosts import HostTable
from engine.frontier.residence import Residence
from engine.frontier.results import Finished
from engine.frontier.schedule import Schedule
from engine.frontier.store import Store
from engine.model.entries import Entries
from engine.model.task import CommitRecord, TaskKey
from engine.model.url import host_id
from engine.settings import Settings
from engine.shard.factory import HostFactory

HOSTS = 100_000
SLICE = 1000
LIMIT = 500


@pytest.fixture(autouse=True)
def collector():
    """The garbage collector as a shard has it."""
    before = gc.get_threshold()
    gc.collect()
    settle()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


@pytest.fixture
def store(tmp_path):
    opened = Store.open(tmp_path / "shard.sqlite", create=True)
    yield opened
    opened.close()


def entries(first, count, hosts):
    """Entries as ingest makes them, the hosts in turn."""
    return Entries.of(
        [n + 1, 0, f"http://host{n % hosts}.test/articles/{n}.html", None, f"host{n % hosts}.test", None, None]
        for n in range(first, first + count)
    )


def insert(store, count, hosts):
    for first in range(0, count, SLICE):
        store.insert(entries(first, SLICE, hosts), (0, first + SLICE))
        if not first % (20 * SLICE):
            store.commit()
    store.commit()


@pytest.mark.parametrize("hosts", [100, 10_000, HOSTS])
def bench_insert(benchmark, store, hosts):
    batches = iter(range(0, 1 << 40, SLICE))

    def setup():
        first = next(batches)
        return (entries(first, SLICE, hosts), (0, first + SLICE)), {}

    benchmark.pedantic(store.insert, setup=setup, rounds=100, warmup_rounds=5)
    benchmark.extra_info["us_per_url"] = round(benchmark.stats.stats.mean / SLICE * 1e6, 3)


def bench_take(benchmark, store):
    """Refills of 64 of one host after another, of 1,000 URLs each."""
    insert(store, 100_000, 100)
    numbers = [host_id(f"host{n}.test") for n in range(100)]
    cursors = dict.fromkeys(numbers, -1)
    turns = iter(numbers * 100)

    def take():
        number = next(turns)
        tasks = store.take(number, 0, cursors[number], 64)
        cursors[number] = tasks[-1].key.n if tasks else -1

    benchmark.pedantic(take, rounds=1000, warmup_rounds=10)
    benchmark.extra_info["us_per_task"] = round(benchmark.stats.stats.mean / 64 * 1e6, 3)


def bench_commit(benchmark, store):
    """Commits of 500 rows: the record, the log, the transaction."""
    at = iter(range(1 << 40))

    def commit():
        n = next(at)
        keys = [TaskKey(row % 100, 0, n * 500 + row) for row in range(500)]
        finished = [Finished(key, None, row * 900, 900) for row, key in enumerate(keys)]
        store.add_commit(CommitRecord(n * 450_000, 450_000, 450_000, 1, 500), finished)
        store.commit()

    benchmark.pedantic(commit, rounds=100, warmup_rounds=5)
    benchmark.extra_info["us_per_row"] = round(benchmark.stats.stats.mean / 500 * 1e6, 3)


@pytest.mark.parametrize("delay_s", [0.0, 1.0])
@pytest.mark.parametrize("active", [1_000, 20_000])
def bench_schedule(benchmark, store, delay_s, active):
    """A request's whole way through the schedule: chosen, granted, written, released, committed, in steps of 1 ms."""
    schedule = _schedule(store, active, delay_s)
    now = 0.0
    served = 0

    def requests():
        nonlocal now, served
        for _ in range(SLICE):
            now += 0.001
            host = schedule.pop(now, LIMIT)
            if host is None:
                continue
            task = schedule.next_task(host, now)
            if task is None:
                continue
            address = schedule.granted(host, now)
            schedule.written(host, now + delay_s, now)
            schedule.released(host, address, now)
            schedule.committed([task.key], now)
            served += 1

    benchmark.pedantic(requests, rounds=50, warmup_rounds=5)
    benchmark.extra_info["us_per_request"] = round(benchmark.stats.stats.mean / SLICE * 1e6, 3)
    assert served


def _schedule(store, active, delay_s):
    settings = Settings.model_validate({"politeness": {"delay_s": delay_s, "max_per_host": 16, "max_per_site": 16}})
    table = HostTable(store)
    table.reopen()
    residence = Residence(store, table, HostFactory(settings), max_active=active, wall_offset=0.0, now=0.0)
    schedule = Schedule(store, residence)
    count = 3 * HOSTS
    for first in range(0, count, 10 * SLICE):
        schedule.insert(entries(first, 10 * SLICE, HOSTS), (0, first + 10 * SLICE), 0.0)
    store.commit()
    return schedule
