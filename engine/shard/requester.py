"""One request under one grant: connect, wait for a slot, write, read, and tell everybody concerned how it ended."""

from __future__ import annotations

import asyncio
import errno
import time
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from engine.frontier.hoststate import Gate
from engine.model.outcome import Failure, FailureKind, Outcome
from engine.policy.retry import parse_retry_after
from engine.policy.robots import MAX_BODY_BYTES
from engine.transport.base import REDIRECTS, Request, TransportError

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.model.url import Target
    from engine.shard.caching import Kept
    from engine.shard.dispatcher import Dispatcher
    from engine.shard.grants import Grant
    from engine.transport.base import Exchange, Response, Transport

#: Answers that may carry a Retry-After which concerns the host (RFC 9110, section 10.2.3; RFC 6585, section 4).
_SAYS_WHEN: Final = frozenset({429, 503})

_UNREACHABLE: Final = frozenset({errno.ENETUNREACH, errno.ENETDOWN})

#: Addresses remembered under `politeness.max_per_ip`; at more, those with nothing in flight are forgotten together.
MAX_ADDRESSES: Final = 10_000

_NOT_NOW: Final = 503
_SERVER_ERROR: Final = 500

Headers = tuple[tuple[str, str], ...]


class Ask(NamedTuple):
    """How a target is asked for: at most so many bytes of its body (None: fetch.max_body_bytes), more cut or refused.

    `name` is what a row calls it.
    """

    method: str = "GET"
    max_body_bytes: int | None = None
    truncate: bool = False
    name: str = "GET"


#: As a page is asked for.
WHOLE: Final = Ask()


class Answer(NamedTuple):
    """A whole answer and what it took, connecting included, waiting for a slot not; `kept`: its place in the cache.

    `peer_ip` is the address that gave it, None where connect_to or a proxy chose that.
    """

    response: Response
    outcome: Outcome
    duration_ms: float
    kept: Kept | None = None
    ask: Ask = WHOLE
    peer_ip: str | None = None


class RequestFailed(Exception):  # noqa: N818 - an outcome, not an error of the engine
    """The request failed below HTTP; it has been judged already."""

    def __init__(self, failure: Failure, duration_ms: float) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.duration_ms = duration_ms


class NotAsked(Exception):  # noqa: N818 - an outcome, not an error of the engine
    """Nothing was learnt, by nobody's fault: the URL is to be taken up again when its host is due."""


