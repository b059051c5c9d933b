"""A shard's connection as an NLP child sees it: pages in, rows out, nothing that blocks.

Bounded by credit: a shard has at most `credit` pages out to a child, from sending a page until its row arrives, so
that neither the pages waiting here nor the rows not yet taken can be more. A peer that sends what is no PAGE, or more
than its credit, is broken: :class:`PeerError`, and only its connection ends.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final

from engine.ipc.frames import Decoder, encode
from engine.model.messages import Page as PageMessage
from engine.nlp.page import Page

if TYPE_CHECKING:
    from socket import socket

_READ_BYTES: Final = 1 << 18
#: Reads before the other peers have their turn.
_READS: Final = 8


class PeerError(Exception):
    """The peer broke the protocol, or is gone."""


class Peer:
    """One connected shard. `pages` wait to be worked on, in the order they came."""

    def __init__(self, connection: socket, *, child: int, credit: int, max_frame_bytes: int) -> None:
        connection.settimeout(0)
        self.connection = connection
        self.pages: deque[Page] = deque()
        self.closed = False
        self._credit = credit
        self._decoder = Decoder(max_frame_bytes)
        self._out: deque[memoryview] = deque()
        self.send({"type": PageMessage.READY, "child": child, "credit": credit})

    @property
    def flushed(self) -> bool:
        """Whether all that was sent lies in the kernel's buffer, whence the shard gets it even if this process dies."""
        return not self._out

    def send(self, header: dict[str, Any], body: bytes = b"") -> None:
        """Queue a frame and write what the kernel takes now. Raises PeerError if the peer is gone."""
        self._out.extend(memoryview(buffer) for buffer in encode(header, body))
        self.flush()

    def flush(self) -> None:
        """Write what the kernel takes now. Raises PeerError if the peer is gone."""
        while self._out:
            try:
                sent = self.connection.send(self._out[0])
            except BlockingIOError:
                return
            except OSError as error:
                raise PeerError(f"gone: {error}") from error
            if sent < len(self._out[0]):
                self._out[0] = self._out[0][sent:]
                return
            self._out.popleft()

    def receive(self) -> None:
        """Read what is there into `pages`. Raises PeerError if the peer has closed, or sent what it may not."""
        for _ in range(_READS):
            try:
                data = self.connection.recv(_READ_BYTES)
            except BlockingIOError:
                return
            except OSError as error:
                raise PeerError(f"gone: {error}") from error
            if not data:
                raise PeerError("closed by the shard")
            self._take(data)
            if len(data) < _READ_BYTES:
                return

    def close(self) -> None:
        """End the connection; what waits of it is dropped."""
        self.closed = True
        self.pages.clear()
        self._out.clear()
        self.connection.close()

    def _take(self, data: bytes) -> None:
        try:
            for frame in self._decoder.feed(data):
                if frame.type != PageMessage.PAGE:
                    raise PeerError(f"a shard sends pages, not {frame.type!r}")
                self.pages.append(Page.from_frame(frame))
        except (KeyError, TypeError, ValueError) as error:  # FrameError and orjson's error are ValueErrors
            raise PeerError(f"not a page: {type(error).__name__}: {error}") from error
        if len(self.pages) > self._credit:
            raise PeerError(f"{len(self.pages)} pages waiting, with a credit of {self._credit}")
