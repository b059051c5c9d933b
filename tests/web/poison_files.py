"""Poisoned files that are no text: PDF, images, sound; see poison.py."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    Poison = Callable[[float], tuple[bytes, str]]

PDF: Final = "application/pdf"
PNG: Final = "image/png"
_FONT: Final = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"


def pdf(*objects: bytes, trailer: bytes = b"") -> tuple[bytes, str]:
    """A PDF of these objects, numbered from 1, the first its catalog."""
    out = bytearray(b"%PDF-1.7\n")
    places = []
    for number, written in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, written)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R %b >>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, trailer, start)
    return bytes(out), PDF


def stream(data: bytes, more: bytes = b"") -> bytes:
    return b"<< /Length %d %b >>\nstream\n%b\nendstream" % (len(data), more, data)


def _page(contents: bytes, resources: bytes = b"/Font << /F 5 0 R >>") -> tuple[bytes, ...]:
    """The first four objects of a document of one page, and its contents; the fifth is to be the font."""
    return (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R /Resources << %b >> >>" % resources,
        contents,
    )


def _deflated(data: bytes) -> bytes:
    return stream(zlib.compress(data, 9), b"/Filter /FlateDecode")


def _pages_loop(_: float) -> tuple[bytes, str]:
    """A tree of pages that holds itself."""
    return pdf(
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R 2 0 R] /Count 1000000 >>",
        b"<< /Type /Pages /Parent 2 0 R /Kids [2 0 R 3 0 R] /Count 1000 >>",
    )


def _forms_loop(_: float) -> tuple[bytes, str]:
    """A drawing that draws itself."""
    form = stream(b"/X Do", b"/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X 6 0 R >> >>")
    return pdf(*_page(stream(b"/X Do"), b"/XObject << /X 6 0 R >>"), _FONT, form)


def _forms_doubling(scale: float) -> tuple[bytes, str]:
    """Drawings that each draw the next one ten times: 10^9 at 9 levels."""
    levels = max(2, int(9 * scale))
    text = stream(b"BT /F 12 Tf (word ) Tj ET", b"/Type /XObject /Subtype /Form /BBox [0 0 9 9] "
                  b"/Resources << /Font << /F 5 0 R >> >>")  # fmt: skip
    forms = [
        stream(
            b"/X Do " * 10,
            b"/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X %d 0 R >> >>" % (7 + level),
        )
        for level in range(levels)
    ]
    return pdf(*_page(stream(b"/X Do"), b"/XObject << /X 6 0 R >>"), _FONT, *forms, text)


def _self_reference(_: float) -> tuple[bytes, str]:
    """Objects that are references to themselves, and a length that is its own stream's."""
    return pdf(
        b"<< /Type /Catalog /Pages 2 0 R /Outlines 6 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 7 0 R >>",
        b"<< /Type /Page /Parent 3 0 R /MediaBox 7 0 R /Contents [4 0 R 8 0 R] /Resources 3 0 R >>",
        b"<< /Length 4 0 R >>\nstream\nBT ET\nendstream",
        _FONT,
        b"<< /First 6 0 R /Last 6 0 R /Next 6 0 R /Prev 6 0 R /Title (x) >>",
        b"7 0 R",
        b"[8 0 R 8 0 R 4 0 R]",
        trailer=b"/Info 7 0 R",
    )


def _xref_loop(_: float) -> tuple[bytes, str]:
    """Cross-reference tables of which each is the one before the other."""
    body, kind = pdf(*_page(stream(b"BT ET")), _FONT)
    start = body.index(b"xref\n0")
    return body.replace(b"/Root 1 0 R", b"/Root 1 0 R /Prev %d /XRefStm %d" % (start, start)), kind


def _pdf_nested(scale: float) -> tuple[bytes, str]:
    deep = int(1_000_000 * scale)
    return pdf(*_page(stream(b"BT ET")), _FONT, b"[" * deep + b"]" * deep, trailer=b"/Info 6 0 R")


def _pdf_bomb(scale: float) -> tuple[bytes, str]:
    """A page's contents that inflate a thousandfold."""
    return pdf(*_page(_deflated(b"BT /F 12 Tf (word ) Tj ET " * int(20_000_000 * scale))), _FONT)


def _pdf_zeros(scale: float) -> tuple[bytes, str]:
    """Contents that were deflated four times."""
    data = bytes(int(1_000_000_000 * scale))
    for _ in range(4):
        data = zlib.compress(data, 9)
    filters = b"/Filter [/FlateDecode /FlateDecode /FlateDecode /FlateDecode]"
    return pdf(*_page(stream(data, filters)), _FONT)


