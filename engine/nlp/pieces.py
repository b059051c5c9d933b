"""A page's source cut at each "<", and what to do where a piece is not one tag and the text behind it.

A piece is a tag, ">" and text, unless a value holds one of the two signs, or it begins a comment. Tags are read as a
browser's tokenizer reads them (HTML, 13.2.5), but for what no page has.

Law: whatever the source, all that is done with it takes time in proportion to its length.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

#: A tag, up to its end or to a value that has no end in the piece. A quotation mark is one only behind an equals sign.
_TAG: Final = re.compile(r"""(?:[^>=]++|=\s*+(?:"[^"]*+"|'[^']*+'|(?!["'])))*+""")
_QUOTE: Final = re.compile("[\"']")


def whole_tag(piece: str, pieces: Iterator[str]) -> tuple[str, str]:
    """The tag that begins `piece`, and the text behind it; takes from `pieces` what belongs to one of its values."""
    read: list[str] = []
    while True:
        found = _TAG.match(piece)
        end = found.end() if found is not None else 0
        read.append(piece[:end])
        if not piece.startswith("=", end):
            return "".join(read), piece[end + 1 :]
        quote = _QUOTE.search(piece, end)
        value = [piece[end:]]
        for following in pieces:
            value.append(following)
            if quote is not None and quote.group() in following:
                break
        else:
            return "".join(read), ""
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
