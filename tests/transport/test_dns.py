from __future__ import annotations

import asyncio
import socket
import struct
from collections import Counter

import pytest

from engine.errors import UsageError
from engine.model.outcome import FailureKind
from engine.transport.dns import FAILED_TTL_S, MAX_TTL_S, MIN_TTL_S, NOT_FOUND_TTL_S, ResolveError, Resolver, as_address

A, AAAA = 1, 28


class NameServer(asyncio.DatagramProtocol):
    """Answers A and AAAA questions from a table: name -> (rcode, ttl, addresses). Counts them."""

    def __init__(self, names) -> None:
        self.names = names
        self.asked: Counter[str] = Counter()
        self.transport = None

    def connection_made(self, transport) -> None:
        self.transport = transport

    def datagram_received(self, data, address) -> None:
        labels, at = [], 12
        while data[at]:
            labels.append(data[at + 1 : at + 1 + data[at]].decode())
            at += 1 + data[at]
        (kind,) = struct.unpack("!H", data[at + 1 : at + 3])
        name = ".".join(labels).lower()
        self.asked[name] += 1
        rcode, ttl, addresses = self.names.get(name, (3, 0, ()))
        family = socket.AF_INET if kind == A else socket.AF_INET6
        found = [each for each in addresses if (":" in each) == (kind == AAAA)]
        records = b"".join(
            b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, ttl, 4 if kind == A else 16) + socket.inet_pton(family, each)
            for each in found
        )
        head = data[:2] + struct.pack("!HHHHH", 0x8180 | rcode, 1, len(found), 0, 0)
        self.transport.sendto(head + data[12 : at + 5] + records, address)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def server():
    names = {
        "both.test": (0, 60, ("192.0.2.1", "2001:db8::1")),
        "short.test": (0, 0, ("192.0.2.2",)),
        "long.test": (0, 86_400, ("192.0.2.3",)),
        "empty.test": (0, 60, ()),
        "broken.test": (2, 0, ()),
        "refused.test": (5, 0, ()),
    }
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(lambda: NameServer(names), local_addr=("127.0.0.1", 0))
    protocol.port = transport.get_extra_info("sockname")[1]
    yield protocol
    transport.close()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def resolver(server, clock):
    resolver = Resolver([f"127.0.0.1:{server.port}"], clock)
    yield resolver
    await resolver.close()


async def addresses(resolver, host) -> set[str]:
    return {found["host"] for found in await resolver.resolve(host, 80)}


async def kind_of(resolver, host) -> FailureKind:
    with pytest.raises(ResolveError) as caught:
        await resolver.resolve(host)
    return caught.value.kind


async def test_both_families_are_found_once_for_all_who_ask(resolver, server):
    answers = await asyncio.gather(*(addresses(resolver, "both.test") for _ in range(20)))
    assert all(answer == {"192.0.2.1", "2001:db8::1"} for answer in answers)
    assert server.asked["both.test"] == 2
    assert await addresses(resolver, "BOTH.test")
    assert server.asked["both.test"] == 2
    found = await resolver.resolve("both.test", 80, socket.AF_INET6)
    assert [(each["host"], each["port"], each["family"]) for each in found] == [("2001:db8::1", 80, socket.AF_INET6)]


@pytest.mark.parametrize(
    ("host", "lifetime_s"), [("both.test", 60), ("short.test", MIN_TTL_S), ("long.test", MAX_TTL_S)]
)
async def test_an_answer_lives_as_long_as_its_ttl_within_bounds(resolver, clock, host, lifetime_s):
    await resolver.resolve(host)
    assert resolver._cache[host][0] == clock.now + lifetime_s


@pytest.mark.parametrize("host", ["nothing.test", "empty.test", "x" * 64 + ".test"])
async def test_a_name_without_address_is_remembered_as_one(resolver, server, clock, host):
    assert await kind_of(resolver, host) is FailureKind.DNS_NOT_FOUND
    asked = server.asked[host]
    clock.now += NOT_FOUND_TTL_S - 0.1
    assert await kind_of(resolver, host) is FailureKind.DNS_NOT_FOUND
    assert server.asked[host] == asked


@pytest.mark.parametrize("host", ["broken.test", "refused.test"])
async def test_servers_that_fail_are_asked_again_soon(resolver, server, clock, host):
    assert await kind_of(resolver, host) is FailureKind.DNS_FAILED
    asked = server.asked[host]
    clock.now += FAILED_TTL_S - 0.1
    assert await kind_of(resolver, host) is FailureKind.DNS_FAILED
    assert server.asked[host] == asked
    server.names[host] = (0, 60, ("192.0.2.9",))
    clock.now += 0.2
    assert await addresses(resolver, host) == {"192.0.2.9"}


async def test_addresses_and_localhost_are_not_asked_for(resolver, server):
    assert await addresses(resolver, "192.0.2.7") == {"192.0.2.7"}
    assert await addresses(resolver, "[2001:db8::7]") == {"2001:db8::7"}
    assert "127.0.0.1" in await addresses(resolver, "localhost")
    assert not server.asked


async def test_a_waiter_that_gives_up_ends_no_query_of_others(resolver):
    first = asyncio.ensure_future(resolver.resolve("both.test"))
    second = asyncio.ensure_future(resolver.resolve("both.test"))
    await asyncio.sleep(0)
    first.cancel()
    assert len(await second) == 2


async def test_closing_gives_up_queries():
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind(("127.0.0.1", 0))
    resolver = Resolver([f"127.0.0.1:{silent.getsockname()[1]}"], Clock())
    asking = asyncio.ensure_future(resolver.resolve("both.test"))
    await asyncio.sleep(0)
    await resolver.close()
    with pytest.raises(ResolveError):
        await asking
    silent.close()


async def test_name_servers_that_are_none_are_named():
    with pytest.raises(UsageError, match="nonsense"):
        Resolver(["nonsense"], Clock())


@pytest.mark.parametrize("host", ["a.test", "", "1.2.3", "0x7f.1", "1.2.3.4.5", "x1", "256.1.1.1"])
def test_a_name_is_no_address(host):
    assert as_address(host) is None
