from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING

import pytest
import uvloop

from engine.ipc.channel import Channel, connect_unix, from_socket
from engine.ipc.frames import Frame, FrameError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path


class End:
    """One side of a connection as a test sees it: its frames, and how it ended."""

    def __init__(self) -> None:
        self.frames: asyncio.Queue[Frame] = asyncio.Queue()
        self.lost: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
        self.channel: Channel

    def on_lost(self, cause: Exception | None) -> None:
        self.lost.set_result(cause)

    @classmethod
    async def of(cls, sock: socket.socket, high_water_bytes: int = 1 << 20) -> End:
        end = cls()
        end.channel = await from_socket(sock, end.frames.put_nowait, end.on_lost, high_water_bytes=high_water_bytes)
        return end


async def pair() -> tuple[End, End]:
    left, right = socket.socketpair()
    return await End.of(left), await End.of(right)


def on_each_loop(body: Callable[[], Awaitable[None]]) -> Callable[..., None]:
    """Run a coroutine test under asyncio and under uvloop: supervisor and shards use one each."""

    @pytest.mark.parametrize("factory", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
    def test(factory: Callable[[], asyncio.AbstractEventLoop]) -> None:
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(asyncio.wait_for(body(), 10))  # type: ignore[arg-type]

    return test


@on_each_loop
async def test_frames_of_every_size_arrive_whole_and_in_order() -> None:
    left, right = await pair()
    sizes = [0, 1, 188_000, 0, 3_000_000, 5]
    for n, size in enumerate(sizes):
        left.channel.send({"type": "page", "id": n}, bytes([n]) * size)
    right.channel.send({"type": "row", "id": 9}, b"{}\n")
    for n, size in enumerate(sizes):
        frame = await right.frames.get()
        assert (frame.type, frame.header["id"], frame.body) == ("page", n, bytes([n]) * size)
    assert (await left.frames.get()).body == b"{}\n"
    left.channel.close()
    assert await right.lost is None
    assert await left.lost is None


@on_each_loop
async def test_drain_waits_until_the_peer_has_read() -> None:
    left, right = socket.socketpair()
    end = await End.of(left, high_water_bytes=1000)
    end.channel.send({"type": "page"}, bytes(4_000_000))
    assert end.channel.congested
    waiting = asyncio.create_task(end.channel.drain())
    await asyncio.sleep(0)
    assert not waiting.done()
    peer = await End.of(right)
    await waiting
    assert len((await peer.frames.get()).body) == 4_000_000
    assert not end.channel.congested
    await end.channel.drain()
    peer.channel.close()
    await end.lost


@on_each_loop
async def test_drain_ends_when_the_peer_is_lost() -> None:
    left, right = socket.socketpair()
    end = await End.of(left, high_water_bytes=1000)
    end.channel.send({"type": "page"}, bytes(4_000_000))
    waiting = asyncio.create_task(end.channel.drain())
    await asyncio.sleep(0)
    right.close()
    await waiting
    assert isinstance(await end.lost, (OSError, type(None)))
    end.channel.send({"type": "page"})  # dropped, as documented
    assert end.channel.closed
    await end.channel.wait_closed()


@on_each_loop
async def test_what_was_sent_before_a_close_arrives() -> None:
    left, right = await pair()
    left.channel.send({"type": "row"}, b"x" * 2_000_000)
    left.channel.close()
    assert left.channel.closed
    assert len((await right.frames.get()).body) == 2_000_000
    assert await right.lost is None
    await left.channel.wait_closed()


@pytest.mark.parametrize(
    "garbage", [struct.pack(">II", 8, 90), struct.pack(">II", 7, 3) + b"no!", struct.pack(">II", 6, 2) + b"{}"]
)
async def test_bytes_that_are_no_frame_end_the_channel_with_the_cause(garbage: bytes) -> None:
    left, right = socket.socketpair()
    end = await End.of(left)
    right.sendall(garbage)
    assert isinstance(await end.lost, FrameError)
    assert right.recv(1) == b""
    right.close()


async def test_nothing_is_handed_on_after_the_receiver_closed() -> None:
    left, right = socket.socketpair()
    sender = await End.of(right)
    seen: list[Frame] = []
    lost = asyncio.get_running_loop().create_future()

    def first_only(frame: Frame) -> None:
        seen.append(frame)
        channel.close()

    channel = await from_socket(left, first_only, lost.set_result)
    sender.channel.send({"type": "a"})
    sender.channel.send({"type": "b"})
    await lost
    assert [frame.type for frame in seen] == ["a"]
    await sender.lost


async def test_connects_to_a_listener_and_is_told_of_none(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with pytest.raises(FileNotFoundError):
        await connect_unix(path, print, print)
    peer = End()
    peer.channel = Channel(peer.frames.put_nowait, peer.on_lost)
    server = await asyncio.get_running_loop().create_unix_server(lambda: peer.channel, str(path))
    end = End()
    end.channel = await connect_unix(path, end.frames.put_nowait, end.on_lost)
    end.channel.send({"type": "ready"})
    assert (await peer.frames.get()).type == "ready"
    end.channel.close()
    await peer.lost
    server.close()
