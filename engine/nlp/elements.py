"""Single elements of a source, found by what is written in their tags: no tree is needed to read a page's statements.

The source is one without code (:func:`engine.nlp.cuts.without_code`), so what looks like a tag is one. Elements nest by
their tags as written; one that is not closed within :data:`MAX_CHARS` has no text here.

Law: whatever the source, what is looked for in it is found in time in proportion to its length.
"""

from __future__ import annotations

import re
from functools import lru_cache
from html.entities import html5
from typing import TYPE_CHECKING, Final, NamedTuple

from engine.nlp import clean
from engine.nlp.cuts import ATTRIBUTES, TAG

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Of an element, with its tags, that are read: what says who wrote a page or when is shorter, but for its pictures.
MAX_CHARS: Final = 5_000

_ATTRIBUTE: Final = re.compile(r"""([^\s/>=][^\s/>=]*+)(?:\s*+=\s*+(?:"([^"]*+)"?|'([^']*+)'?|([^\s>]*+)))?""")
_ANY_TAG: Final = re.compile(f"</?[a-zA-Z!?]{ATTRIBUTES}")
_NAMED: Final = re.compile(r"&([a-zA-Z][a-zA-Z0-9]*+)(?!;)(=?)")
#: Elements that end where the next of their kind begins.
_OPEN: Final = frozenset({"dd", "dt", "h1", "li", "option", "p", "td", "th", "time", "title", "tr"})


class Element(NamedTuple):
    """A start tag in a source: its name in small letters, its attributes as written, and where it begins and ends."""

    name: str
    attributes: str
    start: int
    end: int


def tags_with(source: str, said: str) -> list[int]:
    """Where the tags begin in which `said` is written, in order."""
    found: list[int] = []
    find, rfind = source.find, source.rfind
    after = 0
    is_open = False  # a tag that was found, as far as is known
    at = find(said)
    while at >= 0:
        start = rfind("<", after, at)
        if start >= 0:
            is_open = is_open and find(">", after, start) < 0
            if not is_open and find(">", start, at) < 0:
                found.append(start)
                is_open = True
        after = at + len(said)
        at = find(said, after)
    return found


def element_at(source: str, start: int) -> Element | None:
    """The element whose start tag begins there; None for an end tag, or for what is none."""
    # An end tag is not read: nobody would go on behind it, so that a value left open would be read again and again.
    tag = None if source.startswith("/", start + 1) else TAG.match(source, start)
    return None if tag is None else Element(tag.group(1).lower(), tag.group(2), start, tag.end())


def elements_with(source: str, said: str) -> Iterator[Element]:
    """The elements in whose attributes `said` is written, in order."""
    after = 0
    for start in tags_with(source, said):
        element = element_at(source, start) if start >= after else None
        if element is not None:
            after = element.end
            if said in element.attributes:
                yield element


def attributes_of(written: str) -> dict[str, str]:
    """The attributes of a tag by their names in small letters; the first of a name counts."""
    found: dict[str, str] = {}
    for name, double, single, bare in _ATTRIBUTE.findall(written):
        if (small := name.lower()) not in found:
            value = double or single or bare
            found[small] = _resolved(value) if "&" in value else value
    return found


def content_end(source: str, name: str, at: int, most: int = MAX_CHARS) -> int:
    """Where the content ends of the element called `name` whose content begins at `at`; -1 where that is too far."""
    depth = 1
    for tag in _tags_of(name).finditer(source, at, at + most):
        depth += -1 if tag.group(1) or name in _OPEN else 1
        if not depth:
            return tag.start()
    return -1


def content(source: str, element: Element) -> str:
    """The content of an element, tags included; "" where it has none, or no end."""
    end = content_end(source, element.name, element.end)
    return source[element.end : end] if end >= 0 else ""


def text_of(content: str) -> str:
    """The text of an element's content, as a tree would have it."""
    if "<" in content:
        content = _ANY_TAG.sub("", content)
    return clean.unescape(content) if "&" in content else content


def statement(source: str, element: Element, said: dict[str, str]) -> str:
    """What an element states, whose attributes are `said`: its content attribute, else its text."""
    return said.get("content") or text_of(content(source, element))


def name_within(source: str, attribute: str) -> str | None:
    """What the first element states whose `attribute` says that it is a name; None where there is none."""
    for element in elements_with(source, "name"):
        said = attributes_of(element.attributes)
        if said.get(attribute, "").endswith("name"):
            return statement(source, element, said)
    return None


@lru_cache(maxsize=256)
def _tags_of(name: str) -> re.Pattern[str]:
    return re.compile(rf"<(/?){re.escape(name)}(?=[\s/>])", re.IGNORECASE)


def _resolved(value: str) -> str:
    """An attribute's value, its character references resolved (HTML, 13.2.5.73: `?a=1&copy=2` has none)."""
    return clean.unescape(_NAMED.sub(_as_is, value))


def _as_is(found: re.Match[str]) -> str:
    name, equals = found.groups()
    return found.group() if name in html5 and not equals else f"&amp;{name}{equals}"
