"""What the transport relies on inside aiohttp, held against the installed version: a new minor must pass this."""

from __future__ import annotations

import asyncio
import inspect

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection

from engine.transport.wire import Protocol


def parameters(function) -> list[str]:
    return list(inspect.signature(function).parameters)


def test_the_calls_that_are_made_exist():
    assert parameters(aiohttp.TCPConnector.connect) == ["self", "req", "traces", "timeout"]
    assert {"resolver", "use_dns_cache", "limit", "keepalive_timeout"} <= set(parameters(aiohttp.TCPConnector.__init__))
    assert {
        "skip_payload",
        "read_until_eof",
        "auto_decompress",
        "max_line_size",
        "max_field_size",
        "max_headers",
    } <= set(parameters(ResponseHandler.set_response_params))
    assert parameters(ResponseHandler.set_exception) == ["self", "exc", "exc_cause"]
    assert parameters(ResponseHandler.read) == ["self"]
    assert parameters(ResponseHandler.data_received) == ["self", "data"]
    assert isinstance(ResponseHandler.should_close, property)
    assert isinstance(Connection.protocol, property)


async def test_a_connector_makes_protocols_by_its_factory():
    async with aiohttp.TCPConnector() as connector:
        assert isinstance(connector._factory(), ResponseHandler)
        made = connector._factory()
        assert (made._payload, made._exception, len(made._buffer)) == (None, None, 0)


async def test_reading_goes_on_once_it_was_paused_and_asking_for_it_else_is_nothing():
    protocol = Protocol(asyncio.get_running_loop(), set())
    protocol.expect(0, with_body=True)
    protocol.data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
    assert protocol._reading_paused is False
    protocol.pause_reading()
    assert protocol._reading_paused is True
    protocol.resume_reading()
    assert protocol._reading_paused is False
