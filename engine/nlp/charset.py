"""Bytes to text, in the order of the WHATWG Encoding and HTML standards.

A byte order mark, then the header's charset, then what the first 1024 bytes declare (HTML, 13.2.3.2 "prescan"; an XML
declaration likewise), then a guess: valid UTF-8 is UTF-8, all else is chardet's. Decoding never fails: what is broken
becomes U+FFFD. The one refusal is an encoding that the standard replaces by nothing (:class:`RefusedEncodingError`).
"""

from __future__ import annotations

import codecs
import re
from typing import Final, NamedTuple

import chardet
import webencodings
from chardet.enums import EncodingEra

PRESCAN_BYTES: Final = 1024

#: chardet's answer is settled long before this; a body may be 10 MiB.
_GUESS_BYTES: Final = 65_536

#: Python's codecs that decode what browsers do under the standard's names (measured; see the project's notes).
_CODECS: Final = {"shift_jis": "cp932", "euc-kr": "cp949", "big5": "big5hkscs", "gbk": "gb18030"}

_BOMS: Final = ((b"\xef\xbb\xbf", "utf-8"), (b"\xfe\xff", "utf-16be"), (b"\xff\xfe", "utf-16le"))

#: What the prescan acts on: comments, meta elements, other tags (whose attributes are skipped), declarations.
_MARKUP: Final = re.compile(rb"<!--|<meta[\s/]|</?[a-z][^\s>]*|<[!/?][^>]*>", re.IGNORECASE)
_ATTRIBUTE: Final = re.compile(
    rb"""[\s/]*([^\s/>=][^\s/>=]*|=[^\s/>=]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"'][^\s>]*)?))?""", re.DOTALL
)
_CONTENT_CHARSET: Final = re.compile(rb"""charset\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s;"']+))""", re.IGNORECASE)
_XML_ENCODING: Final = re.compile(rb"""<\?xml[^>]*?encoding\s*=\s*["']([^"'>]+)["']""")


class RefusedEncodingError(ValueError):
    """The text is declared in an encoding that the Encoding Standard maps to "replacement": not to be decoded."""


class Decoded(NamedTuple):
    """Text, and the standard's name of the encoding that it was read in."""

    text: str
    encoding: str


def decode(body: bytes, header_charset: str | None, *, markup: bool = True) -> Decoded:
    """The text of a body. `markup`: its start may declare an encoding (HTML, XML), so prescan it.

    Raises RefusedEncodingError; no bytes raise anything else.
    """
    for mark, marked in _BOMS:
        if body.startswith(mark):
            return Decoded(_decode(body[len(mark) :], marked), marked)
    name = _lookup(header_charset) or (prescan(body) if markup else None)
    if name is None:
        return _guess(body)
    if name == "replacement":
        raise RefusedEncodingError(f"the text is declared as {header_charset or 'an encoding'} that no browser decodes")
    return Decoded(_decode(body, name), name)


def prescan(body: bytes) -> str | None:
    """The encoding that the first 1024 bytes declare, by the standard's name, or None."""
    head = body[:PRESCAN_BYTES]
    at = 0
    while found := _MARKUP.search(head, at):
        at = found.end()
        token = found.group().lower()
        if token == b"<!--":
            # "<!-->" is a whole comment: its end may share the dashes of its start.
            end = head.find(b"-->", found.start() + 2)
            if end < 0:
                break
            at = end + 3
        elif token.startswith(b"<meta"):
            attributes, at = _attributes(head, at)
            if name := _declared(attributes):
                return name
        elif token[1:2] not in b"!?" and not token.endswith(b">"):
            _, at = _attributes(head, at)
    xml = _XML_ENCODING.match(head)
    return _for_ascii_text(_lookup(xml.group(1).decode("latin-1"))) if xml else None


def _attributes(head: bytes, at: int) -> tuple[dict[bytes, bytes], int]:
    """The attributes of the tag at `at`, the first of a name kept; and where the tag ends."""
    attributes: dict[bytes, bytes] = {}
    while found := _ATTRIBUTE.match(head, at):
        name, double, single, bare = found.groups()
        attributes.setdefault(name.lower(), double or single or bare or b"")
        at = found.end()
    return attributes, at


def _declared(attributes: dict[bytes, bytes]) -> str | None:
    """What one meta element declares: its charset, or that of a content-type pragma."""
    if b"charset" in attributes:
        label = attributes[b"charset"]
    elif attributes.get(b"http-equiv", b"").lower() == b"content-type":
        found = _CONTENT_CHARSET.search(attributes.get(b"content", b""))
        label = next(filter(None, found.groups()), b"") if found else b""
    else:
        return None
    return _for_ascii_text(_lookup(label.decode("latin-1")))


def _for_ascii_text(name: str | None) -> str | None:
    """A declaration that was read as ASCII cannot be in UTF-16 (prescan, steps 13 and 14)."""
    if name in {"utf-16le", "utf-16be"}:
        return "utf-8"
    return "windows-1252" if name == "x-user-defined" else name


def _lookup(label: str | None) -> str | None:
    encoding = webencodings.lookup(label) if label else None
    return encoding.name if encoding else None


def _decode(body: bytes, name: str) -> str:
    codec = _CODECS.get(name)
    if codec is None:
        encoding = webencodings.lookup(name)
        # Not every guess of chardet's has a label in the standard; it is then Python's own codec's name.
        return encoding.codec_info.decode(body, "replace")[0] if encoding else codecs.decode(body, name, "replace")
    return codecs.decode(body, codec, "replace")


def _guess(body: bytes) -> Decoded:
    # The seven-bit encodings (ISO-2022-JP) are valid UTF-8 with escapes: those are left to chardet.
    if b"\x1b" not in body:
        try:
            return Decoded(body.decode("utf-8"), "utf-8")
        except UnicodeDecodeError:
            pass
    guess = chardet.detect(
        body, max_bytes=_GUESS_BYTES, encoding_era=EncodingEra.MODERN_WEB, prefer_superset=True, compat_names=False
    )
    name = guess["encoding"] or "windows-1252"
    known = _lookup(name)
    return Decoded(_decode(body, known or name), known or name)
