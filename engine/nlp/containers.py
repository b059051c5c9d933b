"""What a video's container says of its streams: codecs, picture size, duration. MP4 (and M4A) and WebM (Matroska).

Both are boxes in boxes, each with its kind and length in front, so only a few hundred bytes are looked at however long
the film is. A box that claims more than there is ends where the bytes end; what cannot be read is left out.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from engine.nlp import clean

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The usual names of codecs, by what MP4 (the registered sample entries) and Matroska (its codec mappings) call them.
_CODECS: Final = {
    "avc1": "h264",
    "avc3": "h264",
    "hvc1": "hevc",
    "hev1": "hevc",
    "av01": "av1",
    "vp09": "vp9",
    "vp08": "vp8",
    "mp4v": "mpeg4",
    "mp4a": "aac",
    "ac-3": "ac3",
    "fLaC": "flac",
    "Opus": "opus",
    "V_MPEG4/ISO/AVC": "h264",
    "V_MPEGH/ISO/HEVC": "hevc",
    "V_AV1": "av1",
    "V_VP9": "vp9",
    "V_VP8": "vp8",
    "A_OPUS": "opus",
    "A_VORBIS": "vorbis",
    "A_AAC": "aac",
}
#: More boxes beside each other, or streams, than any film has: a bound for hostile files.
_MOST_BOXES: Final = 1_000
_MOST_STREAMS: Final = 16
#: Of a sample entry, up to and with a picture's size (ISO/IEC 14496-12, 12.1.3).
_ENTRY_BYTES: Final = 36

#: Elements of Matroska (RFC 9559, section 5): their ids as they are written.
_SEGMENT: Final = 0x18538067
_INFO: Final = 0x1549A966
_SCALE: Final = 0x2AD7B1
_DURATION: Final = 0x4489
_TRACKS: Final = 0x1654AE6B
_TRACK: Final = 0xAE
_CODEC_ID: Final = 0x86
_VIDEO: Final = 0xE0
_WIDTH: Final = 0xB0
_HEIGHT: Final = 0xBA
_DEFAULT_SCALE_NS: Final = 1_000_000


@dataclass(slots=True)
class Container:
    """A file's streams: their codecs in order, the first picture's size in pixels, the duration in seconds; 0: none."""

    codecs: list[str] = field(default_factory=list)
    width: int = 0
    height: int = 0
    duration_s: float = 0.0

    def add(self, codec: str, width: int = 0, height: int = 0) -> None:
        """One more stream."""
        name = clean.line(_CODECS.get(codec, codec), 40)
        if name and name not in self.codecs and len(self.codecs) < _MOST_STREAMS:
            self.codecs.append(name)
        if width and height and not self.width:
            self.width, self.height = width, height


def read_container(body: bytes) -> Container:
    """The streams of a WebM file, or else of an MP4; none where it is damaged before it names them."""
    found = Container()
    if body.startswith(b"\x1a\x45\xdf\xa3"):
        _read_webm(body, found)
    else:
        _read_mp4(body, found)
    return found


def _read_mp4(body: bytes, found: Container) -> None:
    """ISO/IEC 14496-12: moov holds mvhd (duration) and traks; each trak's stsd names its codec."""
    for moov in _mp4_boxes(body, 0, len(body), b"moov"):
        for start, end in _mp4_boxes(body, *moov, b"mvhd"):
            wide = body[start : start + 1] == b"\x01"
            layout, at = (">IQ", start + 20) if wide else (">II", start + 12)
            if at + struct.calcsize(layout) <= end:
                scale, duration = struct.unpack_from(layout, body, at)
                found.duration_s = duration / scale if scale else 0.0
        for trak in _mp4_boxes(body, *moov, b"trak"):
            for mdia in _mp4_boxes(body, *trak, b"mdia"):
                _read_stream(body, mdia, found)


def _read_stream(body: bytes, mdia: tuple[int, int], found: Container) -> None:
    """One stream: its hdlr says whether it is a picture, the first entry of its stsd which codec, and which size."""
    is_picture = any(body[start + 8 : start + 12] == b"vide" for start, _ in _mp4_boxes(body, *mdia, b"hdlr"))
    for minf in _mp4_boxes(body, *mdia, b"minf"):
        for stbl in _mp4_boxes(body, *minf, b"stbl"):
            for start, end in _mp4_boxes(body, *stbl, b"stsd"):
                entry = body[start + 8 : min(end, start + 8 + _ENTRY_BYTES)]
                has_size = is_picture and len(entry) == _ENTRY_BYTES
                size = struct.unpack_from(">HH", entry, 32) if has_size else (0, 0)
                found.add(entry[4:8].decode("latin-1").strip(), *size)


def _mp4_boxes(body: bytes, start: int, end: int, wanted: bytes) -> Iterator[tuple[int, int]]:
    """Where the contents of the boxes called `wanted` begin and end, of those that lie between `start` and `end`."""
    for _ in range(_MOST_BOXES):
        if start + 8 > end:
            return
        size = int.from_bytes(body[start : start + 4])
        kind = body[start + 4 : start + 8]
        head = 8
        if size == 1:
            size, head = int.from_bytes(body[start + 8 : start + 16]), 16
        elif size == 0:  # to the end of the file
            size = end - start
        if size < head:
            return
        if kind == wanted:
            yield start + head, min(start + size, end)
        start += size


def _read_webm(body: bytes, found: Container) -> None:
    for segment in _elements(body, 0, len(body), _SEGMENT):
        for info in _elements(body, *segment, _INFO):
            scale = next((_number(body, *at) for at in _elements(body, *info, _SCALE)), _DEFAULT_SCALE_NS)
            for start, end in _elements(body, *info, _DURATION):
                if end - start in {4, 8}:
                    (ticks,) = struct.unpack_from(">f" if end - start == 4 else ">d", body, start)  # noqa: PLR2004
                    found.duration_s = ticks * scale / 1e9 if math.isfinite(ticks) else 0.0
        for tracks in _elements(body, *segment, _TRACKS):
            for track in _elements(body, *tracks, _TRACK):
                codec = next((body[start:end] for start, end in _elements(body, *track, _CODEC_ID)), b"")
                size = [
                    next((_number(body, *at) for at in _elements(body, *video, name)), 0)
                    for video in _elements(body, *track, _VIDEO)
                    for name in (_WIDTH, _HEIGHT)
                ]
                found.add(codec[:64].decode("latin-1").rstrip("\0"), *size[:2])


def _elements(body: bytes, start: int, end: int, wanted: int) -> Iterator[tuple[int, int]]:
    """As :func:`_mp4_boxes`, of EBML (RFC 8794, sections 4 to 6): id and size are numbers of variable length."""
    for _ in range(_MOST_BOXES):
        if start >= end:
            return
        id_length = 9 - body[start].bit_length()
        at = start + id_length
        if not body[start] or at >= end or not body[at]:
            return
        size_length = 9 - body[at].bit_length()
        content = at + size_length
        size = int.from_bytes(body[at:content]) & ((1 << 7 * size_length) - 1)
        # All ones: a size that was not known when it was written; such an element goes on to the end.
        until = end if size == (1 << 7 * size_length) - 1 else min(content + size, end)
        if int.from_bytes(body[start:at]) == wanted:
            yield content, until
        start = until


def _number(body: bytes, start: int, end: int) -> int:
    return int.from_bytes(body[start : min(end, start + 8)])
