"""Sitemaps and feeds: the URLs that a site lists of itself, read as a stream.

Sitemaps (sitemaps.org 0.9) come as XML, as a list of lines, and as an index of others; with images and news inside;
also packed with gzip, whatever their headers say. Feeds are RSS 2.0, RSS 1.0 (RDF) and Atom (RFC 4287). They are read
in pieces (:mod:`.xml_events`). What came before an error in a broken document is kept, and the error told.
"""

from __future__ import annotations

import zlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from xml.parsers.expat import ExpatError, errors

from engine.model.finding import Role, Source
from engine.nlp.charset import RefusedEncodingError, decode
from engine.nlp.xml_events import FEED_ROOTS, StopError, local_name, parser_for

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Twice what the sitemap protocol allows in one file; the rest of a longer one is not a site's but a flood's.
MAX_ENTRIES: Final = 100_000

_PIECE_BYTES: Final = 64 << 10
_GZIP_MAGIC: Final = b"\x1f\x8b"
_GZIP_WINDOW: Final = 31  # zlib's number for a gzip member of any window
#: What is kept of an element's text. An address must be shorter (sitemaps.org): one that is cut would be another's.
_MAX_TEXT_CHARS: Final = 2_048
_UNKNOWN_ENCODING: Final = errors.codes[errors.XML_ERROR_UNKNOWN_ENCODING]

_SITEMAP_ROOTS: Final = frozenset({"urlset", "sitemapindex"})
_ENTRIES: Final = frozenset({"url", "sitemap", "item", "entry"})

#: Of an entry, by local name: what is told of it besides its address.
_NOTED: Final = {
    "lastmod": "lastmod",
    "updated": "lastmod",
    "publication_date": "published",
    "pubdate": "published",
    "published": "published",
    "date": "published",
    "title": "title",
}


class Entry(NamedTuple):
    """A URL as a document has it, what it is said to be, who says so, and what else is said of it."""

    url: str
    expected: Role
    source: Source
    note: dict[str, Any] | None = None


@dataclass(slots=True)
class Listing:
    """What a document lists; `role` None: it is neither a sitemap nor a feed. `damaged` says why it ends early."""

    role: Role | None = None
    title: str = ""
    entries: list[Entry] = field(default_factory=list)
    damaged: str = ""


class _Reader:
    """Turns expat's events into entries."""

    def __init__(self, listing: Listing) -> None:
        self.listing = listing
        self._root = ""
        self._path: list[str] = []
        #: How many entries are open, by name: a path may be as deep as the document is long.
        self._open: Counter[str] = Counter()
        self._text: list[str] = []
        self._chars = 0
        self._url = ""
        self._note: dict[str, Any] = {}
        self._images = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        local = local_name(name)
        if not self._root:
            self._root = local
            if local in _SITEMAP_ROOTS:
                self.listing.role = Role.SITEMAP
            elif local in FEED_ROOTS:
                self.listing.role = Role.FEED
            else:
                raise StopError
        self._path.append(local)
        self._text.clear()
        self._chars = 0
        if local in _ENTRIES:
            self._open[local] += 1
            self._url, self._note, self._images = "", {}, 0
        elif local == "link" and self._open["entry"] and attributes.get("rel", "alternate") == "alternate":
            self._url = self._url or attributes.get("href", "")

    def data(self, text: str) -> None:
        if self._chars < _MAX_TEXT_CHARS:
            self._text.append(text)
            self._chars += len(text)

    def end(self, name: str) -> None:
        local = local_name(name)
        text = " ".join("".join(self._text).split())[:_MAX_TEXT_CHARS]
        self._path.pop()
        self._text.clear()
        self._chars = 0
        if local in _ENTRIES:
            self._open[local] -= 1
            self._add(local)
        elif text and not any(self._open.values()):
            if local == "title" and not self.listing.title:
                self.listing.title = text
        elif text:
            self._fact(name.rpartition(":")[0].lower(), local, text)

    def _fact(self, prefix: str, local: str, text: str) -> None:
        inner = self._path[-1]
        if prefix == "image" or inner == "image":
            self._images += local == "loc"
        elif (local == "loc" and inner in {"url", "sitemap"}) or (local == "link" and inner in {"item", "entry"}):
            self._address(text)
        elif local in {"guid", "id"} and inner in {"item", "entry"}:
            if text.startswith(("http://", "https://")):
                self._address(text)
        elif local in _NOTED:
            self._note.setdefault(_NOTED[local], text)

    def _address(self, text: str) -> None:
        if not self._url and len(text) < _MAX_TEXT_CHARS:
            self._url = text

    def _add(self, local: str) -> None:
        if not self._url:
            return
        if self._images:
            self._note["images"] = self._images
        if local == "sitemap":
            entry = Entry(self._url, Role.SITEMAP, Source.SITEMAP, self._note or None)
        else:
            source = Source.SITEMAP if local == "url" else Source.FEED
            entry = Entry(self._url, Role.PAGE, source, self._note or None)
        self.listing.entries.append(entry)
        if len(self.listing.entries) >= MAX_ENTRIES:
            self.listing.damaged = f"only its first {MAX_ENTRIES} entries are read"
            raise StopError


