"""What a body really is: its type by its first bytes, with the server's header as the weaker witness.

Signatures and the text-or-binary rule are those of the WHATWG MIME Sniffing Standard (sections 4 to 7). Two departures,
because nothing here is ever executed: a signature wins over any header, and text that opens with a doctype or an html
element is HTML whatever the header says.
"""

from __future__ import annotations

import re
from typing import Final

#: The standard's "resource header": no rule looks further into a body.
HEADER_BYTES: Final = 1445

OCTET_STREAM: Final = "application/octet-stream"

#: What servers write for a type that has another name here.
_ALIASES: Final = {
    "application/xhtml+xml": "text/html",
    "application/x-pdf": "application/pdf",
    "application/x-gzip": "application/gzip",
    "application/x-zip-compressed": "application/zip",
    "application/x-json": "application/json",
    "text/json": "application/json",
    "text/xml": "application/xml",
    "text/x-markdown": "text/markdown",
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/x-png": "image/png",
    "audio/mp3": "audio/mpeg",
    "audio/x-mpeg": "audio/mpeg",
    "audio/wave": "audio/wav",
    "audio/x-wav": "audio/wav",
    "audio/vnd.wave": "audio/wav",
    "audio/m4a": "audio/mp4",
    "audio/x-m4a": "audio/mp4",
    "audio/x-flac": "audio/flac",
    "application/ogg": "audio/ogg",
    "video/x-m4v": "video/mp4",
}

#: Headers by which a server says that it does not know (section 7.1, and the generic download type).
_UNKNOWN: Final = frozenset({"", "unknown/unknown", "application/unknown", "*/*", OCTET_STREAM, "binary/octet-stream"})

#: (offset, bytes, type): the first that matches wins.
_SIGNATURES: Final = (
    (0, b"%PDF-", "application/pdf"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBPVP", "image/webp"),
    (8, b"WAVE", "audio/wav"),
    (8, b"AVI ", "video/avi"),
    (4, b"ftyp", "video/mp4"),
    (0, b"\x1a\x45\xdf\xa3", "video/webm"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"OggS\x00", "audio/ogg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"PK\x05\x06", "application/zip"),
    (0, b"\x1f\x8b\x08", "application/gzip"),
    (0, b"Rar!\x1a\x07", "application/x-rar-compressed"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"wOF2", "font/woff2"),
    (0, b"wOFF", "font/woff"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
)

#: An ISO media file's major brand, where it is no video (ISO/IEC 14496-12, and the registered brands).
_ISO_BRANDS: Final = {
    b"M4A ": "audio/mp4",
    b"M4B ": "audio/mp4",
    b"avif": "image/avif",
    b"heic": "image/heic",
    b"mif1": "image/heic",
}

_BOMS: Final = (b"\xef\xbb\xbf", b"\xfe\xff", b"\xff\xfe")

#: Bytes that occur in no text (section 3, "binary data byte").
_BINARY: Final = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")

#: A document that can only be HTML: its doctype or root element, after comments and an XML declaration. Nothing here is
#: ever given back (*+): comments that could also end at a later end took 2^n steps for n of them.
_HTML_ROOT: Final = re.compile(
    rb"\s*+(?:(?:<\?xml[^>]*+>|<!--(?:[^-]|-(?!->))*+-->)\s*+)*+<(?:!doctype\s++html|html)[\s>]", re.IGNORECASE
)

#: Section 7.1's tags that make a body of unknown type HTML.
_HTML_TAG: Final = re.compile(
    rb"\s*<(?:!--|(?:!doctype html|html|head|script|iframe|h1|div|font|table|a|style|title|b|body|br|p)[\s>])",
    re.IGNORECASE,
)

_XML: Final = re.compile(rb"\s*<\?xml")

#: Signatures with more in them than fixed bytes. MPEG audio, layer III: sync, version, a valid bit rate. BMP: its
#: reserved zeros too, since two letters alone begin many a text. PDF: after white space, as readers accept it.
_PATTERNS: Final = (
    (re.compile(rb"\xff[\xe2\xe3\xf2\xf3\xfa\xfb][\x10-\xef]"), "audio/mpeg"),
    (re.compile(rb"BM.{4}\x00{4}", re.DOTALL), "image/bmp"),
    (re.compile(rb"\s+%PDF-"), "application/pdf"),
)


def parse_content_type(header: str) -> tuple[str, str | None]:
    """(essence under its usual name, charset parameter or None) of a Content-Type header; ("", None) without one."""
    essence, _, parameters = header.partition(";")
    charset = None
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset" and charset is None:
            charset = value.strip().strip("\"'").strip() or None
    return canonical(essence), charset


def canonical(essence: str) -> str:
    """A type without its parameters, lower case, under the one name used here."""
    essence = essence.strip().lower()
    return _ALIASES.get(essence, essence)


def sniff(body: bytes, supplied: str) -> str:
    """The type of `body`; `supplied` is the canonical essence of the header, "" where none came."""
    head = body[:HEADER_BYTES]
    if binary := _by_signature(head):
        # The office formats, e-books and packages are zip files, and only the header tells which.
        named = supplied.startswith("application/") and supplied not in _UNKNOWN
        return supplied if binary == "application/zip" and named else binary
    text = head[3:] if head.startswith(b"\xef\xbb\xbf") else head
    if _HTML_ROOT.match(text):
        return "text/html"
    if supplied in _UNKNOWN:
        return _of_unknown(head, text)
    if _is_textual(supplied):
        if supplied == "text/html" and _XML.match(text):
            return "application/xml"  # a feed, mostly: an XHTML root was seen above
        return OCTET_STREAM if _is_binary(head) and b"<" not in head else supplied
    # A type with a signature, or a private one: an error page sent under an image's type is still a page.
    return "text/html" if _HTML_TAG.match(text) else supplied


def _by_signature(head: bytes) -> str | None:
    for offset, signature, found in _SIGNATURES:
        if head.startswith(signature, offset):
            return _ISO_BRANDS.get(head[8:12], found) if signature == b"ftyp" else found
    return next((found for pattern, found in _PATTERNS if pattern.match(head)), None)


def _of_unknown(head: bytes, text: bytes) -> str:
    if _HTML_TAG.match(text):
        return "text/html"
    if _XML.match(text):
        return "application/xml"
    return OCTET_STREAM if _is_binary(head) else "text/plain"


def _is_textual(essence: str) -> bool:
    return essence.startswith("text/") or essence.endswith(("+xml", "+json", "/xml", "/json"))


def _is_binary(head: bytes) -> bool:
    return not head.startswith(_BOMS) and _BINARY.search(head) is not None
