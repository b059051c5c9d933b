"""XML to text: the entries of a feed (RSS, Atom, RDF), or the character data of any other document.

Read as a stream (:mod:`.xml_events`). What came before an error in a broken document, or before entities, is kept.
"""

from __future__ import annotations

from typing import Final
from xml.parsers.expat import ExpatError

from resiliparse.extract.html2text import extract_plain_text

from engine.nlp import clean
from engine.nlp.values import Extracted
from engine.nlp.xml_events import FEED_ROOTS, StopError, local_name, parser_for

_ENTRIES: Final = frozenset({"item", "entry"})

#: The elements of a feed that are text; the others are addresses, dates and numbers.
_FEED_TEXTS: Final = frozenset({"title", "description", "summary", "content", "encoded", "subtitle"})


class _Reader:
    """Collects texts in document order; `title` is the document's own, before any entry."""

    def __init__(self) -> None:
        self.title = ""
        self.texts: list[str] = []
        self._root = ""
        self._entries = 0
        self._open: list[list[str]] = []

    @property
    def is_feed(self) -> bool:
        return self._root in FEED_ROOTS

    def start(self, name: str, _attributes: object) -> None:
        local = local_name(name)
        self._root = self._root or local
        self._entries += local in _ENTRIES
        self._open.append([])

    def data(self, text: str) -> None:
        if self._open:
            self._open[-1].append(text)

    def end(self, name: str) -> None:
        text = "".join(self._open.pop()).strip()
        local = local_name(name)
        if not text or (self.is_feed and local not in _FEED_TEXTS):
            return
        if "<" in text:  # HTML in a feed is escaped or CDATA, hence data here
            text = extract_plain_text(text, alt_texts=False, list_bullets=False, preserve_formatting=True)
        if local == "title" and not self.title and not self._entries:
            self.title = clean.line(text)
        else:
            self.texts.append(text)


def extract_xml(text: str, content_type: str) -> Extracted:
    """The title and texts of a decoded XML document, each text a paragraph."""
    reader = _Reader()
    parser = parser_for(reader)
    try:
        parser.Parse(text.lstrip(), True)  # noqa: FBT003 - expat's own signature: this is the last piece
    except (ExpatError, StopError):
        # No more than the start of the document could be read; for none at all the source itself is the text.
        if not reader.texts and not reader.title:
            return Extracted(content_type, text=clean.paragraphs(extract_plain_text(text, preserve_formatting=True)))
    metadata = {"type": "feed"} if reader.is_feed else {}
    return Extracted(
        content_type, title=reader.title, text=clean.paragraphs("\n\n".join(reader.texts)), metadata=dict(metadata)
    )
