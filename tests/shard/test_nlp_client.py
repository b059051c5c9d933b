"""The shard's side of the NLP pool, with children made of sockets: credit, deaths, and who is to blame."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import pytest

from engine.ipc.channel import Channel, connect_unix
from engine.model.messages import NlpExit, Page
from engine.model.outcome import FailureKind
from engine.shard.nlp_client import NlpClient

K = FailureKind


class Greeting(Channel):
    """Says something as soon as somebody connects."""

    def __init__(self, greeting, on_frame):
        super().__init__(on_frame, lambda _cause: None)
        self.greeting = greeting

    def connection_made(self, transport):
        super().connection_made(transport)
        self.send(self.greeting)


class FakeChild:
    """A child that does what the test says. `pages` are the (id, body, alone) that it holds."""

    def __init__(self, number, credit):
        self.number = number
        self.credit = credit
        self.pages = []
        self.path = str(Path(tempfile.mkdtemp(prefix="nlp")) / "s")

    async def listen(self):
        self.server = await asyncio.get_running_loop().create_unix_server(self._connected, self.path)

    def _connected(self):
        greeting = {"type": Page.READY, "child": self.number, "credit": self.credit}
        self.channel = Greeting(greeting, self._on_frame)
        return self.channel

    def _on_frame(self, frame):
        self.pages.append((frame.header["id"], frame.body, frame.header["alone"]))

    def start(self, count=1):
        self.channel.send({"type": Page.STARTED, "ids": [number for number, _, _ in self.pages[:count]]})

    def row(self, kind=None):
        number, body, _ = self.pages.pop(0)
        self.channel.send({"type": Page.ROW, "id": number, "kind": kind, "ms": 2.5}, b"row of " + body)

    async def die(self):
        self.channel.close()
        self.server.close()
        await settle()

    @property
    def bodies(self):
        return [body.decode() for _, body, _ in self.pages]


class Pool:
    """A client and what came of its pages."""

    def __init__(self):
        self.client = NlpClient(timeout_s=30)
        self.rows = {}
        self.failures = {}
        self.children = []

    async def child(self, number, credit=4):
        child = FakeChild(number, credit)
        await child.listen()
        self.children.append(child)
        await self.client.on_up(number, child.path)
        await settle()
        return child

    def submit(self, *names):
        for name in names:
            self.client.submit(
                {"fetched": {}, "ct": ""}, name.encode(),
                lambda line, kind, ms, name=name: self.rows.__setitem__(name, (line, kind, ms)),
                lambda failure, name=name: self.failures.__setitem__(name, failure.kind),
            )  # fmt: skip


async def settle():
    for _ in range(20):
        await asyncio.sleep(0)
    await asyncio.sleep(0.01)
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.fixture
async def pool():
    pool = Pool()
    yield pool
    for child in pool.children:
        child.channel.close()
        child.server.close()
    await settle()


async def test_pages_go_out_as_far_as_the_credit_and_rows_bring_it_back(pool):
    pool.submit(*"abcdef")
    child = await pool.child(1, credit=2)
    assert child.bodies == ["a", "b"]
    child.row()
    child.row(kind="extract_failed")
    await settle()
    assert child.bodies == ["c", "d"]
    assert pool.rows == {"a": (b"row of a", None, 2.5), "b": (b"row of b", K.EXTRACT_FAILED, 2.5)}
    assert not pool.client.idle


async def test_a_page_goes_out_also_where_the_child_speaks_before_its_connection_is_known(pool, monkeypatch):
    async def slowly(*arguments):
        channel = await connect_unix(*arguments)
        await settle()  # the greeting arrives meanwhile
        return channel

    monkeypatch.setattr("engine.shard.nlp_client.connect_unix", slowly)
    pool.submit("a")
    child = await pool.child(1)
    assert child.bodies == ["a"]


async def test_the_child_with_most_credit_left_gets_the_next_page(pool):
    one, two = await pool.child(1, credit=4), await pool.child(2, credit=2)
    pool.submit(*"abcd")
    await settle()
    assert (len(one.pages), len(two.pages)) == (3, 1)


@pytest.mark.parametrize("order", ["end of the connection first", "cause first"])
@pytest.mark.parametrize(("cause", "kind"), [(NlpExit.CRASHED, K.NLP_CRASHED), (NlpExit.TIMEOUT, K.NLP_TIMEOUT)])
async def test_the_one_that_kills_twice_is_the_one(pool, order, cause, kind):
    child = await pool.child(1)
    pool.submit(*"xab")
    await settle()
    for number in (1, 2):
        child.start(count=2 if number == 1 else 1)
        await settle()
        if order == "cause first":
            pool.client.on_gone(number, cause)
            await child.die()
        else:
            await child.die()
            pool.client.on_gone(number, cause)
        child = await pool.child(number + 1)
        if number == 1:
            alone = {body: alone for _, body, alone in child.pages}
            assert alone == {b"x": True, b"a": True, b"b": False}
            child.pages.sort(key=lambda page: page[1] != b"x")
    assert pool.failures == {"x": kind}
    while child.pages:
        child.row()
        await settle()
    assert set(pool.rows) == {"a", "b"}
    assert pool.client.idle


async def test_rows_that_a_dying_child_still_sent_count(pool):
    child = await pool.child(1)
    pool.submit(*"ab")
    await settle()
    child.start(count=2)
    child.row()
    pool.client.on_gone(1, NlpExit.CRASHED)
    await child.die()
    assert set(pool.rows) == {"a"}
    again = await pool.child(2)
    assert again.bodies == ["b"]


@pytest.mark.parametrize("cause", [NlpExit.RECYCLED, NlpExit.STOPPED])
async def test_a_child_that_was_replaced_or_stopped_puts_nobody_under_suspicion(pool, cause):
    for number in range(1, 6):
        child = await pool.child(number)
        if number == 1:
            pool.submit("a")
            await settle()
        assert [alone for _, _, alone in child.pages] == [False]
        child.start()
        await settle()
        await child.die()
        pool.client.on_gone(number, cause)
    child = await pool.child(9)
    child.row()
    await settle()
    assert set(pool.rows) == {"a"}
    assert not pool.failures


async def test_a_page_that_children_die_over_before_they_name_it_is_sent_alone_in_the_end(pool):
    pool.submit("a")
    for number in (1, 2):
        child = await pool.child(number)
        assert child.pages[0][2] is False
        await child.die()
        pool.client.on_gone(number, NlpExit.CRASHED)
    child = await pool.child(3)
    assert child.pages[0][2] is True
    child.start()
    await settle()
    await child.die()
    pool.client.on_gone(3, NlpExit.CRASHED)
    assert pool.failures == {"a": K.NLP_CRASHED}
    assert pool.client.idle


async def test_a_child_that_cannot_be_reached_is_no_child(pool):
    pool.submit("a")
    await pool.client.on_up(1, "/nowhere/at/all")
    pool.client.on_gone(1, NlpExit.CRASHED)
    child = await pool.child(2)
    assert child.bodies == ["a"]
    assert pool.client.children == 1


async def test_waiting_for_the_last_page_ends_with_its_row_or_its_failure(pool):
    child = await pool.child(1)
    pool.submit(*"ab")
    waiting = asyncio.ensure_future(pool.client.until_idle())
    await settle()
    assert not waiting.done()
    child.row()
    child.start()
    await settle()
    await child.die()
    pool.client.on_gone(1, NlpExit.STOPPED)
    child = await pool.child(2)
    child.row()
    await asyncio.wait_for(waiting, 5)
    await pool.client.until_idle()


async def test_a_child_whose_end_was_told_before_it_was_looked_for_is_not_waited_for(pool, tmp_path):
    pool.client.on_gone(1, NlpExit.STOPPED)
    await pool.client.on_up(1, str(tmp_path / "gone"))
    assert pool.client.idle
