"""Ingest: inputs read in batches, each sent to every shard, until all shards have committed them all.

Credit: no shard is sent more than CREDIT batches that it has not yet committed, so neither the sockets nor a shard's
memory fill, however long the list. A shard that starts again says how far it has come; if that is behind, reading
begins again there, and the others skip what they hold.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from engine.ipc.tasks import tasks_frame
from engine.model.messages import Control
from engine.supervisor.threads import in_daemon_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from engine.ipc.frames import Header
    from engine.sources.ingest import Batch

#: Batches out to a shard: some inserted and not yet committed, one in its socket, the rest so that it never waits.
CREDIT: Final = 8

#: (input index, last ordinal)
Cursor = tuple[int, int]


@dataclass(slots=True)
class _Receiver:
    """A living shard: what it holds for sure, and what was sent and is not yet committed."""

    cursor: Cursor
    ingested: bool
    sent: deque[Cursor] = field(default_factory=deque)


class Feed:
    """Streams the inputs into the shards.

    `read` gives the batches after a cursor; `send` a frame to a shard. `finished` is whether all shards are known to
    hold everything, from an earlier command.
    """

    def __init__(
        self,
        read: Callable[[Cursor], Iterator[Batch]],
        shards: int,
        send: Callable[[int, Header, bytes], object],
        *,
        finished: bool,
    ) -> None:
        self._read = read
        self._shards = shards
        self._send = send
        self.finished = finished
        self._receivers: dict[int, _Receiver] = {}
        self._position: Cursor | None = None  # of the last batch sent; None before the first
        self._rewind = False
        self._changed = asyncio.Event()

    # -- what shards say ------------------------------------------------------------------------------------------

    def hello(self, shard: int, cursor: Cursor, *, ingested: bool) -> None:
        """A shard's process has started; it holds everything up to `cursor`, and all there is if `ingested`."""
        self._receivers[shard] = _Receiver(cursor, ingested)
        if self._position is not None and cursor < self._position:
            self._rewind = True
        # A shard is told so when all have committed everything; but a power failure may have spared one's word only.
        receivers = self._receivers.values()
        if len(receivers) == self._shards and all(receiver.ingested for receiver in receivers):
            self.finished = True
        if self.finished:
            self._send(shard, {"type": Control.INGESTED}, b"")
        self._changed.set()

    def credit(self, shard: int, batches: int) -> None:
        """A shard has committed so many batches more."""
        receiver = self._receivers.get(shard)
        if receiver is not None:
            for _ in range(min(batches, len(receiver.sent))):
                receiver.cursor = max(receiver.cursor, receiver.sent.popleft())
            self._changed.set()

    def gone(self, shard: int) -> None:
        """A shard's process has ended."""
        self._receivers.pop(shard, None)

    # -- the reading ----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Feed until every shard has committed everything. Raises UsageError where an input turns out unfit."""
        while not self.finished:
            await self._until(lambda: self.finished or len(self._receivers) == self._shards)
            if self.finished or await self._pass(min(receiver.cursor for receiver in self._receivers.values())):
                break
        self.finished = True
        for shard in self._receivers:
            self._send(shard, {"type": Control.INGESTED}, b"")

    async def _pass(self, start: Cursor) -> bool:
        """Read once from a cursor to the end; False where a shard fell behind meanwhile, and it must be done again."""
        self._rewind = False
        self._position = start
        batches = self._read(start)
        while (encoded := await in_daemon_thread(lambda: _encoded(next(batches, None)))) is not None:
            cursor, frames = encoded
            await self._until(lambda: self._rewind or self._may_send(CREDIT - 1))
            if self._rewind:
                return False
            self._position = cursor
            for shard, (header, body) in enumerate(frames):
                self._receivers[shard].sent.append(cursor)
                self._send(shard, header, body)
        await self._until(lambda: self._rewind or self._may_send(0))
        return not self._rewind

    def _may_send(self, most: int) -> bool:
        """Whether every shard lives and has at most so many batches out."""
        receivers = self._receivers
        return len(receivers) == self._shards and all(len(receiver.sent) <= most for receiver in receivers.values())

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._changed.clear()
            await self._changed.wait()


def _encoded(batch: Batch | None) -> tuple[Cursor, list[tuple[Header, bytes]]] | None:
    if batch is None:
        return None
    cursor = batch.input, batch.last
    return cursor, [tasks_frame(cursor, entries) for entries in batch.entries]
