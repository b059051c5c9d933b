from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from engine.errors import UsageError
from engine.ipc.frames import Frame
from engine.ipc.tasks import tasks_in
from engine.model.entries import Entries
from engine.sources.ingest import Batch
from engine.supervisor.feed import CREDIT, Cursor, Feed
from engine.supervisor.relay import Relay

if TYPE_CHECKING:
    from collections.abc import Iterator

LAST = 10


def entries(ordinal: int) -> Entries:
    return Entries.of([[ordinal, 0, f"http://h.test/{ordinal}", None, "h.test", None, None]])


class Shards:
    """Two shards by hand: what they were sent, and an event for each frame."""

    def __init__(self, *, finished: bool = False, last: int = LAST) -> None:
        self.last = last
        self.starts: list[Cursor] = []
        self.sent: list[tuple[int, str, int]] = []
        self.came = asyncio.Condition()
        self.feed = Feed(self.read, 2, self.send, finished=finished)

    def read(self, cursor: Cursor) -> Iterator[Batch]:
        self.starts.append(cursor)
        for last in range(cursor[1] + 1, self.last + 1):
            yield Batch(0, last, [entries(last), Entries()])

    def send(self, shard: int, header: dict[str, Any], body: bytes) -> None:
        if body:
            assert tasks_in(Frame(header, body)) == (entries(header["last"]) if shard == 0 else Entries())
        self.sent.append((shard, str(header["type"]), header.get("last", 0)))

    def batches(self, shard: int) -> list[int]:
        return [last for to, kind, last in self.sent if (to, kind) == (shard, "tasks")]

    def told_ingested(self) -> set[int]:
        return {to for to, kind, _ in self.sent if kind == "ingested"}

    def hello(self, shard: int, ordinal: int = 0, *, ingested: bool = False) -> None:
        self.feed.hello(shard, (0, ordinal), ingested=ingested)


async def settle() -> None:
    """Let the reader's thread and the feed come to rest."""
    for _ in range(20):
        await asyncio.sleep(0.002)


async def test_credit_bounds_what_is_out_to_the_slowest_shard() -> None:
    shards = Shards()
    running = asyncio.create_task(shards.feed.run())
    shards.hello(0)
    await settle()
    assert shards.sent == []  # every batch is for every shard
    shards.hello(1)
    await settle()
    assert shards.batches(0) == shards.batches(1) == list(range(1, CREDIT + 1))
    shards.feed.credit(0, 3)
    await settle()
    assert len(shards.batches(0)) == CREDIT
    shards.feed.credit(1, 1)
    await settle()
    assert shards.batches(1) == list(range(1, CREDIT + 2))
    running.cancel()


async def test_ingest_is_over_when_everything_is_committed_and_not_before() -> None:
    shards = Shards(last=3)
    running = asyncio.create_task(shards.feed.run())
    shards.hello(0)
    shards.hello(1)
    await settle()
    shards.feed.credit(0, 3)
    shards.feed.credit(1, 2)
    await settle()
    assert not running.done()
    assert shards.told_ingested() == set()
    shards.feed.credit(1, 1)
    await running
    assert shards.told_ingested() == {0, 1}
    assert shards.feed.finished


async def test_reading_begins_at_the_lowest_cursor() -> None:
    shards = Shards()
    running = asyncio.create_task(shards.feed.run())
    shards.hello(0, 9)
    shards.hello(1, 7)
    await settle()
    assert shards.starts == [(0, 7)]
    assert shards.batches(0) == [8, 9, 10]
    running.cancel()


async def test_a_shard_that_fell_behind_is_sent_again_what_it_lost() -> None:
    shards = Shards()
    running = asyncio.create_task(shards.feed.run())
    shards.hello(0)
    shards.hello(1)
    await settle()
    shards.feed.credit(0, CREDIT)
    shards.feed.gone(1)
    await settle()
    shards.hello(1, 2)  # two of those were committed
    for _ in range(LAST):
        await settle()
        shards.feed.credit(0, 1)
        shards.feed.credit(1, 1)
    await running
    assert shards.starts == [(0, 0), (0, 2)]
    assert shards.batches(1) == [*range(1, CREDIT + 1), *range(3, LAST + 1)]


async def test_a_shard_that_lost_nothing_makes_nobody_read_again() -> None:
    shards = Shards(last=4)
    running = asyncio.create_task(shards.feed.run())
    shards.hello(0)
    shards.hello(1)
    await settle()
    shards.feed.gone(1)
    shards.hello(1, 4)
    shards.feed.credit(0, 4)
    await running
    assert shards.starts == [(0, 0)]


async def test_nothing_is_read_where_all_is_held() -> None:
    shards = Shards(finished=True)
    await shards.feed.run()
    shards.hello(0)
    assert shards.told_ingested() == {0}
    other = Shards()
    running = asyncio.create_task(other.feed.run())
    other.hello(0, ingested=True)
    other.hello(1, ingested=True)
    await running
    assert other.told_ingested() == {0, 1}
    assert shards.starts == other.starts == []


async def test_what_one_shard_lost_is_read_again_although_another_holds_everything() -> None:
    shards = Shards(last=4)
    running = asyncio.create_task(shards.feed.run())
    shards.hello(0, 4, ingested=True)
    shards.hello(1, 2)
    await settle()
    assert shards.starts == [(0, 2)]
    assert shards.told_ingested() == set()
    shards.feed.credit(0, 4)
    shards.feed.credit(1, 4)
    await running
    assert shards.told_ingested() == {0, 1}


async def test_an_unfit_input_ends_the_feed() -> None:
    shards = Shards()

    def read(_cursor: Cursor) -> Iterator[Batch]:
        yield Batch(0, 1, [entries(1), Entries()])
        raise UsageError("urls.csv is cut short")

    feed = Feed(read, 2, shards.send, finished=False)
    running = asyncio.create_task(feed.run())
    feed.hello(0, (0, 0), ingested=False)
    feed.hello(1, (0, 0), ingested=False)
    with pytest.raises(UsageError, match="cut short"):
        await running
    assert shards.batches(0) == [1]


def test_a_permit_asked_of_a_shard_that_is_away_is_answered_at_once() -> None:
    sent: list[tuple[int, dict[str, Any]]] = []

    def send(shard: int, header: dict[str, Any], _body: bytes = b"") -> bool:
        if shard == 1:
            return False
        sent.append((shard, header))
        return True

    relay = Relay(3, send)
    assert relay.passes(0, Frame({"type": "permit_ask", "to": 1, "permit": 4, "url": "u"}))
    assert sent == [(0, {"type": "shard_gone", "shard": 1})]
    assert relay.passes(2, Frame({"type": "permit_reply", "to": 0, "permit": 4, "kind": None, "message": ""}))
    assert sent[1][1]["from"] == 2
    relay.gone(1)
    assert sent[2:] == [(0, {"type": "shard_gone", "shard": 1}), (2, {"type": "shard_gone", "shard": 1})]
    assert not relay.passes(0, Frame({"type": "heartbeat"}))
