"""A name server on loopback, in a process of its own; it prints its port.

`gone-…` does not exist, `broken-…` cannot be told (SERVFAIL);
`refused-…` is 127.0.0.2, `hole-…` 127.0.0.3, every other name 127.0.0.1. No name has an
IPv6 address.
"""

from __future__ import annotations

import asyncio
import struct

import uvloop

from lib.parent import die_with_parent

_HEADER_BYTES = 12
_A = 1
_TTL_S = 300
_CODES = {b"broken": 2, b"gone": 3}
_LAST_BYTE = {b"refused": 2, b"hole": 3}


class Names(asyncio.DatagramProtocol):
    """Answers each question as its name says (RFC 1035, section 4.1)."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.DatagramTransport = transport  # type: ignore[assignment]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        end = data.index(b"\0", _HEADER_BYTES) + 1
        (kind,) = struct.unpack_from(">H", data, end)
        question = data[_HEADER_BYTES : end + 4]
        first = question[1 : 1 + question[0]].partition(b"-")[0].lower()
        code = _CODES.get(first, 0)
        answers = b""
        if kind == _A and not code:
            address = bytes((127, 0, 0, _LAST_BYTE.get(first, 1)))
            answers = b"\xc0\x0c" + struct.pack(">HHIH", _A, 1, _TTL_S, 4) + address
        flags = 0x8180 | code  # an answer, recursion desired and available
        head = data[:2] + struct.pack(">HHHHH", flags, 1, 1 if answers else 0, 0, 0)
        self.transport.sendto(head + question + answers, addr)


async def serve() -> None:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Names, local_addr=("127.0.0.1", 0))
    print(transport.get_extra_info("sockname")[1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    die_with_parent()
    uvloop.run(serve())
