"""Who wrote a page and when, as its reader sees it: the lines around its heading.

Half of the pages that name an author or a date do so in no attribute that a machine is meant to read. What a reader
goes by is a label ("By", "Written by", "Posted on"), a short line next to the heading, and the other line beside it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from engine.nlp import dates
from engine.nlp.marks import BIT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.nlp.blocks import Block

#: How far from its heading a page's byline stands, in blocks.
_BEFORE: Final = 6
_AFTER: Final = 16
_BESIDE: Final = 4

#: A line of more words is a sentence, not a byline.
_MOST_WORDS: Final = 16
_MOST_NAME_WORDS: Final = 5
_MOST_NAME_CHARS: Final = 60

_LABEL: Final = re.compile(
    r"(?:(?:this (?:post|article) was )?(?:written|posted|published|authored|story|words|article|post|reported|started)"
    r" by|by|authors?)\b\s*:?\s*",
    re.IGNORECASE,
)
#: What ends a name that stands in a line with more.
_AFTER_NAME: Final = re.compile(
    r"\s*(?:[|\u2022\u00b7\u2013\u2014\u00bb(<\n]|\s-\s|,?\s+\d|,\s"
    r"|\bon\b|\b[Uu]pdated\b|\b[Pp]ublished\b|\b[Pp]osted\b|\b[Ll]ast\b)"
)
#: A person's name, or a user's: one to five words, each with a capital, or a lone one as users write theirs.
_NAME: Final = re.compile(
    r"(?:the )?[A-Z\u00c0-\u00de][\w.'\u2019-]*"
    r"(?: (?:and|de|la|van|von|der|bin|al|[A-Z\u00c0-\u00de][\w.'\u2019-]*)){0,4}"
)
_USER: Final = re.compile(r"[\w.'\u2019-]{3,30}")
#: First words of what looks like a name and is none.
_NO_NAME: Final = frozenset(
    (  # noqa: SIM905 - a text is easier to read and to add to
        "by home blog news share posted updated read last written published all a an our in admin contact sign log "
        "author authors table menu guest reply more view about follow names january february march april may june july "
        "august september october november december"
    ).split()
)
#: How a date is introduced wherever it stands; forums number their posts.
_DATED: Final = re.compile(r"(?:posted|published)(?: on)?\b|#1\b", re.IGNORECASE)
_UPDATED: Final = re.compile(r"\b(?:updated?|modified|edited|reviewed|last)\b", re.IGNORECASE)
_AUTHOR_MARK: Final = BIT["author"]


class Byline(NamedTuple):
    """An author's name or "", and a date as its page writes it (RFC 3339 by :mod:`engine.nlp.dates`) or None."""

    author: str
    date: str | None


def find_byline(blocks: Sequence[Block], title: str = "") -> Byline:
    """The byline of the page that consists of `blocks` and has this `title`."""
    heading = _heading(blocks, title)
    near = [*range(heading, min(len(blocks), heading + _AFTER)), *range(max(0, heading - _BEFORE), heading)]
    author, author_at = _labelled(blocks)
    if author_at is not None:
        near = [author_at, *near, *range(author_at + 1, min(len(blocks), author_at + _BESIDE))]
    lines = [number for number in near if blocks[number].words <= _MOST_WORDS]
    date, date_at = _date(blocks, lines)
    if date is None:
        date, _ = _date(blocks, [n for n, block in enumerate(blocks) if _DATED.match(block.text)])
    return Byline(author or _marked(blocks, lines, heading) or _beside(blocks, date_at, heading), date)


def _heading(blocks: Sequence[Block], title: str) -> int:
    """Where the page's heading stands: its first h1, or else the first block that is its title; 0 for nowhere."""
    of_kind = next((number for number, block in enumerate(blocks) if block.kind == "h1"), None)
    if of_kind is not None:
        return of_kind
    return next((number for number, block in enumerate(blocks) if block.text == title), 0)


def _date(blocks: Sequence[Block], lines: Sequence[int]) -> tuple[str | None, int | None]:
    """The first date in one of `lines` and where it stands; one of an update only where there is no other."""
    update: tuple[str | None, int | None] = (None, None)
    for number in lines:
        text = blocks[number].text
        if any(map(str.isdigit, text)) and (found := dates.to_rfc3339(text)):
            label = blocks[number - 1].text if number else ""
            if any(map(str.isdigit, label)):
                label = ""  # a date of its own
            if not _UPDATED.search(text) and not _UPDATED.match(label):
                return found, number
            if update[0] is None:
                update = found, number
    return update


def _labelled(blocks: Sequence[Block]) -> tuple[str, int | None]:
    """The name behind the page's first label of an author, in its line or in the next, and where it stands."""
    for number, block in enumerate(blocks):
        if block.words <= _MOST_WORDS and (label := _LABEL.match(block.text)):
            rest = block.text[label.end() :]
            if not rest and number + 1 < len(blocks):
                rest = blocks[number + 1].text
            if name := person(rest):
                return name, number
    return "", None


def _marked(blocks: Sequence[Block], lines: Sequence[int], heading: int) -> str:
    """The first line near the heading that is a name, in an element marked as the author's."""
    for number in lines:
        block = blocks[number]
        if number != heading and block.box.marks & _AUTHOR_MARK and block.words <= _MOST_NAME_WORDS:
            name = person(block.text)
            if name and name == block.text:
                return name
    return ""


def _beside(blocks: Sequence[Block], date_at: int | None, heading: int) -> str:
    """A name of two or three words on the line before or after the date, right under the heading."""
    if date_at is None or not heading < date_at <= heading + _BEFORE:
        return ""
    for number in (date_at - 1, date_at + 1):
        if heading < number < len(blocks):
            block = blocks[number]
            if block.words in {2, 3} and (name := person(block.text)) == block.text:
                return name
    return ""


def person(text: str) -> str:
    """The name of a person or user that `text` starts with; "" where it starts with something else."""
    text = text[: 4 * _MOST_NAME_CHARS]
    if end := _AFTER_NAME.search(text):
        text = text[: end.start()]
    text = text.strip().rstrip(",.:")
    if not text or len(text) > _MOST_NAME_CHARS or text.split()[0].lower() in _NO_NAME:
        return ""
    return text if _NAME.fullmatch(text) or _USER.fullmatch(text) else ""
