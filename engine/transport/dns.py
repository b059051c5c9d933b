"""Names to addresses: aiodns (c-ares) behind a cache that honours TTLs, with one query a name however many wait.

Both families are asked at once and /etc/hosts is honoured. The resolver's search list is not: a URL names a host in
full, and a search list turns each dead name into several queries, or into a host of our own network.

A name that does not exist, or has no address, is `dns_not_found`: asking again soon is pointless. Everything else
(servers that are silent, refuse or fail) is `dns_failed`.

Questions in flight are limited, but one that is not answered soon gives its place to others: it is its zone's servers
that are slow, and names of other zones must not wait for them. How many such there are is bounded by who waits for
them, fetch.max_connecting.
"""

from __future__ import annotations

import asyncio
import socket
from collections import OrderedDict
from functools import lru_cache
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

import aiodns
import aiodns.error
import pycares
from aiohttp.abc import AbstractResolver, ResolveResult

from engine.errors import UsageError
from engine.model.outcome import FailureKind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: A TTL of 0 would ask again for every URL of a host; one of days would outlive a move.
MIN_TTL_S: Final = 10.0
MAX_TTL_S: Final = 300.0
#: RFC 2308 allows an SOA's minimum; c-ares does not give it. Longer than a host's queued URLs take to fail.
NOT_FOUND_TTL_S: Final = 60.0
#: Servers recover: shorter than the retries of one URL are apart (retry.base_delay_s), or a second attempt would only
#: be told what the first one was. All who wait at once share a failure all the same.
FAILED_TTL_S: Final = 0.5
#: About 300 bytes each. A shard's active hosts are 20,000 at most.
MAX_CACHED: Final = 20_000
#: Questions out at once: what a local resolver bears, and a list of a million names must not be put to it in one go.
MAX_QUERIES: Final = 256
#: A question that is out for longer no longer counts: resolvers answer within this, or wait for somebody themselves.
SLOW_S: Final = 1.0
#: Of a name's addresses no more are tried: a hostile name could else have us knock at thousands of strangers' doors.
MAX_ADDRESSES: Final = 16
#: c-ares keeps every answer for its TTL, up to an hour, 2 KB each, without a bound: it is begun anew after so many
#: names, and after MAX_TTL_S, which its answers could else outlive.
CHANNEL_NAMES: Final = 10_000
#: The first try with each server, doubled from round to round. c-ares shortens it for servers that it has seen answer
#: fast, down to a quarter second: so five rounds wait for a slow zone between 8 and 31 s, whatever is lost on the way,
#: and who waits goes after fetch.connect_timeout_s. With two rounds, what takes 0.6 s to be looked up was never found.
QUERY_TIMEOUT_S: Final = 1.0
QUERY_ROUNDS: Final = 5

_NOT_FOUND: Final = frozenset(
    {aiodns.error.ARES_ENOTFOUND, aiodns.error.ARES_ENODATA, aiodns.error.ARES_EBADNAME, aiodns.error.ARES_ENONAME}
)


