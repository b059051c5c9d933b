"""One end of a frame stream on an event loop.

Law: `send` never waits and never copies a large body; whoever produces faster than the peer reads waits in `drain`. The
loss of a peer is told once, to `on_lost`, with its cause (None: a clean end); what is sent after it is dropped, since
only that one report can say which frames arrived. Works under asyncio and uvloop alike.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, cast

from engine.ipc.frames import MAX_FRAME_BYTES, Decoder, Frame, FrameError, encode

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from pathlib import Path

    from engine.ipc.frames import Header

    OnFrame = Callable[[Frame], None]
    OnLost = Callable[[Exception | None], None]

#: Bytes waiting to be written above which `drain` waits: some five pages of 188 KB, so that the peer never idles.
HIGH_WATER_BYTES: Final = 1 << 20


class Channel(asyncio.Protocol):
    """A frame stream over a connected socket; made by :func:`connect_unix`, :func:`from_socket` or a server's factory.

    `on_frame` is called in order of arrival on the loop's thread and must not block; an exception in it ends the
    channel with that exception as the cause. `on_lost` is called once, when no frame can come any more.
    """

    def __init__(
        self,
        on_frame: OnFrame,
        on_lost: OnLost,
        *,
        high_water_bytes: int = HIGH_WATER_BYTES,
        max_frame_bytes: int = MAX_FRAME_BYTES,
    ) -> None:
        self.on_frame = on_frame
        self.on_lost = on_lost
        self._decoder = Decoder(max_frame_bytes)
        self._high_water_bytes = high_water_bytes
        self._transport: asyncio.Transport | None = None
        self._cause: Exception | None = None
        self._ended = False
        self._paused = False
        self._waiters: list[asyncio.Future[None]] = []

    # -- what users call ------------------------------------------------------------------------------------------

    @property
    def closed(self) -> bool:
        """Whether the peer is gone or the channel was closed: `send` drops what it is given."""
        return self._ended or self._transport is None or self._transport.is_closing()

    @property
    def congested(self) -> bool:
        """Whether more than `high_water_bytes` wait to be written."""
        return self._paused

    def send(self, header: Header, body: bytes = b"") -> None:
        """Write one frame without waiting; dropped where the channel is closed."""
        if self._transport is not None and not self.closed:
            # Not writelines: asyncio's from Python 3.12 on never calls pause_writing.
            for buffer in encode(header, body):
                self._transport.write(buffer)

    async def drain(self) -> None:
        """Wait until the peer has taken enough of what was sent, or is gone."""
        while self._paused and not self._ended:
            await self._wait()

    def close(self) -> None:
        """End the stream once everything sent has been written."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """End the stream at once; what was not yet written is dropped."""
        if self._transport is not None:
            self._transport.abort()

    async def wait_closed(self) -> None:
        """Wait until the stream has ended and `on_lost` has been called."""
        while not self._ended:
            await self._wait()

    async def _wait(self) -> None:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        finally:
            if waiter in self._waiters:
                self._waiters.remove(waiter)

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    # -- what the loop calls --------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport of a fresh connection."""
        # uvloop's transports are no subclasses of asyncio.Transport
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=self._high_water_bytes)

    def data_received(self, data: bytes) -> None:
        """Hand on the frames that `data` completes."""
        try:
            frames = self._decoder.feed(data)
        except ValueError as error:  # no frame: a FrameError, or a header that is no JSON
            self._cause = error if isinstance(error, FrameError) else FrameError(f"a header that is no JSON: {error}")
            self.abort()
            return
        for frame in frames:
            if self.closed:
                return
            self.on_frame(frame)

    def pause_writing(self) -> None:
        """Let `drain` wait."""
        self._paused = True

    def resume_writing(self) -> None:
        """Let `drain` go on."""
        self._paused = False
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Report the end, once."""
        self._ended = True
        self._paused = False
        self._wake()
        self.on_lost(self._cause or exc)


async def connect_unix(
    path: str | Path, on_frame: OnFrame, on_lost: OnLost, *, high_water_bytes: int = HIGH_WATER_BYTES
) -> Channel:
    """Connect to a listening Unix socket. Raises OSError where nobody listens."""
    _, channel = await asyncio.get_running_loop().create_unix_connection(
        lambda: Channel(on_frame, on_lost, high_water_bytes=high_water_bytes), str(path)
    )
    return channel


async def from_socket(
    sock: socket.socket, on_frame: OnFrame, on_lost: OnLost, *, high_water_bytes: int = HIGH_WATER_BYTES
) -> Channel:
    """Take over one end of a Unix socket pair; the channel closes it."""
    _, channel = await asyncio.get_running_loop().create_unix_connection(
        lambda: Channel(on_frame, on_lost, high_water_bytes=high_water_bytes), sock=sock
    )
    return channel
