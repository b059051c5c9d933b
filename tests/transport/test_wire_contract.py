"""What wire.py relies on inside aiohttp, held against the installed version: a new minor version must pass this."""

from __future__ import annotations

import inspect

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.connector import Connection

from engine.transport.wire import Route


def parameters(function) -> list[str]:
    return list(inspect.signature(function).parameters)


def test_the_calls_that_are_made_exist():
    assert parameters(aiohttp.TCPConnector.connect) == ["self", "req", "traces", "timeout"]
    assert {"socket_factory", "resolver", "use_dns_cache", "limit"} <= set(parameters(aiohttp.TCPConnector.__init__))
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


def test_the_key_of_a_connection_has_the_fields_that_are_given():
    assert ConnectionKey._fields == (
        "host", "port", "is_ssl", "ssl", "proxy", "proxy_auth", "proxy_headers_hash", "server_hostname"
    )  # fmt: skip
    assert Route("a.test", "127.0.0.1", 80, None).connection_key.is_ssl is False


async def test_a_connector_makes_protocols_by_its_factory():
    async with aiohttp.TCPConnector() as connector:
        assert isinstance(connector._factory(), ResponseHandler)
        made = connector._factory()
        assert (made._payload, made._exception, len(made._buffer)) == (None, None, 0)
