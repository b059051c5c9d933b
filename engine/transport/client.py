"""The transport that speaks HTTP/1.1, over :mod:`.wire`; :mod:`.ways` opens its connections.

A request costs a lookup in the idle pool, one deadline, one write, one read of the head and mostly one of the body;
that path is :meth:`_Exchange.send`, and what it calls is kept free of anything else. Bodies come from the wire as they
were sent, and :mod:`.decoding` undoes their coding under the limit on their size.
"""

from __future__ import annotations

import asyncio
import resource
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from engine.model.outcome import FailureKind
from engine.transport.base import RESET_CONTENT, UNREAD, Response, TransportError
from engine.transport.body import Bound, read_body, read_unread_body
from engine.transport.deadlines import DeadlineExpiredError, Deadlines
from engine.transport.idle import IdlePool
from engine.transport.request_head import request_head
from engine.transport.ways import Ways

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from engine.settings import FetchSettings, GuardSettings
    from engine.transport.base import Request
    from engine.transport.wire import Lease

#: RFC 9110, section 9.2.2; the other idempotent methods are none that an engine for reading sends.
_IDEMPOTENT: Final = frozenset({"GET", "HEAD"})
#: Idle connections kept: a quarter of the files we may open, and never more than help.
_MAX_IDLE: Final = 4096
_IDLE_SHARE: Final = 4
#: How often connections idle for too long are closed; being late costs an open file, no more.
_IDLE_CHECK_S: Final = 1.0

_NO_VARIABLES: Final = MappingProxyType[str, str]({})


class AiohttpTransport:
    """Implements :class:`engine.transport.base.Transport` on the running loop, on which it must be made.

    Raises UsageError where a setting cannot be used. `environ` is looked at where fetch.proxy says so; `max_idle`
    bounds the idle connections (default: by the limit on open files). What is public beyond the protocol is for its
    exchanges.
    """

    def __init__(
        self,
        fetch: FetchSettings,
        guard: GuardSettings,
        *,
        environ: Mapping[str, str] = _NO_VARIABLES,
        max_idle: int | None = None,
    ) -> None:
        loop = asyncio.get_running_loop()
        self._loop = loop
        self.timeout_s = fetch.timeout_s
        self.deadlines = Deadlines(loop.time, loop)
        self._ways = Ways(fetch, guard, environ, loop, self.deadlines)
        self._idle: IdlePool[Lease] = IdlePool(_idle_bound() if max_idle is None else max_idle, fetch.keepalive_s)
        self._idle_timer: asyncio.TimerHandle | None = None
        self._closed = False

    async def connect(self, scheme: str, host: str, port: int) -> _Exchange:
        """See Transport."""
        self._ways.check(scheme, host, port)
        key = self._ways.key(scheme, host, port)
        lease = self._idle.take(key, self._loop.time())
        if lease is not None:
            return _Exchange(self, scheme, host, port, key, lease, reused=True)
        return _Exchange(self, scheme, host, port, key, await self.open(scheme, host, port), reused=False)

    async def close(self) -> None:
        """See Transport."""
        if self._closed:
            return
        self._closed = True
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        self._idle.close()
        await self._ways.close()
        self.deadlines.close()

    async def open(self, scheme: str, host: str, port: int) -> Lease:
        """A fresh connection to an origin, within the time limit for connecting."""
        if self._closed:
            raise TransportError(FailureKind.CONNECTION_LOST, "the transport is closed")
        return await self._ways.open(scheme, host, port)

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

    __slots__ = (
        "_answered", "_host", "_key", "_lease", "_port", "_reused", "_scheme", "_sent", "_transport", "peer_ip"
    )  # fmt: skip

    def __init__(  # noqa: PLR0913, PLR0917 - the origin in three parts, and the key of its connections
        self, transport: AiohttpTransport, scheme: str, host: str, port: int, key: Hashable, lease: Lease, *,
        reused: bool,
    ) -> None:  # fmt: skip
        self._transport = transport
        self._scheme = scheme
        self._host = host
        self._port = port
        self._key = key
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
            self._transport.release(self._key, lease)

    def _is_stale(self, error: TransportError, request: Request, lease: Lease) -> bool:
        return (
            self._reused
            and not self._answered
            and self._lease is lease  # not aborted by close()
            and error.kind is FailureKind.CONNECTION_LOST
            and request.method in _IDEMPOTENT
        )

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
                head = request_head(request, lease.forward)
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
                transport.release(self._key, lease)


def _idle_bound() -> int:
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MAX_IDLE if limit == resource.RLIM_INFINITY else min(_MAX_IDLE, limit // _IDLE_SHARE)
