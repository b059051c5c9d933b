"""The transport that speaks HTTP/1.1, over :mod:`.wire`.

A request costs a lookup in the idle pool, one deadline, one write, one read of the head and mostly one of the body;
that path is :meth:`_Exchange.send`, and what it calls is kept free of anything else. Bodies come from the wire as they
were sent, and :mod:`.decoding` undoes their coding under the limit on their size.
"""

from __future__ import annotations

import asyncio
import resource
from typing import TYPE_CHECKING, Final

from engine.errors import UsageError
from engine.model.outcome import FailureKind
from engine.transport.base import RESET_CONTENT, UNREAD, Response, TransportError
from engine.transport.body import Bound, read_body, read_unread_body
from engine.transport.connect_to import ConnectTo
from engine.transport.deadlines import DeadlineExpiredError, Deadlines
from engine.transport.dns import ResolveError, Resolver, as_address
from engine.transport.guard import Guard, GuardedResolver, RefusedAddressError
from engine.transport.idle import IdlePool
from engine.transport.ports import BAD_PORTS
from engine.transport.proxy import Proxy
from engine.transport.request_head import request_head
from engine.transport.tls import client_context
from engine.transport.wire import Lease, Opener, Route

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from engine.settings import FetchSettings, GuardSettings
    from engine.transport.base import Request

#: RFC 9110, section 9.2.2; the other idempotent methods are none that an engine for reading sends.
_IDEMPOTENT: Final = frozenset({"GET", "HEAD"})
#: Idle connections kept: a quarter of the files we may open, and never more than help.
_MAX_IDLE: Final = 4096
_IDLE_SHARE: Final = 4
#: How often connections idle for too long are closed; being late costs an open file, no more.
_IDLE_CHECK_S: Final = 1.0


class AiohttpTransport:
    """Implements :class:`engine.transport.base.Transport` on the running loop, on which it must be made.

    Raises UsageError where a setting cannot be used. `max_idle` bounds the idle connections (default: by the limit on
    open files). What is public beyond the protocol is for its exchanges.
    """

    def __init__(self, fetch: FetchSettings, guard: GuardSettings, *, max_idle: int | None = None) -> None:
        loop = asyncio.get_running_loop()
        self._loop = loop
        self._connect_timeout_s = fetch.connect_timeout_s
        self.timeout_s = fetch.timeout_s
        self.deadlines = Deadlines(loop.time, loop)
        self.proxy = Proxy.parse(fetch.proxy) if fetch.proxy else None
        self._connect_to = ConnectTo.parse(fetch.connect_to)
        if self.proxy is not None and self._connect_to:
            raise UsageError("fetch.proxy and fetch.connect_to exclude each other: the proxy chooses where to connect")
        self._tls = client_context(verify=fetch.verify_tls, ca_file=fetch.ca_file)
        self._guard = Guard(guard)
        resolver = Resolver(fetch.nameservers, loop.time)
        # Behind a proxy only the proxy's own name is resolved here, and that is the operator's word.
        guarded = self.proxy is None
        self._resolver = GuardedResolver(resolver, self._guard) if guarded else resolver
        self._opener = Opener(self._resolver, self._guard if guarded else None, loop)
        self._idle: IdlePool[Lease] = IdlePool(_idle_bound() if max_idle is None else max_idle, fetch.keepalive_s)
        self._idle_timer: asyncio.TimerHandle | None = None
        self._closed = False

    async def connect(self, scheme: str, host: str, port: int) -> _Exchange:
        """See Transport."""
        if port in BAD_PORTS:
            raise TransportError(FailureKind.REFUSED_ADDRESS, f"{host}: port {port} is never used for HTTP")
        if self.proxy is not None:
            self._check_unresolved(host)
        lease = self._idle.take(self.key(scheme, host, port), self._loop.time())
        if lease is not None:
            return _Exchange(self, scheme, host, port, lease, reused=True)
        return _Exchange(self, scheme, host, port, await self.open(scheme, host, port), reused=False)

    async def close(self) -> None:
        """See Transport."""
        if self._closed:
            return
        self._closed = True
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        self._idle.close()
        await self._opener.close()
        await self._resolver.close()
        self.deadlines.close()

    def key(self, scheme: str, host: str, port: int) -> Hashable:
        """Connections of one key serve each other's requests: to a proxy, all that need no tunnel."""
        return None if self.proxy is not None and scheme == "http" else (scheme, host, port)

    def _check_unresolved(self, host: str) -> None:
        """Judge what can be judged of a host that a proxy will resolve."""
        name = host.rstrip(".")
        address = "127.0.0.1" if name == "localhost" or name.endswith(".localhost") else as_address(name)
        if address is not None and (reason := self._guard.refusal(address)) is not None:
            raise TransportError(FailureKind.REFUSED_ADDRESS, f"{host} is refused: {reason}")

    async def open(self, scheme: str, host: str, port: int) -> Lease:
        """A fresh connection to an origin, within the time limit for connecting."""
        if self._closed:
            raise TransportError(FailureKind.CONNECTION_LOST, "the transport is closed")
        resolving = True
        try:
            with self.deadlines.within(self._connect_timeout_s):
                if self.proxy is not None:
                    return await self._open_proxied(self.proxy, scheme, host, port)
                other = self._connect_to.apply(host, port)
                to_host, to_port = other or (host, port)
                to_host = to_host.strip("[]")
                await self._resolver.resolve(to_host, to_port)  # fills the cache; the connector's own call hits it
                resolving = False
                route = Route(host.strip("[]"), to_host, to_port, self._tls if scheme == "https" else None)
                return await self._opener.open(route, peer_known=other is None)
        except DeadlineExpiredError:
            limit = f"within {self._connect_timeout_s:g} s (fetch.connect_timeout_s)"
            if resolving and self.proxy is None:
                raise TransportError(FailureKind.DNS_FAILED, f"no answer about the name {host} {limit}") from None
            raise TransportError(FailureKind.CONNECT_TIMEOUT, f"no connection to {host}:{port} {limit}") from None
        except ResolveError as error:
            raise TransportError(error.kind, str(error)) from error
        except RefusedAddressError as error:
            raise TransportError(FailureKind.REFUSED_ADDRESS, f"{host}: {error}") from error

    async def _open_proxied(self, proxy: Proxy, scheme: str, host: str, port: int) -> Lease:
        if scheme == "https":
            return await self._opener.open_tunnel(host, port, proxy, self._tls)
        proxy_host = proxy.host.strip("[]")
        return await self._opener.open(
            Route(proxy_host, proxy_host, proxy.port, self._tls if proxy.scheme == "https" else None), peer_known=False
        )

    def release(self, key: Hashable, lease: Lease) -> None:
        """Keep a connection for its next request, or close it where there can be none."""
        if self._closed or not lease.reusable:
            lease.close()
            return
        self._idle.put(key, lease, self._loop.time())
        if self._idle_timer is None:
            self._idle_timer = self._loop.call_later(_IDLE_CHECK_S, self._expire_idle)

    def _expire_idle(self) -> None:
        self._idle.expire(self._loop.time())
        self._idle_timer = self._loop.call_later(_IDLE_CHECK_S, self._expire_idle) if len(self._idle) else None


