"""Both families of a name are tried as RFC 8305 has it: a dead or silent one costs a moment, not the connection."""

from __future__ import annotations

import socket
from contextlib import ExitStack, contextmanager

import pytest
from system.name_server import NameServer
from web.server import Web

from engine.model.outcome import FailureKind
from engine.settings import GuardSettings
from engine.transport.base import TransportError

LOOPBACK = GuardSettings(allow_networks=("127.0.0.0/8", "::1"))
NAMES = {"both.test": ("::1", "127.0.0.1"), "six.test": "::1", "many.test": ("127.0.0.2", "127.0.0.3", "127.0.0.1")}

pytestmark = pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="needs IPv6")


@contextmanager
def silent(address: str, port: int):
    """Somebody who lets nobody in and says nothing: a listener whose queue is full (Linux drops what comes then)."""
    with ExitStack() as stack:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        listener = stack.enter_context(socket.create_server((address, port), family=family, backlog=0))
        for _ in range(8):
            waiting = stack.enter_context(socket.socket(family))
            waiting.setblocking(False)  # noqa: FBT003 - the socket's own interface
            waiting.connect_ex((address, port))
        yield listener


async def peer(client, host, port):
    """The address that was connected to."""
    exchange = await client.transport.connect("http", host, port)
    exchange.close()
    return exchange.peer_ip


async def test_a_family_that_refuses_leaves_the_other(connecting):
    async with Web() as web:
        with NameServer(NAMES) as names:
            async with connecting(None, guard=LOOPBACK, nameservers=(names.address,)) as client:
                assert await peer(client, "both.test", web.port) == "127.0.0.1"
                with pytest.raises(TransportError) as caught:
                    await peer(client, "six.test", web.port)
                assert caught.value.kind is FailureKind.CONNECT_REFUSED


async def test_a_family_that_is_silent_leaves_the_other_before_the_time_is_over(connecting):
    async with Web() as web:
        with NameServer(NAMES) as names, silent("::1", web.port):
            async with connecting(None, guard=LOOPBACK, nameservers=(names.address,), connect_timeout_s=20) as client:
                assert await peer(client, "both.test", web.port) == "127.0.0.1"
            async with connecting(None, guard=LOOPBACK, nameservers=(names.address,), connect_timeout_s=0.2) as client:
                with pytest.raises(TransportError) as caught:
                    await peer(client, "six.test", web.port)
                assert caught.value.kind is FailureKind.CONNECT_TIMEOUT


async def test_of_several_addresses_the_one_that_answers_is_used(connecting):
    async with Web() as web:
        with NameServer(NAMES) as names:
            async with connecting(None, guard=LOOPBACK, nameservers=(names.address,)) as client:
                assert await peer(client, "many.test", web.port) == "127.0.0.1"