def read_listing(body: bytes, max_bytes: int, *, lines: bool = False) -> Listing:
    """What a sitemap or feed lists; at most `max_bytes` of it, unpacked. `lines`: it may be a plain list of URLs."""
    listing = Listing()
    try:
        if lines and not _looks_like_xml(body, max_bytes):
            _read_lines(listing, body, max_bytes)
        else:
            _read_xml(listing, _pieces(body, max_bytes))
    except _UnpackError as error:
        listing.damaged = str(error)
    return listing


def _read_xml(listing: Listing, pieces: Iterator[bytes], encoding: str | None = None) -> None:
    reader = _Reader(listing)
    parser = parser_for(reader, encoding)
    first = b""
    try:
        for piece in pieces:
            first = first or piece
            parser.Parse(piece.lstrip() if piece is first else piece, False)  # noqa: FBT003 - expat's own signature
        parser.Parse(b"", True)  # noqa: FBT003 - likewise
    except ExpatError as error:
        if error.code == _UNKNOWN_ENCODING and encoding is None:
            # Expat knows four encodings; the others are read by the rules for pages.
            try:
                text = decode(b"".join((first, *pieces)), None).text
            except RefusedEncodingError as refused:
                listing.damaged = str(refused)
                return
            _read_xml(listing, iter((text.encode("utf-8", "replace"),)), "utf-8")
            return
        listing.damaged = f"not well-formed: {error}"
    except StopError:
        return


def _read_lines(listing: Listing, body: bytes, max_bytes: int) -> None:
    rest = b""
    for piece in _pieces(body, max_bytes):
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            _add_line(listing, line)
        rest = rest[:_PIECE_BYTES]  # more of a line is no address, and would be copied with each piece
    _add_line(listing, rest)


def _add_line(listing: Listing, line: bytes) -> None:
    text = line.strip().decode("utf-8", "replace").removeprefix("\ufeff")
    is_address = text.startswith(("http://", "https://")) and len(text) < _MAX_TEXT_CHARS
    if is_address and len(listing.entries) < MAX_ENTRIES:
        listing.role = Role.SITEMAP
        listing.entries.append(Entry(text, Role.PAGE, Source.SITEMAP))


class _UnpackError(Exception):
    """The gzip stream is broken, or unpacks to too much."""


def _pieces(body: bytes, max_bytes: int) -> Iterator[bytes]:
    """The document in pieces, unpacked."""
    if not body.startswith(_GZIP_MAGIC):
        for start in range(0, min(len(body), max_bytes), _PIECE_BYTES):
            yield body[start : min(start + _PIECE_BYTES, max_bytes)]
        return
    unpacker = zlib.decompressobj(_GZIP_WINDOW)
    left, data = max_bytes, body
    while not unpacker.eof:
        try:
            piece = unpacker.decompress(data, _PIECE_BYTES)
        except zlib.error as error:
            raise _UnpackError(f"its gzip packing is damaged: {error}") from error
        data = unpacker.unconsumed_tail
        if not piece and not data:
            raise _UnpackError("its gzip packing is cut short")
        if len(piece) > left:
            raise _UnpackError(f"it unpacks to more than {max_bytes} bytes (discovery.max_sitemap_bytes)")
        left -= len(piece)
        if piece:
            yield piece


def _looks_like_xml(body: bytes, max_bytes: int) -> bool:
    return next(_pieces(body, max_bytes), b"").lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")
