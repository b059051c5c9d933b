"""The JSON-LD of a page, as far as it describes the page: its nodes, found whatever shape they are wrapped in.

Pages hold one object, a list, a graph, or several of these; broken JSON is common and is read as far as mending is
plain (comments around it, raw line breaks in strings, a trailing comma) or left out.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

import orjson

from engine.nlp import clean

if TYPE_CHECKING:
    from collections.abc import Iterator

Node = dict[str, Any]

#: More nodes, or deeper ones, than any page needs to describe itself: a bound for hostile input.
MAX_NODES: Final = 500

#: A page's article, of any kind that schema.org knows under these endings.
_ARTICLE: Final = re.compile(r"(?:Article|Posting|Report|Recipe|HowTo|Review|Question)$")
_PAGE: Final = re.compile(r"(?:Page|Product|Event|VideoObject|Course|Book|Movie|JobPosting|PodcastEpisode)$")

#: Keys whose nodes describe the page itself; others (reviews, list items, related articles) describe other things.
_DESCRIBING: Final = ("@graph", "mainEntity", "mainEntityOfPage")

#: What pages put before a script so that old browsers, or XML, do not read it; and the ends of that, before which the
#: sign of a comment of JavaScript may stand.
_OPENING: Final = re.compile(r"<!--|//\s*<!\[CDATA\[|/\*\s*<!\[CDATA\[\s*\*/|<!\[CDATA\[")
_ENDINGS: Final = ("-->", "]]>")
_COMMENTS: Final = ("//", "/*")
_TRAILING_COMMA: Final = re.compile(r",(?=\s*[\]}])")


class JsonLd:
    """The nodes of a page's JSON-LD, in document order, and the two that matter most."""

    def __init__(self, scripts: list[str]) -> None:
        self.nodes: list[Node] = []
        for script in scripts:
            self.nodes.extend(_describing(parse(script), MAX_NODES - len(self.nodes)))
        self._by_id = {key: node for node in self.nodes if isinstance(key := node.get("@id"), str) and len(node) > 1}
        #: The first node that is an article, and the first that is the page or a thing such as a product; or {}.
        self.article: Node = self._first(_ARTICLE)
        self.page: Node = self._first(_PAGE)

    @property
    def types(self) -> list[str]:
        """The distinct types of the nodes, in order of first appearance, without the vocabulary's address."""
        return list(dict.fromkeys(name for node in self.nodes for name in _types(node)))

    def value(self, *keys: str) -> str:
        """The first string under any of `keys` in the article, then in the page; "" where neither has one."""
        for node in (self.article, self.page):
            for key in keys:
                if text := _text(node.get(key)):
                    return text
        return ""

    def names(self, value: object) -> list[str]:
        """The names of the persons or organisations that `value` gives: strings, nodes, references, or a list."""
        found: list[object] = []
        for item in value if isinstance(value, list) else [value]:
            node = self._resolved(item)
            name = node.get("name") if isinstance(node, dict) else node
            found.extend(name if isinstance(name, list) else [name])
        return [text for name in found if (text := clean.line(name, 200))]

    def of_type(self, name: str) -> Node:
        """The first node of exactly this type, or {}."""
        return next((node for node in self.nodes if name in _types(node)), {})

    def _resolved(self, item: object) -> object:
        """The node that `item` refers to by its @id alone, else `item`."""
        if isinstance(item, dict) and "name" not in item:
            return self._by_id.get(str(item.get("@id")), item)
        return item

    def _first(self, pattern: re.Pattern[str]) -> Node:
        return next((node for node in self.nodes if any(map(pattern.search, _types(node)))), {})


def parse(script: str) -> object:
    """The value of a script's text; None where it is no JSON and cannot be mended."""
    try:
        return orjson.loads(script)
    except ValueError:
        pass
    mended = _TRAILING_COMMA.sub("", _unwrapped(script))
    try:
        return json.loads(mended, strict=False)
    except (ValueError, RecursionError):
        return None


def _unwrapped(script: str) -> str:
    """A script without the comments around it. By string methods: a pattern for its end took n^2 steps for blanks."""
    script = script.strip()
    if opening := _OPENING.match(script):
        script = script[opening.end() :]
    bare = script.rstrip(" \t\r\n/*;")
    if not bare.endswith(_ENDINGS):
        return script.removesuffix(";")
    bare = bare[: -len(_ENDINGS[0])].rstrip()
    return bare[: -len(_COMMENTS[0])] if bare.endswith(_COMMENTS) else bare


def _describing(value: object, most: int) -> Iterator[Node]:
    """The nodes of a parsed script that describe the page, outer before inner, at most `most`."""
    pending: list[object] = [value]
    while pending and most > 0:
        item = pending.pop(0)
        if isinstance(item, list):
            pending[:0] = item[:MAX_NODES]
        elif isinstance(item, dict):
            if "@type" in item:
                most -= 1
                yield item
            pending[:0] = [item[key] for key in _DESCRIBING if isinstance(item.get(key), dict | list)]


def _types(node: Node) -> Iterator[str]:
    kinds = node.get("@type")
    for kind in kinds if isinstance(kinds, list) else [kinds]:
        if name := clean.line(kind, 100).rpartition("/")[2]:
            yield name.removeprefix("schema:")


def _text(value: object) -> str:
    """A string, or the first of a list, or a node's @value, url or @id."""
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, dict):
        value = value.get("@value") or value.get("url") or value.get("@id")
    return clean.line(value)
