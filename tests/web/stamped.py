"""When a request came, by the kernel's clock: the time at which it was received, not that at which a process looked.

A server on a busy machine reads requests late, one more than the next, and then the time between two seems shorter than
it was. The kernel stamps what it receives, on loopback in the very call that sends it (SO_TIMESTAMPNS, socket(7)); only
recvmsg tells the stamp, which asyncio does not call, so reading is taken over from its transport. Linux only.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from time import monotonic, time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

#: asm-generic/socket.h; the type of the message is the option's number.
_SO_TIMESTAMPNS = 35
_AT_ONCE_S = 0.0001
_TIMESPEC = struct.Struct("@ll")


def ask_for_stamps(listening: Iterable[socket.socket]) -> None:
    """Before anybody comes: connections inherit it, and what they bring before they are accepted is stamped too."""
    for each in listening:
        each.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)


def read_stamped(transport: asyncio.Transport, came: Callable[[bytes, float], None]) -> Callable[[], None]:
    """Hand what comes to `came`, with the time of its reception on the monotonic clock.

    What is returned ends that, and must be called when the connection is lost: the socket is held twice.
    """
    own = socket.socket(fileno=transport.get_extra_info("socket").dup().detach())
    transport.pause_reading()
    loop = asyncio.get_running_loop()

    def stop() -> None:
        loop.remove_reader(own)
        own.close()

    def read() -> None:
        try:
            data, messages, _, _ = own.recvmsg(65_536, socket.CMSG_SPACE(_TIMESPEC.size))
        except BlockingIOError:
            return
        except OSError:
            data, messages = b"", []
        if data:
            came(data, _stamp(messages))
        else:
            loop.remove_reader(own)
            transport.abort()

    loop.add_reader(own, read)
    return stop


def _stamp(messages: list[tuple[int, int, bytes]]) -> float:
    for level, kind, data in messages:
        if (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS):
            seconds, nanoseconds = _TIMESPEC.unpack(data)
            return seconds + nanoseconds / 1e9 + _monotonic_less_time()
    return monotonic()


def _monotonic_less_time() -> float:
    """What turns the one clock into the other; the process must not lose its processor between the two readings."""
    while True:
        before, there, after = monotonic(), time(), monotonic()
        if after - before < _AT_ONCE_S:
            return before - there
