"""A page's source made harmless before a parser sees it.

A parser's time and memory follow from four things that a page is free to choose: how many elements it makes, how deep
they nest, how many attributes one has, and how many formatting elements are open at once. Each has a bound here, far
beyond what pages for readers have; tags and attributes beyond it are left out of the source, and their text stays. So a
page costs a few seconds and some hundred megabytes at most (tests/web/poison.py has pages for each).
"""

from __future__ import annotations

import re
from itertools import accumulate
from typing import Final

from engine.nlp.cuts import ATTRIBUTES, either_case
from engine.nlp.nesting import FEW_TAGS, bound_depth

#: What is read of a text of any kind: as much as fetch.max_body_bytes allows unless it is raised. Up to here a page
#: costs a few seconds and 400 MB at the most.
MAX_TEXT_BYTES: Final = 10 << 20

#: Elements of a page that are read: what bounds its cost, to the end of extraction, at some seconds.
MAX_TAGS: Final = 200_000

#: Attributes of one element: lexbor compares each with all before it.
MAX_ATTRIBUTES: Final = 1_000

#: Elements that may come of formatting elements left open. HTML, 13.2.4.3: they are made again in every paragraph and
#: cell that follows, so that 5,000 of them before 5,000 paragraphs are 25 million elements. Pages with fewer tags than
#: these, two of three, can make two millions at the most, and are not looked at.
MAX_REPEATED: Final = 1_000_000
_MANY_TAGS: Final = 3_000

#: The formatting elements of HTML, 13.2.4.2, but `a` and `nobr`, which close the one before.
_FORMATTING: Final = "b|big|code|em|font|i|s|small|strike|strong|tt|u"
_STARTS: Final = re.compile(rf"<(?:{either_case(_FORMATTING)})[\s/>]")
_FORMATTING_TAG: Final = re.compile(rf"</?(?:{_FORMATTING})(?=[\s/>])[^>]*+(?:>|\Z)", re.IGNORECASE)

#: A tag with so many characters may have too many attributes. Pages with fewer equals signs, and fewer characters a
#: tag, are not searched for one: all but one in ten.
_LONG_TAG_CHARS: Final = 4 * MAX_ATTRIBUTES
_MANY_EQUALS: Final = 10_000
_MANY_CHARS_A_TAG: Final = 2_000
_WHOLE_TAG: Final = re.compile(f"<[a-zA-Z]{ATTRIBUTES}")
_ATTRIBUTE: Final = re.compile(
    r"""[\s/]*+[^\s/>=]++(?:\s*+=\s*+(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z)|[^\s>"']++))?""",
)

#: What is no text, in a source of which only the text is wanted. What is never closed reaches to the end.
_NO_TEXT: Final = re.compile(
    r"<!--.*?(?:-->|\Z)|<(script|style)\b.*?(?:</\1[^>]*+(?:>|\Z)|\Z)|</?[a-z!?][^>]*+(?:>|\Z)",
    re.DOTALL | re.IGNORECASE,
)


def bound_tags(markup: str) -> str:
    """`markup` itself, unless it has more than MAX_TAGS tags: what is read without a parser needs no other bound."""
    if len(markup) <= MAX_TAGS or markup.count("<") <= MAX_TAGS:
        return markup
    end = _place_of_tag(markup, MAX_TAGS)
    return markup[:end] + _NO_TEXT.sub(" ", markup[end:])


def bound_markup(markup: str) -> str:
    """`markup` itself, unless it is beyond a bound."""
    markup = bound_tags(markup)
    tags = markup.count("<")
    if tags > _MANY_TAGS and len(_STARTS.findall(markup)) * tags > MAX_REPEATED < _most_open(markup) * tags:
        markup = _FORMATTING_TAG.sub("", markup)
    if markup.count("=") > _MANY_EQUALS or len(markup) > _MANY_CHARS_A_TAG * tags:
        markup = _WHOLE_TAG.sub(_few_attributes, markup)
    return bound_depth(markup) if tags > FEW_TAGS else markup


def _place_of_tag(markup: str, number: int) -> int:
    at = -1
    for _ in range(number + 1):
        at = markup.index("<", at + 1)
    return at


def _most_open(markup: str) -> int:
    """The most formatting elements that are open at once, by their tags as written."""
    return max(accumulate(-1 if tag[1] == "/" else 1 for tag in _FORMATTING_TAG.findall(markup)), default=0)


def _few_attributes(tag: re.Match[str]) -> str:
    """A tag with its first MAX_ATTRIBUTES attributes."""
    written = tag.group()
    if len(written) < _LONG_TAG_CHARS or "</" in written:  # such is no tag: a comparison in a script, up to its end
        return written
    at = 0
    for number, attribute in enumerate(_ATTRIBUTE.finditer(written, 1)):  # the first is the element's name
        if number > MAX_ATTRIBUTES:
            return f"{written[:at]}>"
        at = attribute.end()
    return written
