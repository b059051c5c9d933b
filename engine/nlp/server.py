"""The loop of an NLP child: pages from all shards in, one at a time worked on, rows back.

Synchronous and single-threaded: between two pages it looks at the sockets. Laws:

- A shard knows which pages are suspect: STARTED with their ids lies in the kernel's buffer before the first of them is
  touched, and each ROW is sent as soon as it is made. A page that asks to be alone is a batch of its own.
- No page runs longer than the alarms: the default actions of SIGPROF (seconds of work, so that a busy machine makes no
  page suspect) and of SIGALRM (ten times as many by the clock, for a page that waits) end the process, also in C code.
- Shards are served in turn, a page each; one that takes no rows is passed over until it does.
- Where the worker gains by many pages at once, batches are larger, and wait a moment to be full (:mod:`.gathering`).
- When the process has grown enough it leaves between two batches: rows are flushed, pages not started are dropped
  (their shard sends them to another child), the exit code is 0.
- A page that would take the process over its memory budget ends it (:mod:`engine.nlp.memory`), as a crash does.
"""

from __future__ import annotations

import selectors
import signal
from collections import deque
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from socket import AF_UNIX, SHUT_WR, SOCK_STREAM, socket
from time import monotonic
from typing import TYPE_CHECKING, Final

from engine.model.messages import Page as PageMessage
from engine.nlp.gathering import Gathering
from engine.nlp.memory import MemoryBudget
from engine.nlp.peer import Peer, PeerError
from engine.observe.faultpoint import crash_point
from engine.observe.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from engine.nlp.page import Page, Worker

#: Pages a shard may have out to one child: one worked on, one waiting, two on the way. More only lengthens the queue
#: that a death sends elsewhere. Where batches are larger: two of them.
CREDIT: Final = 4
#: Pages announced with one STARTED: more save messages, fewer leave less to run again after a death. Where the worker
#: gains by more at once, as many as it asks for.
BATCH_PAGES: Final = 4
#: New words after which the process leaves. Each costs some 1,200 bytes that spaCy and the lexicon never give back, so
#: these are 90 MB: 500 pages of 1,500 words with a tenth of them new. A successor is there in 10 ms.
MAX_NEW_STRINGS: Final = 75_000
#: Bodies that wait here: above so many bytes no more are taken in, and lie with their shards.
_MOST_WAITING_BYTES: Final = 32 << 20
#: Seconds of the clock for one of work: so long a page takes where busy processes are ten times as many as cores.
_CLOCK_FACTOR: Final = 10
_FLUSH_S: Final = 10.0
_LINGER_S: Final = 1.0
_BACKLOG: Final = 128


@dataclass(frozen=True, slots=True)
class Limits:
    """`timeout_s` of work a page (0: none); the process's memory in bytes (0: no limit); bytes a frame; new words."""

    timeout_s: float
    max_memory_bytes: int
    max_frame_bytes: int
    max_new_strings: int = MAX_NEW_STRINGS


def listen(path: str) -> socket:
    """A socket listening at `path`, which exists from the moment that connections are taken; a stale one is replaced.

    Raises OSError (a path too long for a Unix socket, a folder that is not there).
    """
    preliminary = Path(f"{path}~")
    preliminary.unlink(missing_ok=True)
    listener = socket(AF_UNIX, SOCK_STREAM)
    listener.bind(str(preliminary))
    listener.listen(_BACKLOG)
    listener.settimeout(0)
    preliminary.replace(path)
    return listener


