"""Where URLs failed, as status tells it while a shard is at work and after."""

from __future__ import annotations

from contextlib import closing

from frontier_model import Frontier

from engine.frontier.failed import FailedGroup, failed_groups
from engine.frontier.store import Store
from engine.model.outcome import FailureKind
from engine.statefile import connect_readonly


def end(frontier, kinds, now=0.0):
    """One URL of each host ends so."""
    for _ in kinds:
        _, task = frontier.ask(now)
        frontier.commit([(task, kinds[task.url.split("/")[2]])], now)
    frontier.store.commit()


def groups(path):
    with closing(connect_readonly(path)) as db:
        return sorted(failed_groups(db))


def test_failures_are_told_by_kind_and_host_while_the_shard_writes_and_after(tmp_path):
    path = tmp_path / "shard.sqlite"
    frontier = Frontier(path)
    frontier.insert(("a.test", "/1"), ("b.test", "/2"), ("c.test", "/3"), ("a.test", "/4"), ("b.test", "/5"))
    end(frontier, {"a.test": FailureKind.HTTP_STATUS, "b.test": FailureKind.HTTP_STATUS, "c.test": None})
    a = FailedGroup("http_status", "a.test", 1, "http://a.test/1")
    b = FailedGroup("http_status", "b.test", 1, "http://b.test/2")
    assert groups(path) == [a, b]
    frontier.store.close()

    frontier = Frontier(path)  # the first lie in `result` now
    assert groups(path) == [a, b]
    end(frontier, {"a.test": FailureKind.HTTP_STATUS, "b.test": FailureKind.READ_TIMEOUT}, now=9.0)
    assert groups(path) == [a._replace(failed=2), b, FailedGroup("read_timeout", "b.test", 1, "http://b.test/5")]
    frontier.store.close()

    store = Store.open(path)
    store.requeue_failed([FailureKind.HTTP_STATUS])
    store.close()
    assert groups(path) == [FailedGroup("read_timeout", "b.test", 1, "http://b.test/5")]
