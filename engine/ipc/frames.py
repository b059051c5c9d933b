"""The one frame that all processes of a run exchange: a JSON header and an opaque body (pure codec).

Layout: total length (u32, big endian, of what follows it), header length (u32), header (a JSON object with a string
`type`), body. Bodies are pages and rows and are never parsed or pickled on the way.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import Any, Final

import orjson

_LENGTHS: Final = Struct(">II")
_HEADER_LENGTH_BYTES: Final = 4

#: Above any page (max_body_bytes) or ingest batch that the engine sends: a longer frame is a broken peer.
MAX_FRAME_BYTES: Final = 1 << 30

#: A body up to this size is written with its header: a copy of it costs less than a write of its own, which would also
#: wake the peer for the header alone.
JOINED_BYTES: Final = 1 << 18

Header = dict[str, Any]


class FrameError(ValueError):
    """A peer sent bytes that are no frame."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message: `header["type"]` names it (see :mod:`engine.model.messages`)."""

    header: Header
    body: bytes = b""

    @property
    def type(self) -> str:
        """The message's name."""
        return str(self.header["type"])


def encode(header: Header, body: bytes = b"") -> list[bytes]:
    """The buffers to write, in order; a body of more than JOINED_BYTES is passed through without a copy."""
    head = orjson.dumps(header)
    prefix = _LENGTHS.pack(_HEADER_LENGTH_BYTES + len(head) + len(body), len(head))
    return [prefix + head + body] if len(body) <= JOINED_BYTES else [prefix + head, body]


class Decoder:
    """Turns a byte stream into frames; keeps at most one incomplete frame."""

    def __init__(self, max_frame_bytes: int = MAX_FRAME_BYTES) -> None:
        self._buffer = bytearray()
        self._max = max_frame_bytes

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that `data` completes, in order. Raises FrameError on what cannot be one."""
        buffer = self._buffer
        buffer += data
        frames: list[Frame] = []
        start = 0
        while len(buffer) - start >= _LENGTHS.size:
            total, head = _LENGTHS.unpack_from(buffer, start)
            if total > self._max or head + _HEADER_LENGTH_BYTES > total:
                message = f"a frame of {total} bytes with a header of {head}"
                raise FrameError(message)
            end = start + _HEADER_LENGTH_BYTES + total
            if len(buffer) < end:
                break
            header_start = start + _LENGTHS.size
            with memoryview(buffer) as view:
                header = orjson.loads(view[header_start : header_start + head])
                body = bytes(view[header_start + head : end])
            if not isinstance(header, dict) or "type" not in header:
                message = "a frame whose header names no type"
                raise FrameError(message)
            frames.append(Frame(header, body))
            start = end
        if start:
            del buffer[:start]
        return frames
