"""What a page says about itself, gathered in one pass over its tree.

Walking resiliparse's tree from Python costs microseconds a node, so one selector asks for all that the title, the
metadata and the link flags need, and its answer is sliced once; nothing else touches the tree.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from engine.nlp import clean, links

if TYPE_CHECKING:
    from resiliparse.parse.html import ElementNode, HTMLTree

#: Headings and times beyond these belong to a list of other pages' teasers.
MAX_HEADINGS: Final = 8
MAX_TIMES: Final = 20
MAX_CITED: Final = 50
MAX_ROBOTS_CHARS: Final = 1000
#: JSON-LD that is read, and text of elements that are marked as the author's or a date: in each other, each of them has
#: all the text of those in it.
MAX_JSON_LD_CHARS: Final = 1_000_000
MAX_MARKED_CHARS: Final = 5_000_000

_SELECTOR: Final = (
    'html, meta[content], link[rel="canonical" i], link[rel="alternate" i][type], link[rel="enclosure" i], title, h1, '
    'time, audio, source[type^="audio/" i], a[rel="author" i], script[type="application/ld+json" i], '
    '[itemprop="author"], [itemprop="datePublished"], [class*="author"], [class*="byline"], [class*="date"], '
    "[data-author]"
)

#: Statements in RDFa, whose pages name types somewhere; without them "property" is on meta elements, read anyway.
_RDFA: Final = "[property]"
_RDFA_MARK: Final = "typeof="
#: Terms of schema.org and Dublin Core, without the prefix that a page has chosen for them.
_RDFA_AUTHOR: Final = frozenset({"author", "creator"})
_RDFA_PUBLISHED: Final = frozenset({"datepublished", "created", "issued"})
_RDFA_MODIFIED: Final = frozenset({"datemodified", "modified"})
_TERM: Final = re.compile(r"[^\s:/#]+(?=\s|$)")

#: Longer text is not a name alone.
_MAX_BYLINE_CHARS: Final = 60

#: Meta elements that are given once for each author.
_EACH_AUTHOR: Final = frozenset({"citation_author", "citation_authors", "dc.creator", "dc.contributor"})


class Link(NamedTuple):
    """A link element: `rel` and `media_type` in lower case, `href` as written."""

    rel: str
    href: str
    media_type: str


class Time(NamedTuple):
    """A time element: its datetime attribute, else its text; `marks` are its class, itemprop, property and pubdate."""

    value: str
    marks: str


@dataclass(slots=True)
class Facts:
    """The raw statements of one page, in document order; strings are as written but for white space.

    `meta` maps a lower-case name (name, property, itemprop or http-equiv) to its first content that is not empty
    (of "robots" to all of them, joined by commas).
    `authors` are marked as such (rel, microdata, RDFa), `cited` those of meta elements that repeat, `bylines` and
    `dated` short texts in elements whose class says author or date.
    """

    language: str = ""
    titles: list[str] = field(default_factory=list)
    headings: list[str] = field(default_factory=list)
    meta: dict[str, str] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)
    times: list[Time] = field(default_factory=list)
    authors: list[str] = field(default_factory=list)
    cited: list[str] = field(default_factory=list)
    bylines: list[str] = field(default_factory=list)
    dated: list[str] = field(default_factory=list)
    json_ld: list[str] = field(default_factory=list)
    has_pdf_links: bool = False
    has_audio_links: bool = False
    json_ld_chars: int = 0
    marked_chars: int = 0


def gather(tree: HTMLTree, source: str) -> Facts:
    """All statements of the page, parsed and in source; an empty document has none."""
    facts = Facts()
    if tree.document is None:
        return facts
    wanted = f"{_SELECTOR}, {files}" if (files := links.selector(source)) else _SELECTOR
    if _RDFA_MARK in source:
        wanted += f", {_RDFA}"
    for element in tree.document.query_selector_all(wanted)[:]:
        _READERS[element.tag](facts, element) if element.tag in _READERS else _other(facts, element)
    return facts


def _html(facts: Facts, element: ElementNode) -> None:
    facts.language = facts.language or element.getattr("lang") or element.getattr("xml:lang") or ""


def _meta(facts: Facts, element: ElementNode) -> None:
    content = element.getattr("content")
    if not content:
        return
    for attribute in ("property", "name", "itemprop", "http-equiv"):
        if name := element.getattr(attribute):
            name = name.strip().lower()
            if name == "robots" and 0 < len(facts.meta.get(name, "")) < MAX_ROBOTS_CHARS:  # each of them counts
                facts.meta[name] += f", {content}"
            facts.meta.setdefault(name, content)
            if name in _EACH_AUTHOR and len(facts.cited) < MAX_CITED:
                facts.cited.append(content)
            return


def _link(facts: Facts, element: ElementNode) -> None:
    href = (element.getattr("href") or "").strip()
    if href:
        link = Link((element.getattr("rel") or "").lower(), href, (element.getattr("type") or "").strip().lower())
        facts.links.append(link)
        facts.has_audio_links |= link.rel == "enclosure" and link.media_type.startswith("audio/")


def _title(facts: Facts, element: ElementNode) -> None:
    # An SVG's title element names a drawing, not the page.
    parent = element.parent
    if not facts.titles and (parent is None or parent.tag not in {"svg", "g", "symbol", "a", "path"}):
        _append(facts.titles, element, 1)


def _heading(facts: Facts, element: ElementNode) -> None:
    _append(facts.headings, element, MAX_HEADINGS)


def _append(texts: list[str], element: ElementNode, most: int) -> None:
    if len(texts) < most and (text := clean.line(element.text_content)):
        texts.append(text)


def _time(facts: Facts, element: ElementNode) -> None:
    if len(facts.times) < MAX_TIMES:
        value = element.getattr("datetime") or element.text_content or ""
        marks = " ".join([element.getattr(name) or "" for name in ("class", "itemprop", "property")])
        if element.hasattr("pubdate"):
            marks += " pubdate"
        facts.times.append(Time(value, marks.lower()))


def _script(facts: Facts, element: ElementNode) -> None:
    text = element.text_content or ""
    facts.json_ld_chars += len(text)
    if text and facts.json_ld_chars <= MAX_JSON_LD_CHARS:
        facts.json_ld.append(text)


def _audio(facts: Facts, _element: ElementNode) -> None:
    facts.has_audio_links = True


def _other(facts: Facts, element: ElementNode) -> None:
    """A link by its ending, or an element that is marked as the author's; often both are an `a`."""
    href = element.getattr("href")
    if href:
        pdf, audio = links.link_kinds(href)
        facts.has_pdf_links |= pdf
        facts.has_audio_links |= audio
    if (element.getattr("rel") or "").lower() == "author":
        _append(facts.authors, element, MAX_HEADINGS)
    elif element.getattr("itemprop") == "author":
        if len(facts.authors) < MAX_HEADINGS:  # the first counts; in each other, each would be searched to its end
            _author(facts, element, '[itemprop="name"]')
    elif element.getattr("itemprop") == "datePublished":
        facts.times.append(Time(element.getattr("content") or element.text_content or "", "datepublished"))
    elif name := element.getattr("data-author"):
        facts.authors.append(name)
    elif said := element.getattr("property"):
        _rdfa(facts, element, said)
    elif facts.marked_chars < MAX_MARKED_CHARS:
        _by_class(facts, element)


