"""Small documents, pictures, sounds and films of our own making, byte by byte where no library of ours writes them."""

from __future__ import annotations

import io
import math
import struct
import wave

from PIL import Image

ENCRYPTION = (
    b"/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <" + b"00" * 32 + b"> /U <" + b"00" * 32 + b"> >> "
    b"/ID [<00> <00>] "
)


def pdf(pages, information="", encrypted=False):
    """A PDF with one line of text a page, and a cross-reference table."""
    kids = " ".join(f"{4 + 2 * i} 0 R" for i in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for i, text in enumerate(pages):
        stream = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET"
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {5 + 2 * i} 0 R"
            " /Resources << /Font << /F1 3 0 R >> >> >>"
        )
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
    objects.append(f"<< {information} >>")
    out = b"%PDF-1.4\n"
    offsets = []
    for number, text in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n{text}\nendobj\n".encode("cp1252")
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets).encode()
    trailer = b"<< /Size %d /Root 1 0 R /Info %d 0 R >>" % (len(objects) + 1, len(objects))
    if encrypted:
        trailer = trailer.replace(b"/Root", ENCRYPTION + b"/Root")
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    return out + head + table + b"trailer\n" + trailer + b"\nstartxref\n%d\n%%%%EOF\n" % len(out)


def image(kind, mode="RGB", size=(40, 30), **options):
    buffer = io.BytesIO()
    Image.new(mode, size).save(buffer, kind, **options)
    return buffer.getvalue()


def photograph():
    """A JPEG with Exif data: who made the camera, and in directories of their own the exposure and the place."""
    exif = Image.Exif()
    exif[0x010F] = "Camera works"
    exif.get_ifd(0x8769)[0x829A] = 0.5
    exif.get_ifd(0x8825).update({1: "S", 2: (33.0, 51.0, 24.9), 3: "E", 4: (151.0, 12.0, 36.0)})
    return image("JPEG", exif=exif)


def wav(seconds=1, rate=8000, channels=1):
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(b"".join(struct.pack("<h", int(999 * math.sin(n))) for n in range(rate * seconds)) * channels)
    return buffer.getvalue()


def mp3(frames=100, title=""):
    """MPEG-1 layer III, 128 kbit/s at 44.1 kHz: frames of 417 bytes and 1,152 samples; ID3v2.3 in front for a title."""
    tag = b""
    if title:
        text = b"\x03" + title.encode()
        frame = b"TIT2" + struct.pack(">I", len(text)) + bytes(2) + text
        tag = b"ID3\x03\0\0" + bytes([0, 0, len(frame) >> 7, len(frame) & 127]) + frame
    return tag + (b"\xff\xfb\x90\x00" + bytes(413)) * frames


def flac(seconds=2, rate=8000, title="A sound"):
    """STREAMINFO and a comment (RFC 9639, section 8), and no frame."""
    counts = (rate << 44) | (15 << 36) | (rate * seconds)
    info = struct.pack(">HH", 4096, 4096) + bytes(6) + counts.to_bytes(8) + bytes(16)
    comment = f"TITLE={title}".encode()
    comments = struct.pack("<I4sII", 4, b"test", 1, len(comment)) + comment
    return b"fLaC\0" + len(info).to_bytes(3) + info + b"\x84" + len(comments).to_bytes(3) + comments + bytes(500)


def _box(kind, *parts):
    body = b"".join(parts)
    return struct.pack(">I", 8 + len(body)) + kind + body


def _full_box(kind, *parts):
    return _box(kind, bytes(4), *parts)


def mp4(codec=b"avc1", *, sound=False, seconds=3, size=(64, 48), tags=()):
    """One stream, of pictures or of sound, and iTunes tags as (box, text); 3,000 bytes in place of its samples."""
    shape = struct.pack(">IH", 0x10000, 0x100) + bytes(70) + struct.pack(">I", 2)
    mvhd = _full_box(b"mvhd", struct.pack(">IIII", 0, 0, 1000, seconds * 1000), shape)
    mdhd = _full_box(b"mdhd", struct.pack(">IIII", 0, 0, 1000, seconds * 1000), bytes(4))
    hdlr = _full_box(b"hdlr", bytes(4), b"soun" if sound else b"vide", bytes(13))
    if sound:
        descriptors = b"\x03\x19\0\x01\0\x04\x11\x40\x15\0\0\0" + struct.pack(">II", 128_000, 128_000)
        esds = _full_box(b"esds", descriptors, b"\x05\x02\x12\x10\x06\x01\x02")
        entry = _box(codec, bytes(7), b"\x01", bytes(8), struct.pack(">HHII", 2, 16, 0, 44_100 << 16), esds)
    else:
        entry = _box(codec, bytes(7), b"\x01", bytes(16), struct.pack(">HH", *size), bytes(50))
    stsd = _full_box(b"stsd", struct.pack(">I", 1), entry)
    trak = _box(b"trak", _box(b"mdia", mdhd, hdlr, _box(b"minf", _box(b"stbl", stsd))))
    items = [_box(kind, _box(b"data", struct.pack(">II", 1, 0), text.encode())) for kind, text in tags]
    meta = _full_box(b"meta", _full_box(b"hdlr", bytes(4), b"mdir", bytes(13)), _box(b"ilst", *items))
    brand = b"M4A " if sound else b"mp42"
    moov = _box(b"moov", mvhd, trak, _box(b"udta", meta))
    return _box(b"ftyp", brand, bytes(4), brand) + moov + _box(b"mdat", bytes(3000))


def _element(name, *parts):
    body = b"".join(parts)
    return bytes.fromhex(name) + struct.pack(">Q", len(body) | 1 << 56) + body


def webm(codecs=("V_VP9", "A_OPUS"), seconds=2.0, size=(64, 48)):
    """Matroska (RFC 9559): its duration, and a track for each codec."""
    head = _element("1a45dfa3", _element("4282", b"webm"))
    info = _element("1549a966", _element("2ad7b1", struct.pack(">I", 1_000_000)))
    if seconds:
        info = _element("1549a966", _element("4489", struct.pack(">d", seconds * 1000)))
    shape = _element("e0", _element("b0", struct.pack(">H", size[0])), _element("ba", struct.pack(">H", size[1])))
    tracks = [_element("ae", _element("86", name.encode()), shape if name[0] == "V" else b"") for name in codecs]
    return head + _element("18538067", info, _element("1654ae6b", *tracks), bytes(1000))
