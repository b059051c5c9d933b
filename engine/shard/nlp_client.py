"""The shard's side of the NLP pool: pages out to a child with credit, rows back, and who is to blame for a death.

A child says which pages it starts. When it dies, those are suspects: each runs again alone, and one that kills a child
when alone becomes an error row. Pages that were sent but not started go to another child and are blamed for nothing;
but one whose children die twice before they could say anything is sent alone too, so that no page can go round for
ever. Why a child died is the supervisor's to say (its exit status), and suspects wait for that.
"""

from __future__ import annotations

import asyncio
from collections import deque
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import structlog

from engine.ipc.channel import Channel, connect_unix
from engine.model.messages import NlpExit, Page
from engine.model.outcome import Failure, FailureKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.ipc.frames import Frame

_LOG: Final = structlog.get_logger("shard.nlp")

#: Children that a page may lose without ever having been named as started, before it is taken for a suspect.
MAX_LOSSES: Final = 2

#: Exits that nobody on the page's side is to blame for.
_BLAMELESS: Final = frozenset({NlpExit.RECYCLED, NlpExit.STOPPED})


class Job:
    """A page on its way to a row."""

    __slots__ = ("alone", "body", "header", "losses", "on_failed", "on_row", "started")

    def __init__(
        self, header: dict[str, Any], body: bytes, on_row: Callable[[bytes, FailureKind | None, float], None],
        on_failed: Callable[[Failure], None],
    ) -> None:  # fmt: skip
        self.header = header
        self.body = body
        self.on_row = on_row
        self.on_failed = on_failed
        self.alone = False
        self.started = False
        self.losses = 0


class Child:
    """A connection to one NLP child: `credit` pages may still be sent; `out` are with it."""

    __slots__ = ("channel", "credit", "number", "out")

    def __init__(self, number: int) -> None:
        self.number = number
        self.channel: Channel | None = None
        self.credit = 0
        self.out: dict[int, Job] = {}


class NlpClient:
    """One shard's pages in the pool."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._numbers = count(1)
        self._children: dict[int, Child] = {}
        self._queue: deque[Job] = deque()
        self._suspects: dict[int, list[Job]] = {}  # by child, until the supervisor says why it died
        self._causes: dict[int, NlpExit] = {}  # said before the connection's end was seen
        self._settled = asyncio.Event()
        self.children = 0

    # -- what the supervisor says ---------------------------------------------------------------------------------

    async def on_up(self, number: int, path: str) -> None:
        """A child listens at `path`."""
        child = self._children[number] = Child(number)
        try:
            child.channel = await connect_unix(
                path, lambda frame: self._on_frame(child, frame), lambda cause: self._on_lost(child, cause)
            )
        except OSError as error:  # it died at once: the supervisor will say so
            _LOG.debug("an NLP child could not be reached", child=number, error=str(error))
            self._on_lost(child, error)
        self._pump()  # READY may have come before the channel was known here

    def on_gone(self, number: int, cause: NlpExit) -> None:
        """A child ended, and this is why."""
        if number in self._children:  # what it wrote before its end is still to be read
            self._causes[number] = cause
            return
        for job in self._suspects.pop(number, ()):
            self._judge(job, cause)
        self._pump()

    # -- pages ----------------------------------------------------------------------------------------------------

    def submit(
        self, header: dict[str, Any], body: bytes, on_row: Callable[[bytes, FailureKind | None, float], None],
        on_failed: Callable[[Failure], None],
    ) -> None:  # fmt: skip
        """Make a page's row; see :class:`engine.shard.endings.RowMaker`."""
        self._queue.append(Job(header, body, on_row, on_failed))
        self._pump()

    @property
    def idle(self) -> bool:
        """Whether no page is out, queued or under suspicion."""
        return not (self._queue or self._suspects or any(child.out for child in self._children.values()))

    async def until_idle(self) -> None:
        """Wait until no page is left here."""
        while not self.idle:
            self._settled = asyncio.Event()
            await self._settled.wait()

    async def close(self) -> None:
        """End the connections, the last thing in a shard's life: a loop that ends before them complains of them."""
        channels = [child.channel for child in self._children.values() if child.channel is not None]
        for channel in channels:
            channel.abort()
        for channel in channels:
            await channel.wait_closed()

    def _pump(self) -> None:
        if self.idle:
            self._settled.set()
        while self._queue:
            child = max(self._children.values(), key=_credit, default=None)
            if child is None or child.credit <= 0 or child.channel is None:
                return
            job = self._queue.popleft()
            number = next(self._numbers)
            child.credit -= 1
            child.out[number] = job
            child.channel.send({"type": Page.PAGE, "id": number, "alone": job.alone, **job.header}, job.body)

    def _on_frame(self, child: Child, frame: Frame) -> None:
        header = frame.header
        match frame.type:
            case Page.ROW:
                job = child.out.pop(header["id"])
                child.credit += 1
                kind = header["kind"]
                job.on_row(frame.body, None if kind is None else FailureKind(kind), header["ms"])
                self._pump()
            case Page.STARTED:
                for number in header["ids"]:
                    child.out[number].started = True
            case Page.READY:
                child.credit = header["credit"]
                self.children += 1
                self._pump()
            case other:
                raise ValueError(f"an NLP child sent {other}")

    def _on_lost(self, child: Child, cause: Exception | None) -> None:
        if cause is not None:
            _LOG.debug("an NLP child's connection broke", child=child.number, error=str(cause))
        if self._children.pop(child.number, None) is None:
            return
        if child.credit or child.out:
            self.children -= 1
        suspects = [job for job in child.out.values() if job.started]
        self._requeue([job for job in child.out.values() if not job.started], lost=True)
        known = self._causes.pop(child.number, None)
        if known is not None:
            for job in suspects:
                self._judge(job, known)
        elif suspects:  # of a child that was not even reached, the supervisor may have told before
            self._suspects[child.number] = suspects
        self._pump()

    def _requeue(self, jobs: list[Job], *, lost: bool) -> None:
        for job in reversed(jobs):
            job.started = False
            if lost:
                job.losses += 1
                job.alone = job.alone or job.losses >= MAX_LOSSES
            self._queue.appendleft(job)

    def _judge(self, job: Job, cause: NlpExit) -> None:
        """A suspect runs again alone; alone it was the one."""
        if cause in _BLAMELESS:
            self._requeue([job], lost=False)
        elif not job.alone:
            job.alone = True
            self._requeue([job], lost=False)
        elif cause is NlpExit.TIMEOUT:
            message = f"processing took longer than nlp.timeout_s ({self._timeout_s:g} s), twice"
            job.on_failed(Failure(FailureKind.NLP_TIMEOUT, message))
        else:
            message = "processing ended its process, twice: a crash, or more than nlp.max_process_memory_bytes"
            job.on_failed(Failure(FailureKind.NLP_CRASHED, message))


def _credit(child: Child) -> int:
    return child.credit
