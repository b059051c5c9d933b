"""Who a page's elements are marked as being by, and when: links to an author, microdata, RDFa, and words of classes.

These are the least certain statements, and each takes a search through the source, so they are made only when they are
asked for: one that is better is found on every third page.

Law: each search takes time in proportion to the source's length; the texts that are read are short, and few.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

from engine.nlp import clean
from engine.nlp.elements import (
    Element,
    attributes_of,
    content,
    content_end,
    element_at,
    elements_with,
    name_within,
    statement,
    tags_with,
    text_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Authors and times beyond these belong to a list of other pages' teasers.
_MAX_AUTHORS: Final = 8
MAX_TIMES: Final = 20

#: Statements in RDFa, whose pages name types somewhere.
_RDFA_MARK: Final = "typeof="
#: No statement in microdata is without it.
_MICRODATA_MARK: Final = "itemprop"
#: Terms of schema.org and Dublin Core, without the prefix that a page has chosen for them.
_RDFA_AUTHOR: Final = frozenset({"author", "creator"})
_RDFA_PUBLISHED: Final = frozenset({"datepublished", "created", "issued"})
_RDFA_MODIFIED: Final = frozenset({"datemodified", "modified"})
_TERM: Final = re.compile(r"[^\s:/#]+(?=\s|$)")

#: Elements that every page is asked for, and that say their part otherwise (:mod:`engine.nlp.facts`).
READ: Final = ("meta", "link", "title", "time", "h1", "html", "audio", "source")

#: Longer text is not a name alone.
_MAX_BYLINE_CHARS: Final = 60
#: An author's box, with a picture and a life.
_MAX_AUTHOR_CHARS: Final = 20_000
#: Elements that are looked at for one thing: a page with more is a list of other pages.
_MOST_ELEMENTS: Final = 500


class Time(NamedTuple):
    """A time element: its datetime attribute, else its text; `marks` are its class, itemprop, property and pubdate."""

    value: str
    marks: str


class Marked:
    """The marked statements of a page with this source, which is without code; in document order."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._places: dict[str, list[int]] = {}

    @cached_property
    def is_rdfa(self) -> bool:
        """Whether the page has statements in RDFa."""
        return _RDFA_MARK in self._source

    @cached_property
    def is_microdata(self) -> bool:
        """Whether the page has statements in microdata."""
        return _MICRODATA_MARK in self._source

    @cached_property
    def authors(self) -> list[str]:
        """Those that are marked as authors by a link's relation, microdata or RDFa."""
        found: list[str] = []
        words = ("author", "creator") if self.is_rdfa else ("author",)
        for element, said in self._saying(words, ("rel", "itemprop", "data-author", "property")):
            if said.get("rel", "").lower() == "author":
                if element.name == "a":
                    found.append(clean.line(text_of(content(self._source, element))))
            elif said.get("itemprop") == "author":
                found.append(self._name(element, said, "itemprop"))
            elif name := said.get("data-author"):
                found.append(name)
            elif self.is_rdfa and not _RDFA_AUTHOR.isdisjoint(_terms(said)):
                found.append(self._name(element, said, "property"))
            if len(found) >= _MAX_AUTHORS:
                break
        return list(filter(None, found))

    @cached_property
    def times(self) -> list[Time]:
        """The dates of microdata and RDFa in other than time elements."""
        found: list[Time] = []
        if not self.is_rdfa and not self.is_microdata:
            return found
        words = ("date", "created", "issued", "modified") if self.is_rdfa else ("date",)
        for element, said in self._saying(words, ("itemprop", "property") if self.is_rdfa else ("itemprop",)):
            published = said.get("itemprop") == "datePublished"
            terms = _terms(said) if self.is_rdfa and not published else frozenset()
            if published or not (_RDFA_PUBLISHED | _RDFA_MODIFIED).isdisjoint(terms):
                value = statement(self._source, element, said)
                found.append(Time(value, "datepublished" if _RDFA_MODIFIED.isdisjoint(terms) else "datemodified"))
                if len(found) >= MAX_TIMES:
                    break
        return found

    @cached_property
    def bylines(self) -> list[str]:
        """Short texts in elements whose class says author."""
        return self._short("author", "byline")

    @cached_property
    def dated(self) -> list[str]:
        """Short texts in elements whose class says date."""
        return self._short("date", but=("author", "byline"))

    def _short(self, *words: str, but: tuple[str, ...] = ()) -> list[str]:
        """Short texts in elements with one of `words` in their class, and none of `but`."""
        found: list[str] = []
        for element, said in self._saying(words, ("class",)):
            classes = said.get("class", "")
            if any(word in classes for word in words) and not any(word in classes for word in but):
                text = text_of(content(self._source, element))
                if len(text) <= 2 * _MAX_BYLINE_CHARS and 0 < len(text := clean.line(text)) <= _MAX_BYLINE_CHARS:
                    found.append(text)
                    if len(found) == _MAX_AUTHORS:
                        break
        return found

    def _saying(self, words: tuple[str, ...], attributes: tuple[str, ...]) -> Iterator[tuple[Element, dict[str, str]]]:
        """The elements with one of `words` and one of `attributes` in their tag; and their attributes."""
        source = self._source
        for word in words:
            if word not in self._places:
                self._places[word] = tags_with(source, word)
        starts = sorted({start for word in words for start in self._places[word]})
        looked_at = after = 0
        for start in starts:
            # Most tags say the word elsewhere, and are told by this in a tenth of the time.
            written = source[start : source.find(">", start)]
            if start < after or not any(name in written for name in attributes):
                continue
            if (element := element_at(source, start)) is not None:
                after = element.end
                if element.name not in READ:
                    yield element, attributes_of(element.attributes)
            looked_at += 1
            if looked_at == _MOST_ELEMENTS:
                return

    def _name(self, element: Element, said: dict[str, str], attribute: str) -> str:
        """The name inside a Person item; else its link's text, since counts stand around it; else all its text."""
        source = self._source
        end = content_end(source, element.name, element.end, _MAX_AUTHOR_CHARS)
        inner = source[element.end : max(end, element.end)]
        if (name := name_within(inner, attribute)) is not None:
            return clean.line(name)
        for link in elements_with(inner, "href"):
            text = content(inner, link)
            if link.name == "a" and "<img" not in text:
                return clean.line(text_of(text))
        return clean.line(said.get("content") or text_of(inner))


def _terms(said: dict[str, str]) -> frozenset[str]:
    """The terms of a statement in RDFa (RDFa Core 1.1, section 5): terms, CURIEs or addresses."""
    return frozenset(_TERM.findall(said.get("property", "").lower()))