class Server:
    """Serves shards at `path` until the process has grown beyond `limits`."""

    def __init__(self, path: str, child: int, worker: Worker, limits: Limits) -> None:
        self._path = path
        self._child = child
        self._worker = worker
        self._limits = limits
        self._log = get_logger(__name__)
        self._selector = selectors.DefaultSelector()
        self._turns: deque[Peer] = deque()
        self._strings_at_start = worker.known_strings
        self._memory = MemoryBudget(limits.max_memory_bytes)
        self._batch_pages = worker.batch_pages if worker.batch_pages > 1 else BATCH_PAGES
        self._credit = max(CREDIT, 2 * worker.batch_pages)
        self._gathering = Gathering(worker.batch_pages)

    def run(self) -> None:
        """Serve; returns when it is time to be replaced, with every row of a started page handed over."""
        listener = listen(self._path)
        self._selector.register(listener, selectors.EVENT_READ, None)
        while not self._has_grown():
            self._exchange(listener)
            if self._wait_s() == 0:
                self._gathering.begun()
                self._work(self._next_batch())
        self._leave(listener)

    def _wait_s(self) -> float | None:
        """How long to wait for pages before a batch is begun; a page that is to be alone waits for none."""
        takers = [peer for peer in self._turns if peer.pages and peer.flushed]
        if any(peer.pages[0].alone for peer in takers):
            return 0.0
        return self._gathering.wait_s(sum(len(peer.pages) for peer in takers), monotonic())

    def _exchange(self, listener: socket) -> None:
        """Read and write what can be; wait for something to do only if there is no batch to begin."""
        # Pages of a shard that takes no rows cannot be worked on: they are no reason to take in no others.
        waiting = sum(len(page.body) for peer in self._turns if peer.flushed for page in peer.pages)
        is_full = waiting > _MOST_WAITING_BYTES
        for key, events in self._selector.select(self._wait_s()):
            peer: Peer | None = key.data
            if peer is None:
                self._accept(listener)
                continue
            try:
                if events & selectors.EVENT_WRITE:
                    peer.flush()
                if events & selectors.EVENT_READ and not is_full:
                    peer.receive()
            except PeerError as error:
                self._drop(peer, error)
            else:
                self._watch(peer)

    def _accept(self, listener: socket) -> None:
        try:
            connection, _ = listener.accept()
        except OSError:  # gone before it was taken, or no descriptor free: the next turn sees
            return
        try:
            peer = Peer(
                connection, child=self._child, credit=self._credit, max_frame_bytes=self._limits.max_frame_bytes
            )
        except PeerError:
            connection.close()
            return
        self._selector.register(connection, selectors.EVENT_READ, peer)
        self._turns.append(peer)

    def _next_batch(self) -> list[tuple[Peer, Page]]:
        """The pages to announce and work on next: a page of each shard in turn, or a single one that is to be alone."""
        batch: list[tuple[Peer, Page]] = []
        turns = self._turns
        passed = 0
        first_alone: Peer | None = None
        while len(batch) < self._batch_pages and passed < len(turns):
            peer = turns[0]
            turns.rotate(-1)
            passed += 1
            if not peer.pages or not peer.flushed:
                continue
            if peer.pages[0].alone:
                if not batch:
                    return [(peer, peer.pages.popleft())]
                first_alone = first_alone or peer
                continue
            batch.append((peer, peer.pages.popleft()))
            passed = 0
        if first_alone is not None:
            turns.remove(first_alone)
            turns.appendleft(first_alone)
        return batch

    def _work(self, batch: list[tuple[Peer, Page]]) -> None:
        announced: dict[Peer, list[int]] = {}
        for peer, page in batch:
            announced.setdefault(peer, []).append(page.id)
        for peer, ids in announced.items():
            self._send(peer, {"type": PageMessage.STARTED, "ids": ids})
        # A shard whose buffer is full cannot know yet: its pages wait, and are announced again.
        for peer, page in reversed(batch):
            if not peer.flushed:
                peer.pages.appendleft(page)
        begun = [(peer, page) for peer, page in batch if peer.flushed and not peer.closed]
        if len(begun) > 1 and self._worker.batch_pages > 1:
            with self._within_memory(*(page.fetched.url for _, page in begun)):
                self._worker.prepare([page for _, page in begun], self._wind_alarm)
        for peer, page in begun:
            if peer.closed:
                continue
            self._wind_alarm()
            crash_point("nlp_page")
            with self._within_memory(page.fetched.url):
                worked = self._worker.work(page)
            _wind_alarms(0)
            kind = worked.kind.value if worked.kind is not None else None
            self._send(peer, {"type": PageMessage.ROW, "id": page.id, "kind": kind, "ms": worked.ms}, worked.row)

    @contextmanager
    def _within_memory(self, *urls: str) -> Iterator[None]:
        """Work on these pages. More memory than the budget ends the process, whether C code or Python is refused it."""
        self._memory.begin_page()
        try:
            yield
        except MemoryError:
            self._log.warning("a page needs more memory than its process may have", urls=urls)
            signal.raise_signal(signal.SIGKILL)  # what was refused memory may be left half made
            raise
        finally:
            self._memory.end_page()

    def _wind_alarm(self) -> None:
        _wind_alarms(self._limits.timeout_s)

    def _send(self, peer: Peer, header: dict[str, object], body: bytes = b"") -> None:
        if peer.closed:
            return
        try:
            peer.send(header, body)
        except PeerError as error:
            self._drop(peer, error)
        else:
            self._watch(peer)

    def _watch(self, peer: Peer) -> None:
        events = selectors.EVENT_READ if peer.flushed else selectors.EVENT_READ | selectors.EVENT_WRITE
        if self._selector.get_key(peer.connection).events != events:
            self._selector.modify(peer.connection, events, peer)

    def _drop(self, peer: Peer, error: PeerError) -> None:
        self._log.debug("a connection ended", cause=str(error))
        self._selector.unregister(peer.connection)
        self._turns.remove(peer)
        peer.close()

    def _has_grown(self) -> bool:
        if self._worker.known_strings - self._strings_at_start > self._limits.max_new_strings:
            return True
        return self._memory.spent

    def _leave(self, listener: socket) -> None:
        """Hand over every row, then end the connections so that the shards see an end and no error."""
        self._selector.unregister(listener)
        listener.close()
        Path(self._path).unlink(missing_ok=True)
        for peer in self._turns:
            peer.pages.clear()
        self._until(lambda: all(peer.flushed for peer in self._turns), _FLUSH_S)
        for peer in self._turns:
            with suppress(OSError):  # gone already
                peer.connection.shutdown(SHUT_WR)
        self._until(lambda: not self._turns, _LINGER_S)

    def _until(self, done: Callable[[], bool], within_s: float) -> None:
        end = monotonic() + within_s
        while not done() and monotonic() < end:
            for key, events in self._selector.select(max(0.0, end - monotonic())):
                peer: Peer = key.data
                try:
                    if events & selectors.EVENT_WRITE:
                        peer.flush()
                    if events & selectors.EVENT_READ:
                        peer.receive()
                        peer.pages.clear()
                except PeerError as error:
                    self._drop(peer, error)
                else:
                    self._watch(peer)


def _wind_alarms(timeout_s: float) -> None:
    """Have the process end after so many seconds of work, or ten times as many by the clock; 0: take that back."""
    signal.setitimer(signal.ITIMER_PROF, timeout_s)
    signal.setitimer(signal.ITIMER_REAL, timeout_s * _CLOCK_FACTOR)