class _Exchange:
    """Implements :class:`engine.transport.base.Exchange`. Of one module with its transport, whose parts it uses."""

    __slots__ = ("_answered", "_host", "_lease", "_port", "_reused", "_scheme", "_sent", "_transport", "peer_ip")

    def __init__(  # noqa: PLR0913 - the origin in three parts
        self, transport: AiohttpTransport, scheme: str, host: str, port: int, lease: Lease, *, reused: bool
    ) -> None:
        self._transport = transport
        self._scheme = scheme
        self._host = host
        self._port = port
        self._lease: Lease | None = lease  # None once it is given back, closed or taken away by close()
        self._reused = reused
        self._sent = False
        self._answered = False
        self.peer_ip = lease.peer_ip

    async def send(  # noqa: PLR0913 - keyword-only but for the request
        self,
        request: Request,
        *,
        max_body_bytes: int,
        on_bytes: Callable[[int], None],
        on_written: Callable[[], None],
        resend_stale: bool = True,
        truncate: bool = False,
    ) -> Response:
        """See Exchange."""
        bound = Bound(max_body_bytes, truncate=truncate)
        lease = self._lease
        if self._sent or lease is None:
            raise RuntimeError("an exchange carries one request, and none after it was closed")
        self._sent = True
        try:
            return await self._attempt(lease, request, bound, on_bytes, on_written)
        except TransportError as error:
            if not self._is_stale(error, request, lease):
                raise
            if not resend_stale:
                error.stale = True
                raise
        self._lease = None
        lease = self._lease = await self._transport.open(self._scheme, self._host, self._port)
        self._reused = False
        return await self._attempt(lease, request, bound, on_bytes, on_written)

    def close(self) -> None:
        """See Exchange."""
        lease, self._lease = self._lease, None
        if lease is None:
            return
        if self._sent:
            lease.close()
        else:
            self._give_back(lease)

    def _is_stale(self, error: TransportError, request: Request, lease: Lease) -> bool:
        return (
            self._reused
            and not self._answered
            and self._lease is lease  # not aborted by close()
            and error.kind is FailureKind.CONNECTION_LOST
            and request.method in _IDEMPOTENT
        )

    def _give_back(self, lease: Lease) -> None:
        transport = self._transport
        transport.release(transport.key(self._scheme, self._host, self._port), lease)

    async def _attempt(
        self,
        lease: Lease,
        request: Request,
        bound: Bound,
        on_bytes: Callable[[int], None],
        on_written: Callable[[], None],
    ) -> Response:
        transport = self._transport
        whole = False
        try:
            with transport.deadlines.within(transport.timeout_s):
                head = request_head(request, transport.proxy)
                lease.begin(head, bound.max_body_bytes, with_body=request.method != "HEAD")
                on_written()
                message, stream = await lease.head()
                self._answered = True
                if message.code in UNREAD and (message.code == RESET_CONTENT or "Location" in message.headers):
                    body, whole = await read_unread_body(lease, message.headers, stream)
                    if message.code == RESET_CONTENT:
                        body = b""
                else:
                    body, whole = await read_body(lease, message.headers, stream, bound, on_bytes)
            return Response(message.code, message.headers, body)
        except DeadlineExpiredError:
            limit = f"within {transport.timeout_s:g} s (fetch.timeout_s)"
            if self._answered:
                raise TransportError(FailureKind.TOTAL_TIMEOUT, f"the answer did not end {limit}") from None
            raise TransportError(FailureKind.READ_TIMEOUT, f"no answer {limit}") from None
        finally:
            if not whole:
                lease.close()
            elif self._lease is lease:
                self._lease = None
                self._give_back(lease)


def _idle_bound() -> int:
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MAX_IDLE if limit == resource.RLIM_INFINITY else min(_MAX_IDLE, limit // _IDLE_SHARE)