class Requester:
    """Sends granted requests. `max_per_ip` is this shard's share, 0 = no limit.

    `on_end` is told each grant's outcome and whether its request was written: the owner of a foreign host wants both.
    """

    def __init__(
        self,
        transport: Transport,
        dispatcher: Dispatcher,
        on_end: Callable[[Grant, Outcome, bool], None],
        *,
        max_body_bytes: int,
        max_per_ip: int,
    ) -> None:
        self._transport = transport
        self._dispatcher = dispatcher
        self._on_end = on_end
        self._max_body_bytes = max_body_bytes
        self._max_per_ip = max_per_ip
        self._addresses: dict[str, Gate] = {}
        self._now = asyncio.get_running_loop().time
        self.requests = 0
        self.bytes_received = 0

    async def send(  # noqa: PLR0913 - keyword-only but for the request's parts
        self,
        target: Target,
        grant: Grant,
        headers: Headers,
        on_bytes: Callable[[int], None],
        *,
        conditions: Headers = (),
        robots: bool = False,
        ask: Ask = WHOLE,
    ) -> Answer:
        """Send a request for `target`. Raises RequestFailed, or NotAsked; the grant is over in every case.

        `robots`: this is a robots.txt, and a 5xx for it means "not now" for all of the host (RFC 9309, 2.3.1.4).
        """
        began = self._now()
        self.requests += 1
        try:
            exchange = await self._transport.connect(target.scheme, target.host, target.port)
        except TransportError as error:
            raise self._failed(grant, error, began) from error
        except BaseException:
            self.unused(grant)
            raise
        connected = self._now()
        try:
            self._check_address(grant, exchange)
            await self._dispatcher.grants.enter(grant, self._now)
            _check_pause(grant)
            request = Request(ask.method, target.scheme, target.host, target.port, path_of(target), headers, conditions)
            response = await exchange.send(
                request,
                max_body_bytes=MAX_BODY_BYTES + 1 if robots else self._most_of(ask),
                on_bytes=partial(self._count, on_bytes),
                on_written=partial(self._dispatcher.written, grant),
                # The second writing of a stale request would come before the host is due.
                resend_stale=grant.host is not None and grant.host.delay_s <= 0,
                truncate=robots or ask.truncate,
            )
        except TransportError as error:
            if error.stale:
                self._finish(grant, Outcome())
                raise NotAsked from error
            raise self._failed(grant, error, began + (grant.sent_at - connected)) from error
        except BaseException:
            exchange.close()
            self.unused(grant)
            raise
        status = _NOT_NOW if robots and response.status >= _SERVER_ERROR else response.status
        retry_after = None
        if status in _SAYS_WHEN and (value := response.headers.get("Retry-After")):
            retry_after = parse_retry_after(value, time.time())
        outcome = Outcome(status, None, retry_after)
        duration_ms = (self._now() - grant.sent_at + connected - began) * 1000
        self._finish(grant, outcome, page=not robots)
        return Answer(response, outcome, duration_ms, None, ask, exchange.peer_ip)

    def _most_of(self, ask: Ask) -> int:
        return self._max_body_bytes if ask.max_body_bytes is None else ask.max_body_bytes

    def _failed(self, grant: Grant, error: TransportError, began: float) -> RequestFailed:
        duration_ms = (self._now() - began) * 1000
        self._finish(grant, Outcome(kind=error.kind), unreachable=error.errno in _UNREACHABLE)
        return RequestFailed(Failure(error.kind, error.message), duration_ms)

    def _finish(self, grant: Grant, outcome: Outcome, *, unreachable: bool = False, page: bool = True) -> None:
        written = grant.on_network
        self._dispatcher.finish(grant, outcome, unreachable=unreachable, page=page)
        self._on_end(grant, outcome, written)

    def unused(self, grant: Grant) -> None:
        """Give a grant back from which nothing was learnt; its host, whoever owns it, may be asked again."""
        written = grant.on_network
        self._dispatcher.unused(grant)
        self._on_end(grant, Outcome(), written)

    def _count(self, on_bytes: Callable[[int], None], count: int) -> None:
        self.bytes_received += count
        on_bytes(count)

    def _check_address(self, grant: Grant, exchange: Exchange) -> None:
        """Keep to `politeness.max_per_ip`: a host's address is known once connected, and counts from then on."""
        host = grant.host
        if not self._max_per_ip or exchange.peer_ip is None or host is None:
            return
        gate = self._addresses.get(exchange.peer_ip)
        if gate is None:
            gate = self._add_address(exchange.peer_ip)
        host.address = gate
        if grant.address is gate:
            return
        if gate.full:
            exchange.close()
            raise NotAsked
        self._dispatcher.at_address(grant, gate)

    def _add_address(self, ip: str) -> Gate:
        """Remember an address. A host that still knows a forgotten gate counts at the new one once it is connected."""
        if len(self._addresses) >= MAX_ADDRESSES:
            self._addresses = {name: gate for name, gate in self._addresses.items() if gate.in_flight or gate.parked}
        gate = self._addresses[ip] = Gate(ip, self._max_per_ip)
        return gate


def _check_pause(grant: Grant) -> None:
    """Raise NotAsked where the host asked for a pause while this one connected, or waited for its slot."""
    if grant.host is not None and grant.host.pause.until > grant.sent_at:
        raise NotAsked


def path_of(target: Target) -> str:
    """The request target in origin form (RFC 9112, section 3.2.1): path and query of the normalised URL."""
    return target.fetch_url[target.fetch_url.index("/", len(target.scheme) + 3) :]


def redirect_target(answer: Answer) -> str | None:
    """The Location of an answer that redirects a GET (RFC 9110, section 15.4); None where it does not."""
    if answer.response.status not in REDIRECTS:
        return None
    return answer.response.headers.get("Location", "")


def status_failure(status: int) -> Failure:
    """What a final answer that is not 2xx becomes once no attempt is left."""
    if status in _SAYS_WHEN:
        return Failure(FailureKind.RATE_LIMITED, f"the server answered {status} each time it was asked")
    return Failure(FailureKind.HTTP_STATUS, f"the server answered {status}")
