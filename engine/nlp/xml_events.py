"""XML read as a stream, by expat: neither depth nor size costs memory beyond what a reader keeps.

Law: a document that declares entities is read no further: expansion bombs and outside files are made of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol
from xml.parsers.expat import ParserCreate

if TYPE_CHECKING:
    from xml.parsers.expat import XMLParserType

#: RSS 2.0, Atom (RFC 4287) and RSS 1.0 (RDF), by local name in small letters.
FEED_ROOTS: Final = frozenset({"rss", "feed", "rdf"})


class StopError(Exception):
    """The document is to be read no further."""


class Reader(Protocol):
    """What a document's events are told to; any of them may raise StopError."""

    def start(self, name: str, attributes: dict[str, str], /) -> None:
        """An element begins."""

    def data(self, text: str, /) -> None:
        """Text within the element that began last, and has not ended."""

    def end(self, name: str, /) -> None:
        """An element ends."""


def parser_for(reader: Reader, encoding: str | None = None) -> XMLParserType:
    """A parser that tells `reader`; `encoding`: that of the bytes, whatever they declare."""
    parser = ParserCreate(encoding)
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.data
    parser.EntityDeclHandler = _refuse_entity
    return parser


def local_name(name: str) -> str:
    """A name without its prefix, in small letters."""
    return name.rpartition(":")[2].lower()


def _refuse_entity(*_declaration: object) -> None:
    raise StopError