def _by_class(facts: Facts, element: ElementNode) -> None:
    """A short text whose element's class says author or date."""
    text = element.text_content or ""
    facts.marked_chars += len(text)
    if len(text) <= 2 * _MAX_BYLINE_CHARS and 0 < len(text := clean.line(text)) <= _MAX_BYLINE_CHARS:
        classes = element.class_name or ""
        texts = facts.bylines if "author" in classes or "byline" in classes else facts.dated
        if len(texts) < MAX_HEADINGS:
            texts.append(text)


def _rdfa(facts: Facts, element: ElementNode, said: str) -> None:
    """A statement in RDFa (RDFa Core 1.1, section 5): terms, CURIEs or addresses, and what the element says of them."""
    terms = frozenset(_TERM.findall(said.lower()))
    if not _RDFA_AUTHOR.isdisjoint(terms):
        if len(facts.authors) < MAX_HEADINGS:
            _author(facts, element, '[property$="name"]')
    elif not (_RDFA_PUBLISHED | _RDFA_MODIFIED).isdisjoint(terms) and len(facts.times) < MAX_TIMES:
        value = element.getattr("content") or element.text_content or ""
        facts.times.append(Time(value, "datepublished" if _RDFA_MODIFIED.isdisjoint(terms) else "datemodified"))


def _author(facts: Facts, element: ElementNode, name: str) -> None:
    """The name inside a Person item; else its link's text, since counts stand around it; else all its text."""
    named = element.query_selector(name) or element.query_selector("a[href]:not(:has(img))") or element
    if name := clean.line(named.getattr("content") or named.text_content):
        facts.authors.append(name)


_READERS: Final = {
    "html": _html,
    "meta": _meta,
    "link": _link,
    "title": _title,
    "h1": _heading,
    "time": _time,
    "script": _script,
    "audio": _audio,
    "source": _audio,
}
