from __future__ import annotations

import asyncio

import pytest

from engine.model.outcome import FailureKind
from engine.transport.base import Exchange, Request, Response, Transport, TransportError
from engine.transport.fake import FakeTransport


def request(target: str = "/") -> Request:
    return Request("GET", "http", "a.test", 80, target)


async def ask(transport: Transport, target: str = "/", max_body_bytes: int = 0) -> Response:
    exchange: Exchange = await transport.connect("http", "a.test", 80)
    return await exchange.send(
        request(target), max_body_bytes=max_body_bytes, on_bytes=lambda _: None, on_written=lambda: None
    )


async def kind_of(doing) -> FailureKind:
    with pytest.raises(TransportError) as caught:
        await doing
    return caught.value.kind


async def test_answers_come_in_order_and_the_last_stays():
    fake = FakeTransport()
    fake.answer("a.test", "/", Response(503), FailureKind.CONNECTION_LOST, Response(200, body=b"page"))
    assert (await ask(fake)).status == 503
    assert await kind_of(ask(fake)) is FailureKind.CONNECTION_LOST
    assert [(await ask(fake)).body for _ in range(3)] == [b"page"] * 3
    assert (await ask(fake, "/other")).status == 404
    assert fake.open_exchanges == 0


async def test_connecting_fails_as_scripted():
    fake = FakeTransport(Response(200))
    fake.fail_connect("a.test", FailureKind.CONNECT_REFUSED, None)
    assert await kind_of(ask(fake)) is FailureKind.CONNECT_REFUSED
    assert (await ask(fake)).status == 200


async def test_a_gate_holds_an_answer_and_an_abort_ends_it():
    fake = FakeTransport(Response(200))
    gate = fake.hold_answer("a.test", "/")
    first, second = asyncio.ensure_future(ask(fake)), asyncio.ensure_future(ask(fake))
    await gate.arrival()
    await asyncio.sleep(0)
    assert fake.in_flight["a.test"] == 2
    gate.open()
    assert [(await first).status, (await second).status] == [200, 200]
    assert (fake.in_flight["a.test"], fake.max_in_flight["a.test"]) == (0, 2)
    held = fake.hold_answer("a.test", "/held")
    exchange = await fake.connect("http", "a.test", 80)
    sending = asyncio.ensure_future(
        exchange.send(request("/held"), max_body_bytes=0, on_bytes=lambda _: None, on_written=lambda: None)
    )
    await held.arrival()
    exchange.close()
    assert await kind_of(sending) is FailureKind.CONNECTION_LOST
    assert fake.open_exchanges == 0


async def test_a_limit_on_the_body_is_kept():
    fake = FakeTransport(Response(200, body=b"12345"))
    assert await kind_of(ask(fake, max_body_bytes=4)) is FailureKind.BODY_TOO_LARGE
    assert (await ask(fake, max_body_bytes=5)).body == b"12345"
