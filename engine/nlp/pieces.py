"""A page's markup cut at each "<", and what to do where a piece is not one tag and the text behind it.

Markup is as a serializer writes it (HTML, 13.3): a text has no "<", a value no quotation mark, and what an attribute
has is `name="value"`. So a piece is a tag, ">" and text, unless a value holds one of the two signs, or the piece is a
comment's; both are found out by what stands in the piece alone.

Law: whatever the markup, all that is done with it takes time in proportion to its length.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What can be told from a tag's start: its name, or the value that goes on, and its attributes up to one without end.
_TAG: Final = re.compile(r'(?:="[^"]*+"|[^ >"]*+)(?: [^<>=]++(?:="[^"]*+")?+)*+')

#: Elements whose text is written as it is, so that a tag in it is none.
_RAW: Final = frozenset({"iframe", "noembed", "noframes", "script", "style"})


def whole_tag(piece: str, pieces: Iterator[str]) -> tuple[str, str]:
    """The tag that begins `piece`, and the text behind it; takes from `pieces` what belongs to one of its values.

    What is no tag, because of what its author took for a name, is ("", "").
    """
    read: list[str] = []
    while True:
        end = _TAG.match(piece).end()  # type: ignore[union-attr]  # which may be empty
        read.append(piece[:end])
        if piece.startswith(">", end):
            return "".join(read), piece[end + 1 :]
        if not piece.startswith('="', end):
            return "", ""
        value = [piece[end:]]
        for following in pieces:
            value.append(following)
            if '"' in following:
                break
        else:
            return "", ""
        piece = "<".join(value)


def after_comment(piece: str, pieces: Iterator[str]) -> str:
    """The text behind the comment that begins `piece`."""
    while True:
        _, end, text = piece.partition("-->")
        if end:
            return text
        following = next(pieces, None)
        if following is None:
            return ""
        piece = following


def after_element(name: str, pieces: Iterator[str]) -> str:
    """The text behind the element called `name` whose start tag was the last piece."""
    end = f"/{name}>"
    raw = name in _RAW
    depth = 1
    for piece in pieces:
        if piece.startswith(end):
            depth -= 1
            if not depth:
                return piece[len(end) :]
        elif not raw:
            if piece.startswith("!--"):
                after_comment(piece, pieces)
            elif piece.count('"') & 1:  # a value with a "<" in it ends the piece, and may hold such tags
                whole_tag(piece, pieces)
            if piece.startswith(name) and piece[len(name) : len(name) + 1] in {" ", ">"}:
                depth += 1
    return ""
