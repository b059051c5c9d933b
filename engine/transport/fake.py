"""A transport without a network, for tests of what stands on it: scripted answers, time under the test's hand.

    fake = FakeTransport()
    fake.answer("a.test", "/", Response(503), FailureKind.CONNECTION_LOST, Response(200, body=b"page"))
    gate = fake.hold_answer("a.test", "/slow")     # requests for it wait until gate.open()

The answers of a URL are given in order, the last one again and again; what has none is 404. `calls` records what
happened, in order.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

from engine.model.outcome import FailureKind
from engine.transport.base import Request, Response, TransportError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    #: An answer, a failure by kind, or one with its message and marks.
    Answer = Response | FailureKind | TransportError

_NOT_FOUND = Response(404)
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Call:
    """One step of an exchange. `target` is empty before a request is sent."""

    step: Literal["connecting", "connected", "written", "answered", "failed", "closed"]
    host: str
    target: str = ""


class Gate:
    """Holds those who pass until it is opened; once open it stays so."""

    def __init__(self) -> None:
        self._opened = asyncio.Event()
        self._arrived = asyncio.Event()
        self.waiting = 0

    def open(self) -> None:
        """Let all pass."""
        self._opened.set()

    async def arrival(self) -> None:
        """Wait until somebody stands at the gate, or has passed it."""
        await self._arrived.wait()

    async def passed(self) -> None:
        """Stand at the gate until it is open."""
        self.waiting += 1
        self._arrived.set()
        try:
            await self._opened.wait()
        finally:
            self.waiting -= 1


class FakeTransport:
    """Implements :class:`engine.transport.base.Transport`."""

    def __init__(self, default: Answer = _NOT_FOUND) -> None:
        self.calls: list[Call] = []
        self.requests: list[Request] = []
        self.open_exchanges = 0
        self.in_flight: Counter[str] = Counter()
        self.max_in_flight: Counter[str] = Counter()
        self.closed = False
        self._default = default
        self._answers: dict[tuple[str, str], list[Answer]] = {}
        self._connects: defaultdict[str, list[TransportError | None]] = defaultdict(list)
        self._gates: dict[tuple[str, str | None], Gate] = {}

    def answer(self, host: str, target: str, *answers: Answer) -> None:
        """Script the answers of a URL; the last one is repeated."""
        if not answers:
            raise ValueError("a script needs an answer")
        self._answers[host, target] = list(answers)

    def fail_connect(self, host: str, *failures: FailureKind | TransportError | None) -> None:
        """Script what connecting to a host comes to: None = it succeeds; the last one is repeated."""
        self._connects[host] = [_failure(each) if isinstance(each, FailureKind) else each for each in failures]

    def hold_connect(self, host: str) -> Gate:
        """Let no connection to a host come about before the gate is opened."""
        return self._gates.setdefault((host, None), Gate())

    def hold_answer(self, host: str, target: str) -> Gate:
        """Let no answer to a URL come before the gate is opened; the request is written."""
        return self._gates.setdefault((host, target), Gate())

    def targets(self, host: str) -> list[str]:
        """What was asked of a host, in order of writing."""
        return [call.target for call in self.calls if call.host == host and call.step == "written"]

    async def connect(self, scheme: str, host: str, port: int) -> FakeExchange:
        """See Transport."""
        if self.closed:
            raise TransportError(FailureKind.CONNECTION_LOST, "the transport is closed")
        self.calls.append(Call("connecting", host))
        if (gate := self._gates.get((host, None))) is not None:
            await gate.passed()
        failure = _next(self._connects[host], None)
        if failure is not None:
            self.calls.append(Call("failed", host))
            raise _again(failure)
        self.calls.append(Call("connected", host))
        return FakeExchange(self, scheme, host, port)

    async def close(self) -> None:
        """See Transport."""
        self.closed = True

    async def respond(self, request: Request) -> Response:
        """The scripted answer to a request that was written (called by its exchange)."""
        if (gate := self._gates.get((request.host, request.target))) is not None:
            await gate.passed()
        answer = _next(self._answers.get((request.host, request.target), []), self._default)
        if isinstance(answer, Response):
            return answer
        raise _failure(answer) if isinstance(answer, FailureKind) else _again(answer)


class FakeExchange:
    """Implements :class:`engine.transport.base.Exchange`."""

    def __init__(self, transport: FakeTransport, scheme: str, host: str, port: int) -> None:
        self.peer_ip: str | None = None
        self.origin = (scheme, host, port)
        self._transport = transport
        self._sent: Request | None = None
        self._aborted = asyncio.Event()
        self._open = True
        transport.open_exchanges += 1

    async def send(  # noqa: PLR0913 - keyword-only but for the request
        self,
        request: Request,
        *,
        max_body_bytes: int,
        on_bytes: Callable[[int], None],
        on_written: Callable[[], None],
        resend_stale: bool = True,  # noqa: ARG002 - no fake connection is ever stale, unless it is scripted
        truncate: bool = False,
    ) -> Response:
        """See Exchange."""
        fake, host = self._transport, request.host
        if self._sent is not None or not self._open:
            raise RuntimeError("an exchange carries one request, and none after it was closed")
        if (request.scheme, host, request.port) != self.origin:
            raise RuntimeError(f"an exchange with {self.origin} was given a request for {host}")
        self._sent = request
        fake.requests.append(request)
        fake.calls.append(Call("written", host, request.target))
        fake.in_flight[host] += 1
        fake.max_in_flight[host] = max(fake.max_in_flight[host], fake.in_flight[host])
        on_written()
        step: Literal["answered", "failed"] = "failed"
        try:
            response = await self._abortable(fake.respond(request))
            if 0 < max_body_bytes < len(response.body):
                if not truncate:
                    raise _failure(FailureKind.BODY_TOO_LARGE)
                response = response._replace(body=response.body[:max_body_bytes])
            if response.body:
                on_bytes(len(response.body))
            step = "answered"
            return response
        finally:
            fake.in_flight[host] -= 1
            fake.calls.append(Call(step, host, request.target))
            self._leave()

    def close(self) -> None:
        """See Exchange."""
        if self._open:
            self._transport.calls.append(Call("closed", self.origin[1], self._sent.target if self._sent else ""))
            self._aborted.set()
            self._leave()

    def _leave(self) -> None:
        if self._open:
            self._open = False
            self._transport.open_exchanges -= 1

    async def _abortable(self, responding: Coroutine[None, None, Response]) -> Response:
        """Await the answer, or connection_lost once the exchange is closed."""
        answer = asyncio.ensure_future(responding)
        aborted = asyncio.ensure_future(self._aborted.wait())
        try:
            await asyncio.wait((answer, aborted), return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                raise TransportError(FailureKind.CONNECTION_LOST, "the exchange was closed")
            return answer.result()
        finally:
            answer.cancel()
            aborted.cancel()


def _next(script: list[_T], default: _T) -> _T:
    """The next of a script, whose last entry stays; `default` where there is none."""
    if not script:
        return default
    return script.pop(0) if len(script) > 1 else script[0]


def _failure(kind: FailureKind) -> TransportError:
    return TransportError(kind, f"scripted: {kind.value}")


def _again(error: TransportError) -> TransportError:
    """A copy: an exception that is raised twice carries the traceback of both."""
    return TransportError(error.kind, error.message, stale=error.stale, errno=error.errno)
