"""A page's source without the elements that hold nothing to be read, and without comments.

Half of a page's bytes are scripts, styles and drawings. They are cut out by plain searches, so that what reads the rest
meets tags and text alone. JSON-LD is what scripts say of the page: it is cut out, and kept.

What looks like a start tag within another tag is part of a value, and stays. What is never closed reaches to the end.
A cut moves no text: what was around it is joined.

Law: whatever the source, it is searched in time in proportion to its length.
"""

from __future__ import annotations

import re
from typing import Final

_CODE: Final = ("script", "style", "svg")
#: No text of the page, and what a browser shows only where it cannot show what the element is for, or when asked.
_UNREAD: Final = (
    *_CODE,
    *("aside", "footer", "iframe", "nav", "select", "title"),
    *("audio", "canvas", "dialog", "noembed", "noframes", "object", "template", "textarea", "video"),
)
#: Elements whose text is written as it is, so that a tag in it is none (HTML, 13.2.5.1): they do not nest.
_RAW: Final = frozenset({"iframe", "noembed", "noframes", "script", "style", "textarea", "title"})

#: The attributes of a tag, and its end; one that is never closed reaches to the end. A quotation mark is one only
#: behind an equals sign (HTML, 13.2.5.37).
ATTRIBUTES: Final = r"""((?:[^>=]++|=\s*+(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z))?+)*+)(?:>|\Z)"""
#: A whole tag: its name and its attributes.
TAG: Final = re.compile(rf"<(/?[a-zA-Z][^\s/>]*+){ATTRIBUTES}")

_AFTER_NAME: Final = r"(?=[\s/>])"


def either_case(name: str) -> str:
    """A pattern for a name, or several, in either case: one that ignores case takes longer."""
    return "".join(f"[{letter}{letter.upper()}]" if letter.isalpha() else letter for letter in name)


def any_of(names: tuple[str, ...]) -> str:
    """A pattern for one of the names in either case, as a group; its first letter tells most others."""
    by_letter: dict[str, list[str]] = {}
    for name in names:
        by_letter.setdefault(name[0], []).append(either_case(name[1:]))
    groups = "|".join(f"{either_case(letter)}(?:{'|'.join(rests)})" for letter, rests in by_letter.items())
    letters = "".join([letter + letter.upper() for letter in by_letter])
    return f"(?=[{letters}])({groups}){_AFTER_NAME}"


#: Where comments and such elements begin.
_CODE_STARTS: Final = re.compile(f"<(?:!--|{any_of(_CODE)})")
_UNREAD_STARTS: Final = re.compile(f"<(?:!--|{any_of(_UNREAD)})")
#: What a drawing ends before, if it was left open: HTML (13.2.6.5), as far as it is met often, unless it may hold some.
_HTML_WITHIN: Final = "foreignobject"
_NO_DRAWING: Final = tuple(
    map(either_case, (_HTML_WITHIN, "div", "img", "li", "ol", "p", "section", "span", "table", "ul"))
)
#: The tags of an element, the comments that may hold what looks like one, and what ends it besides.
_TAGS: Final = {
    name: re.compile(rf"<(?:!--|(/?){either_case(name)}{_AFTER_NAME}|({last}){_AFTER_NAME})")
    for name in _UNREAD
    for last in ["|".join(_NO_DRAWING) if name == "svg" else "(?!)"]
}


def without_code(source: str, json_ld: list[str]) -> str:
    """`source` without scripts, styles, drawings and comments; the texts of its JSON-LD are added to `json_ld`."""
    return _cut(source, _CODE_STARTS, json_ld)


def without_unread(source: str) -> str:
    """`source` without comments and all elements that hold no main text."""
    return _cut(source, _UNREAD_STARTS, [])


def _cut(source: str, starts: re.Pattern[str], json_ld: list[str]) -> str:
    kept: list[str] = []
    at = after = 0  # what is kept next begins, and is searched, from here on
    while (found := starts.search(source, after)) is not None:
        start = found.start()
        if around := _tag_around(source, at, start):
            after = around
            continue
        after = found.end()
        kept.append(source[at:start])
        if found.group(1) is None:
            after = _after(source, "-->", start + 2)  # "<!-->" is a whole comment
        else:
            tag_end = _after(source, ">", after)
            if source[tag_end - 2] != "/":
                name = found.group(1).lower()
                end, after = _end(source, name, tag_end)
                if name == "script" and "ld+json" in source[start:tag_end].lower():
                    json_ld.append(source[tag_end:end])
            else:  # as an SVG without content is written
                after = tag_end
        at = after
    if not kept:
        return source
    kept.append(source[at:])
    return "".join(kept)


def _tag_around(source: str, after: int, at: int) -> int:
    """The end of the tag that begins behind `after` and has `at` in one of its values; 0 where there is none."""
    start = source.rfind("<", after, at)
    if start < 0 or source.find(">", start, at) >= 0:
        return 0
    tag = TAG.match(source, start)
    return tag.end() if tag is not None and tag.end() > at else 0


def _after(source: str, sign: str, at: int) -> int:
    """The place behind the next `sign`."""
    end = source.find(sign, at)
    return end + len(sign) if end >= 0 else len(source)


def _end(source: str, name: str, at: int) -> tuple[int, int]:
    """Where the end tag begins, and where it ends, of the element called `name` whose text begins at `at`."""
    if name in _RAW:
        end = source.find("</", at)
        while end >= 0 and source[end + 2 : end + 2 + len(name)].lower() != name:
            end = source.find("</", end + 2)
        end = end if end >= 0 else len(source)
        return end, _after(source, ">", end)
    tags = _TAGS[name]
    holds_html = False
    depth = 1
    while (found := tags.search(source, at)) is not None:
        start = found.start()
        if around := _tag_around(source, at, start):
            at = around
        elif found.group(2) is not None:
            holds_html |= found.group(2).lower() == _HTML_WITHIN
            if not holds_html:
                return start, start
            at = found.end()
        elif found.group(1) is None:
            at = _after(source, "-->", start + 2)
        else:
            at = _after(source, ">", found.end())
            depth += -1 if found.group(1) else source[at - 2] != "/"
            if not depth:
                return start, at
    return len(source), len(source)
