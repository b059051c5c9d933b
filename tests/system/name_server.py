"""A name server for one test, in a thread: names from a table.

A name whose first label is `gone` does not exist (NXDOMAIN), one of `broken` fails (SERVFAIL), one of `silent` gets no
answer.
"""

from __future__ import annotations

import socket
import struct
import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_HEADER_BYTES = 12
_A, _CNAME, _AAAA = 1, 5, 28
_TTL_S = 300
_SERVFAIL, _NXDOMAIN = 2, 3


class NameServer:
    """Answers on a UDP port of loopback while its block runs; `address` is what fetch.nameservers takes.

    A name has an address or several; what is no address is another name of the table: the answer is a CNAME, and with
    it what that name has. A question of a family that a name has no address of is answered without any.
    """

    def __init__(self, names: Mapping[str, str | Sequence[str]]) -> None:
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
            if not data.startswith(b"\x06silent", _HEADER_BYTES):
                self._socket.sendto(self._answer(data), asker)

    def _answer(self, data: bytes) -> bytes:
        """An answer in the form of RFC 1035, section 4.1."""
        labels, at = [], _HEADER_BYTES
        while data[at]:
            labels.append(data[at + 1 : at + 1 + data[at]].decode())
            at += 1 + data[at]
        (kind,) = struct.unpack_from("!H", data, at + 1)
        code = {"gone": _NXDOMAIN, "broken": _SERVFAIL}.get(labels[0], 0)
        records = [] if code else list(self._records(".".join(labels).lower(), kind))
        head = data[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, len(records), 0, 0)
        return head + data[_HEADER_BYTES : at + 5] + b"".join(records)

    def _records(self, name: str, asked: int):
        known = self._names.get(name, ())
        for has in (known,) if isinstance(known, str) else known:
            if ":" in has:
                kind, data = _AAAA, socket.inet_pton(socket.AF_INET6, has)
            elif has.replace(".", "").isdigit():
                kind, data = _A, socket.inet_aton(has)
            else:
                yield _record(name, _CNAME, _encoded(has))
                yield from self._records(has, asked)
                continue
            if kind == asked:
                yield _record(name, kind, data)


def _record(name: str, kind: int, data: bytes) -> bytes:
    return _encoded(name) + struct.pack("!HHIH", kind, 1, _TTL_S, len(data)) + data


def _encoded(name: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