def _pdf_pages(scale: float) -> tuple[bytes, str]:
    """Many pages, all of them the same object."""
    kids = b"3 0 R " * int(200_000 * scale)
    catalog, _, page, contents = _page(stream(b"BT /F 12 Tf (word ) Tj ET"))
    return pdf(catalog, b"<< /Type /Pages /Kids [%b] /Count %d >>" % (kids, len(kids) // 6), page, contents, _FONT)


def _pdf_letters(scale: float) -> tuple[bytes, str]:
    """Text of many letters, all in one place."""
    return pdf(*_page(_deflated(b"BT /F 12 Tf 1 0 0 1 0 0 Tm " + b"(abcdefghij) Tj " * int(100_000 * scale) + b"ET")),
               _FONT)  # fmt: skip


def _pdf_scattered(scale: float) -> tuple[bytes, str]:
    """Letters each at a place of its own, in an order that has to be made."""
    letters = b"".join(b"1 0 0 1 %d %d Tm (a) Tj " % (n * 37 % 600, n * 91 % 800) for n in range(int(100_000 * scale)))
    return pdf(*_page(_deflated(b"BT /F 12 Tf " + letters + b"ET")), _FONT)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *chunks: bytes, data: bytes = b"") -> tuple[bytes, str]:
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + _chunk(b"IDAT", data) + _chunk(b"IEND", b""), PNG


def _png_huge(scale: float) -> tuple[bytes, str]:
    """A few hundred kilobytes of 50,000 x 50,000 pixels."""
    side = int(50_000 * scale)
    return png(side, side, data=zlib.compress(bytes((side // 8 + 1) * side), 9))


def _png_text(scale: float) -> tuple[bytes, str]:
    """Comments that inflate a thousandfold."""
    text = _chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"a" * int(100_000_000 * scale), 9))
    profile = _chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(int(100_000_000 * scale)), 9))
    return png(8, 8, profile, *[text] * 10, data=zlib.compress(bytes(16)))


def _png_chunks(scale: float) -> tuple[bytes, str]:
    return png(8, 8, _chunk(b"tEXt", b"a\0b") * int(500_000 * scale), data=zlib.compress(bytes(16)))


def _tiff_loop(_: float) -> tuple[bytes, str]:
    """Directories in a ring, and one that is its own Exif."""
    entries = struct.pack("<HHII", 256, 3, 1, 8) + struct.pack("<HHII", 257, 3, 1, 8)
    entries += struct.pack("<HHII", 34665, 4, 1, 8)
    return b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", 3) + entries + struct.pack("<I", 8), "image/tiff"


def _tiff_tags(scale: float) -> tuple[bytes, str]:
    """A directory of 65,535 tags, each of which says that it holds all of the file."""
    count = max(3, int(65_535 * scale))
    size = 8 + 2 + 12 * count + 4
    body = b"II*\0" + struct.pack("<IH", 8, count)
    body += b"".join(struct.pack("<HHII", 40_000 + n % 25_000, 1, size, 0) for n in range(count))
    return body + bytes(4), "image/tiff"


def _gif_frames(scale: float) -> tuple[bytes, str]:
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 65_535, 65_535, 0) + b"\x02\x02\x4c\x01\x00"
    return b"GIF89a" + struct.pack("<HHBBB", 65_535, 65_535, 0, 0, 0) + frame * int(300_000 * scale) + b";", "image/gif"


def _jpeg_markers(scale: float) -> tuple[bytes, str]:
    """Many application segments, with an Exif one that points at itself."""
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0" + struct.pack("<HHII", 34665, 4, 1, 8) + b"\x08\0\0\0"
    segments = b"".join(b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif for _ in range(int(300_000 * scale)))
    return b"\xff\xd8" + segments + b"\xff\xd9", "image/jpeg"


def _mp4_loop(scale: float) -> tuple[bytes, str]:
    """Boxes in boxes, the innermost of no size."""
    deep = max(3, int(100_000 * scale))
    body = struct.pack(">I", 16) + b"ftypM4A \0\0\0\0"
    return body + (struct.pack(">I", 0x7FFFFFFF) + b"moov") * deep + struct.pack(">I", 0) + b"trak", "audio/mp4"


def _id3_huge(scale: float) -> tuple[bytes, str]:
    """A tag that says it has 256 MB, of frames without a size."""
    return b"ID3\x03\0\0\x7f\x7f\x7f\x7f" + b"TIT2\0\0\0\0\0\0" * int(500_000 * scale), "audio/mpeg"


def _mpeg_frames(scale: float) -> tuple[bytes, str]:
    """Headers of sound without the sound."""
    return b"\xff\xfb\x90\x00" * int(3_000_000 * scale), "audio/mpeg"


def _ogg_pages(scale: float) -> tuple[bytes, str]:
    page = b"OggS\0\0" + bytes(20) + b"\x01\x01x"
    return page * int(300_000 * scale), "audio/ogg"


def _flac_blocks(scale: float) -> tuple[bytes, str]:
    """Blocks of comments that say there are four billion of them."""
    return b"fLaC" + b"\x04\0\0\x08\0\0\0\0\xff\xff\xff\xff" * int(500_000 * scale), "audio/flac"


def _wav_chunks(scale: float) -> tuple[bytes, str]:
    return b"RIFF\xff\xff\xff\xffWAVE" + b"LIST\0\0\0\0" * int(500_000 * scale), "audio/wav"


POISONS: Final[dict[str, Poison]] = {
    "pdf-pages-loop": _pages_loop,
    "pdf-forms-loop": _forms_loop,
    "pdf-forms-doubling": _forms_doubling,
    "pdf-self-reference": _self_reference,
    "pdf-xref-loop": _xref_loop,
    "pdf-nested": _pdf_nested,
    "pdf-bomb": _pdf_bomb,
    "pdf-zeros": _pdf_zeros,
    "pdf-pages": _pdf_pages,
    "pdf-letters": _pdf_letters,
    "pdf-scattered": _pdf_scattered,
    "png-huge": _png_huge,
    "png-text": _png_text,
    "png-chunks": _png_chunks,
    "tiff-loop": _tiff_loop,
    "tiff-tags": _tiff_tags,
    "gif-frames": _gif_frames,
    "jpeg-markers": _jpeg_markers,
    "mp4-loop": _mp4_loop,
    "id3-huge": _id3_huge,
    "mpeg-frames": _mpeg_frames,
    "ogg-pages": _ogg_pages,
    "flac-blocks": _flac_blocks,
    "wav-chunks": _wav_chunks,
}
