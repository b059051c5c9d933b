"""What a page says about itself, read off its source less its code (:mod:`engine.nlp.cuts`).

What every page is asked for (meta elements, headings, times) is found by one pattern. Who is marked as the author
(:mod:`engine.nlp.marked`) is looked for only where nothing better names one.

Law: time in proportion to the source's length, and bounded numbers of whatever is kept.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from engine.nlp import clean, links
from engine.nlp.cuts import ATTRIBUTES, any_of
from engine.nlp.elements import Element, attributes_of, content, text_of
from engine.nlp.marked import MAX_TIMES, READ, Marked, Time
from engine.policy.page_directives import EVERYBODY

#: Headings beyond these belong to a list of other pages' teasers.
MAX_HEADINGS: Final = 8
MAX_CITED: Final = 50
MAX_ROBOTS_CHARS: Final = 1000
#: JSON-LD that is read.
MAX_JSON_LD_CHARS: Final = 1_000_000

_TAGS: Final = re.compile(f"<{any_of(READ)}{ATTRIBUTES}")

#: Meta elements that are given once for each author.
_EACH_AUTHOR: Final = frozenset({"citation_author", "citation_authors", "dc.creator", "dc.contributor"})


class Link(NamedTuple):
    """A link element: `rel` and `media_type` in lower case, `href` as written."""

    rel: str
    href: str
    media_type: str


@dataclass(slots=True)
class Facts:
    """The raw statements of one page, in document order; strings are as written but for white space.

    `meta` maps a lower-case name (name, property, itemprop or http-equiv) to its first content that is not empty
    (of "robots" to all of them, joined by commas). `cited` are the authors of meta elements that repeat.
    """

    marked: Marked
    language: str = ""
    titles: list[str] = field(default_factory=list)
    headings: list[str] = field(default_factory=list)
    meta: dict[str, str] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)
    times: list[Time] = field(default_factory=list)
    cited: list[str] = field(default_factory=list)
    json_ld: list[str] = field(default_factory=list)
    has_pdf_links: bool = False
    has_audio_links: bool = False


def gather(source: str, json_ld: list[str]) -> Facts:
    """All statements of a page, whose `source` is without its code and has these scripts of JSON-LD."""
    facts = Facts(Marked(source))
    chars = 0
    for script in json_ld:
        chars += len(script)
        if script and chars <= MAX_JSON_LD_CHARS:
            facts.json_ld.append(script)
    for tag in _TAGS.finditer(source):
        name, written = tag.groups()
        name = name.lower()
        _READERS[name](facts, source, Element(name, written, tag.start(), tag.end()))
    facts.has_pdf_links, has_audio = links.mentioned(source)
    facts.has_audio_links |= has_audio
    return facts


def _html(facts: Facts, _source: str, element: Element) -> None:
    said = attributes_of(element.attributes)
    facts.language = facts.language or said.get("lang") or said.get("xml:lang") or ""


def note_meta(metas: dict[str, str], name: str, content: str) -> None:
    """Note what a meta element says: of a name the first counts, of "robots" each, while there is room for it."""
    if name == EVERYBODY and 0 < len(metas.get(name, "")) < MAX_ROBOTS_CHARS:
        metas[name] += f", {content}"
    metas.setdefault(name, content)


def _meta(facts: Facts, _source: str, element: Element) -> None:
    said = attributes_of(element.attributes)
    content = said.get("content")
    if not content:
        return
    for attribute in ("property", "name", "itemprop", "http-equiv"):
        if name := said.get(attribute):
            name = name.strip().lower()
            note_meta(facts.meta, name, content)
            if name in _EACH_AUTHOR and len(facts.cited) < MAX_CITED:
                facts.cited.append(content)
            return


def _link(facts: Facts, _source: str, element: Element) -> None:
    written = element.attributes
    small = written.lower()
    if "canonical" not in small and "alternate" not in small and "enclosure" not in small:
        return  # a style sheet, as most are
    said = attributes_of(written)
    link = Link(said.get("rel", "").lower(), said.get("href", "").strip(), said.get("type", "").strip().lower())
    if link.href and (link.rel in {"canonical", "enclosure"} or (link.rel == "alternate" and link.media_type)):
        facts.links.append(link)
        facts.has_audio_links |= link.rel == "enclosure" and link.media_type.startswith("audio/")


def _title(facts: Facts, source: str, element: Element) -> None:
    if not facts.titles:
        _append(facts.titles, source, element, 1)


def _heading(facts: Facts, source: str, element: Element) -> None:
    _append(facts.headings, source, element, MAX_HEADINGS)


def _append(texts: list[str], source: str, element: Element, most: int) -> None:
    if len(texts) < most and (text := clean.line(text_of(content(source, element)))):
        texts.append(text)


def _time(facts: Facts, source: str, element: Element) -> None:
    if len(facts.times) < MAX_TIMES:
        said = attributes_of(element.attributes)
        value = said.get("datetime") or text_of(content(source, element))
        marks = " ".join([said.get(name, "") for name in ("class", "itemprop", "property")])
        if "pubdate" in said:
            marks += " pubdate"
        facts.times.append(Time(value, marks.lower()))


def _audio(facts: Facts, _source: str, element: Element) -> None:
    facts.has_audio_links |= element.name == "audio" or (
        "audio/" in element.attributes and attributes_of(element.attributes).get("type", "").startswith("audio/")
    )


_READERS: Final = {
    "html": _html,
    "meta": _meta,
    "link": _link,
    "title": _title,
    "h1": _heading,
    "time": _time,
    "audio": _audio,
    "source": _audio,
}