class ResolveError(OSError):
    """A name has no address: an OSError, as resolvers of aiohttp raise, with its FailureKind."""

    def __init__(self, kind: FailureKind, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Resolver(AbstractResolver):
    """A caching resolver for one loop.

    `nameservers` are "ADDRESS" or "ADDRESS:PORT" (IPv6 in brackets with a port); empty = the system's. `now` is a
    monotonic clock in seconds. Raises UsageError for name servers that are none.
    """

    def __init__(self, nameservers: Sequence[str], now: Callable[[], float]) -> None:
        self._now = now
        self._servers = list(nameservers)
        self._channel = self._new_channel()
        self._cache: OrderedDict[str, tuple[float, tuple[str, ...] | ResolveError]] = OrderedDict()
        self._asking = asyncio.Semaphore(MAX_QUERIES)
        self._flights: dict[str, asyncio.Task[tuple[str, ...]]] = {}

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily | int = 0) -> list[ResolveResult]:
        """All addresses of `host` (an address, also in brackets, is its own). Raises ResolveError, never gives none."""
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in await self.addresses(host)
            if not family or family == (socket.AF_INET6 if ":" in address else socket.AF_INET)
        ]

    async def close(self) -> None:
        """Give up all queries: who waits for one gets dns_failed."""
        flights = list(self._flights.values())
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)
        await self._channel.close()

    def _new_channel(self) -> _Channel:
        try:
            return _Channel(self._servers, self._now())
        except (pycares.AresError, ValueError) as error:
            raise UsageError(f"fetch.nameservers: {', '.join(self._servers)}: {error}") from None

    async def addresses(self, host: str) -> tuple[str, ...]:
        """As :meth:`resolve`, the addresses alone."""
        literal = as_address(host)
        if literal is not None:
            return (literal,)
        host = host.lower()
        cached = self._cache.get(host)
        if cached is not None and cached[0] > self._now():
            found = cached[1]
            if isinstance(found, ResolveError):
                raise ResolveError(found.kind, str(found))  # a fresh one: a raised one grows by each traceback
            return found
        flight = self._flights.get(host)
        if flight is None:
            flight = self._flights[host] = asyncio.ensure_future(self._ask(host))
            flight.add_done_callback(lambda done: self._landed(host, done))
        try:
            # The query outlives a waiter that gives up: others wait for it too, and its answer is cached.
            return await asyncio.shield(flight)
        except asyncio.CancelledError:
            if flight.cancelled():
                raise ResolveError(FailureKind.DNS_FAILED, f"the query for {host} was given up") from None
            raise

    async def _ask(self, host: str) -> tuple[str, ...]:
        await self._asking.acquire()
        place = _Place(self._asking)
        slow = asyncio.get_running_loop().call_later(SLOW_S, place.leave)
        try:
            if self._channel.is_spent(self._now()):
                await self._channel.retire()
                self._channel = self._new_channel()
            answer = await self._channel.ask(host)
        except aiodns.error.DNSError as error:
            failure = self._failure(host, error)
            lifetime_s = NOT_FOUND_TTL_S if failure.kind is FailureKind.DNS_NOT_FOUND else FAILED_TTL_S
            self._remember(host, lifetime_s, failure)
            raise failure from error
        finally:
            slow.cancel()
            place.leave()
        addresses = tuple(dict.fromkeys(_text(node.addr[0]) for node in answer.nodes))[:MAX_ADDRESSES]
        if not addresses:
            nothing = ResolveError(FailureKind.DNS_NOT_FOUND, f"{host} has no address")
            self._remember(host, NOT_FOUND_TTL_S, nothing)
            raise nothing
        ttl_s = min(node.ttl for node in answer.nodes)
        self._remember(host, min(MAX_TTL_S, max(MIN_TTL_S, float(ttl_s))), addresses)
        return addresses

    def _failure(self, host: str, error: aiodns.error.DNSError) -> ResolveError:
        code, text = (*error.args, "", "")[:2]
        if code in _NOT_FOUND:
            return ResolveError(FailureKind.DNS_NOT_FOUND, f"the name {host} does not exist or has no address ({text})")
        servers = f" by {', '.join(self._servers)}" if self._servers else ""
        return ResolveError(FailureKind.DNS_FAILED, f"the name {host} could not be resolved{servers}: {text}")

    def _remember(self, host: str, lifetime_s: float, found: tuple[str, ...] | ResolveError) -> None:
        self._cache[host] = (self._now() + lifetime_s, found)
        self._cache.move_to_end(host)
        if len(self._cache) > MAX_CACHED:
            self._cache.popitem(last=False)

    def _landed(self, host: str, flight: asyncio.Task[tuple[str, ...]]) -> None:
        del self._flights[host]
        if not flight.cancelled():
            flight.exception()  # the waiters may all have left; the failure is in the cache


class _Channel:
    """One life of c-ares. Raises AresError or ValueError for name servers that are none."""

    def __init__(self, servers: Sequence[str], now: float) -> None:
        self._until = now + MAX_TTL_S
        self._names_left = CHANNEL_NAMES
        self._asking = 0
        self._retired = False
        self._dns = aiodns.DNSResolver(
            nameservers=servers or None,
            timeout=QUERY_TIMEOUT_S,
            tries=QUERY_ROUNDS,
            flags=pycares.ARES_FLAG_NOSEARCH | pycares.ARES_FLAG_EDNS,
        )

    def is_spent(self, now: float) -> bool:
        """Whether it holds enough answers, or old ones."""
        return self._names_left <= 0 or now >= self._until

    async def ask(self, host: str) -> pycares.AddrInfoResult:
        """Addresses of both families, by hosts file and name servers."""
        self._names_left -= 1
        self._asking += 1
        try:
            return await self._dns.getaddrinfo(host, family=socket.AF_UNSPEC, type=socket.SOCK_STREAM)
        finally:
            self._asking -= 1
            if self._retired and not self._asking:
                await self.close()

    async def retire(self) -> None:
        """Close it as soon as nothing is asked of it any more; nothing new is to be."""
        self._retired = True
        if not self._asking:
            await self.close()

    async def close(self) -> None:
        """Give up what is asked."""
        await self._dns.close()


class _Place:
    """A place among those who ask, left once, however often that is said."""

    __slots__ = ("_asking",)

    def __init__(self, asking: asyncio.Semaphore) -> None:
        self._asking: asyncio.Semaphore | None = asking

    def leave(self) -> None:
        """Let another one ask."""
        asking, self._asking = self._asking, None
        if asking is not None:
            asking.release()


def as_address(host: str) -> str | None:
    """The IP address that `host` is, without brackets; None where it is a name."""
    bare = host[1:-1] if host.startswith("[") else host
    if not bare or not (bare[-1].isdigit() or ":" in bare):
        return None  # cheap: nearly all hosts are names, and a URL's last label of digits makes it an address
    return _canonical(bare)


@lru_cache(maxsize=1024)
def _canonical(text: str) -> str | None:
    try:
        return str(ip_address(text))
    except ValueError:
        return None


def _text(address: bytes | str) -> str:
    return address.decode("ascii") if isinstance(address, bytes) else address
