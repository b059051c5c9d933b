"""A name server for one test, in a thread: names from a table, NXDOMAIN for `gone...`, SERVFAIL for `broken...`."""

from __future__ import annotations

import socket
import struct
import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

_HEADER_BYTES = 12
_A = 1
_TTL_S = 300
_SERVFAIL, _NXDOMAIN = 2, 3


class NameServer:
    """Answers on a UDP port of loopback while its block runs; `address` is what fetch.nameservers takes."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stopper:
            stopper.sendto(b"", self._socket.getsockname())
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while question := self._socket.recvfrom(4096):
            data, asker = question
            if not data:
                return
            self._socket.sendto(self._answer(data), asker)

    def _answer(self, data: bytes) -> bytes:
        """An answer in the form of RFC 1035, section 4.1."""
        labels, at = [], _HEADER_BYTES
        while data[at]:
            labels.append(data[at + 1 : at + 1 + data[at]].decode())
            at += 1 + data[at]
        (kind,) = struct.unpack_from("!H", data, at + 1)
        name = ".".join(labels).lower()
        code = {"gone": _NXDOMAIN, "broken": _SERVFAIL}.get(labels[0], 0)
        address = self._names.get(name) if kind == _A and not code else None
        record = b""
        if address is not None:
            record = b"\xc0\x0c" + struct.pack("!HHIH", _A, 1, _TTL_S, 4) + socket.inet_aton(address)
        head = data[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, 1 if record else 0, 0, 0)
        return head + data[_HEADER_BYTES : at + 5] + record
