from __future__ import annotations

import asyncio
import socket
import struct
from collections import Counter

import pytest

from engine.errors import UsageError
from engine.model.outcome import FailureKind
from engine.transport.dns import (
    FAILED_TTL_S,
    MAX_ADDRESSES,
    MAX_TTL_S,
    MIN_TTL_S,
    NOT_FOUND_TTL_S,
    ResolveError,
    Resolver,
    as_address,
)

A, AAAA = 1, 28


class NameServer(asyncio.DatagramProtocol):
    """Answers A and AAAA questions from a table: name -> (rcode, ttl, addresses). Counts them."""

    def __init__(self, names) -> None:
        self.names = names
        self.silent_about = ""  # the end of names that are not answered
        self.late = {}  # name -> seconds until it is answered
        self.held = {}  # name -> answers that wait for release()
        self.without_aaaa = False  # as servers that drop questions of a kind they do not know
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
        if (self.silent_about and name.endswith(self.silent_about)) or (self.without_aaaa and kind == AAAA):
            return
        rcode, ttl, addresses = self.names.get(name, (3, 0, ()))
        family = socket.AF_INET if kind == A else socket.AF_INET6
        found = [each for each in addresses if (":" in each) == (kind == AAAA)]
        records = b"".join(
            b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, ttl, 4 if kind == A else 16) + socket.inet_pton(family, each)
            for each in found
        )
        head = data[:2] + struct.pack("!HHHHH", 0x8180 | rcode, 1, len(found), 0, 0)
        answer = head + data[12 : at + 5] + records
        if name in self.held:
            self.held[name].append((answer, address))
            return
        asyncio.get_running_loop().call_later(self.late.get(name, 0), self._send, answer, address)

    def release(self, name) -> None:
        for answer, address in self.held.pop(name):
            self._send(answer, address)

    def _send(self, answer, address) -> None:
        if not self.transport.is_closing():
            self.transport.sendto(answer, address)


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


async def started() -> None:
    """Let tasks that were made run up to their first wait, and those that they make."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_zone_whose_servers_are_silent_keeps_no_other_name_waiting(resolver, server, monkeypatch):
    monkeypatch.setattr("engine.transport.dns.SLOW_S", 0.02)
    resolver._asking = asyncio.Semaphore(4)
    server.silent_about = ".dead.test"
    dead = [asyncio.ensure_future(resolver.resolve(f"h{n}.dead.test")) for n in range(40)]
    await started()
    assert await addresses(resolver, "both.test") == {"192.0.2.1", "2001:db8::1"}
    assert not any(each.done() for each in dead)
    assert len([name for name in server.asked if name.endswith(".dead.test")]) == 40  # it came after all of them
    await resolver.close()
    assert {type(each) for each in await asyncio.gather(*dead, return_exceptions=True)} == {ResolveError}


async def test_questions_in_flight_are_limited(resolver, server):
    resolver._asking = asyncio.Semaphore(4)
    server.silent_about = ".dead.test"
    dead = [asyncio.ensure_future(resolver.resolve(f"h{n}.dead.test")) for n in range(10)]
    await started()
    assert (len(resolver._flights), resolver._channel._asking) == (10, 4)
    await resolver.close()
    await asyncio.gather(*dead, return_exceptions=True)


async def test_a_name_that_takes_long_is_found_also_by_a_server_that_is_fast_otherwise(resolver, server):
    """c-ares has learnt to wait a quarter second for it, and goes on asking."""
    server.names |= {f"h{n}.test": (0, 60, ("192.0.2.5",)) for n in range(20)} | {"far.test": (0, 60, ("192.0.2.6",))}
    await asyncio.gather(*(resolver.resolve(f"h{n}.test") for n in range(20)))
    server.late["far.test"] = 0.8
    assert await addresses(resolver, "far.test") == {"192.0.2.6"}


async def test_a_server_that_drops_questions_about_one_family_gives_the_other(resolver, server):
    server.names |= {f"h{n}.test": (0, 60, ("192.0.2.5", "2001:db8::5")) for n in range(20)}
    await asyncio.gather(*(resolver.resolve(f"h{n}.test") for n in range(20)))
    server.without_aaaa = True
    assert await addresses(resolver, "both.test") == {"192.0.2.1"}


async def test_c_ares_is_begun_anew_and_what_was_asked_of_it_is_answered(resolver, server, clock, monkeypatch):
    monkeypatch.setattr("engine.transport.dns.CHANNEL_NAMES", 3)
    resolver._channel = resolver._new_channel()
    server.held["both.test"] = []
    first = resolver._channel
    asked = asyncio.ensure_future(resolver.resolve("both.test"))
    await asyncio.sleep(0)
    for name in ("short.test", "long.test", "empty.test", "gone.test"):
        await asyncio.gather(resolver.resolve(name), return_exceptions=True)
    assert resolver._channel is not first
    assert not first._dns._closed
    server.release("both.test")
    assert len(await asked) == 2
    assert first._dns._closed
    # And after the longest time that an answer of it may be used.
    second = resolver._channel
    clock.now += MAX_TTL_S
    await resolver.resolve("long.test")
    assert server.asked["long.test"] == 4
    assert second._dns._closed


async def test_of_many_addresses_few_are_tried(resolver, server):
    server.names["many.test"] = (0, 60, [f"192.0.2.{n}" for n in range(1, 30)])
    assert len(await addresses(resolver, "many.test")) == MAX_ADDRESSES


async def test_name_servers_that_are_none_are_named():
    with pytest.raises(UsageError, match="nonsense"):
        Resolver(["nonsense"], Clock())


@pytest.mark.parametrize("host", ["a.test", "", "1.2.3", "0x7f.1", "1.2.3.4.5", "x1", "256.1.1.1"])
def test_a_name_is_no_address(host):
    assert as_address(host) is None
