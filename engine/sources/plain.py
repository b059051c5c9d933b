"""Blocks of plain lines: most lists hold nothing but URLs in normal form, and such a URL costs a sixth to take in.

Characters are looked at for a whole block at once; what then is left to look at of a line is its scheme and host, which
a cache knows. A line is plain where :func:`engine.model.url.parse_target` leaves its text as it is, and a block
of which that cannot be said is read line by line: so nothing but the cost depends on it.
"""

from __future__ import annotations

import re
import string
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

from engine.sources.record import MAX_URL_CHARS

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

#: What stands in paths and queries alike, and in hosts: none is changed by normalising (engine/model/url.py: _PLAIN).
_PLAIN_BYTES: Final = (string.ascii_letters + string.digits + "_!$&()*+,;=:@~%./?-\n").encode()

#: A segment of dots is resolved, IDNA checks what is encoded.
_NOT_PLAIN: Final = (b"/.", b"/%2", b"xn--")

_PLAIN_ORIGIN: Final = re.compile(r"https?://((?:[a-z0-9_-]+\.)*[a-z][a-z0-9-]*)", re.ASCII).fullmatch

#: No slash before this ends an origin.
_SHORTEST_ORIGIN: Final = len("http://h")

#: Origins whose facts are remembered.
_REMEMBERED: Final = 65_536


class PlainLines(NamedTuple):
    """Lines without their ends, the first of them by its ordinal."""

    first: int
    lines: list[str]

    @property
    def last(self) -> int:
        """The ordinal of the last line."""
        return self.first + len(self.lines) - 1

    def split(self, most: int) -> tuple[PlainLines, PlainLines | None]:
        """The first `most` lines, and the others, if there are any."""
        if len(self.lines) <= most:
            return self, None
        return PlainLines(self.first, self.lines[:most]), PlainLines(self.first + most, self.lines[most:])


def plain_lines(block: bytes) -> list[str] | None:
    """Give the lines of a block, ends left out; None where they must be looked at one by one."""
    if block.translate(None, _PLAIN_BYTES) or any(one in block for one in _NOT_PLAIN):
        return None
    found = block.decode("ascii").split("\n")
    if not found[-1]:  # behind the last end
        found.pop()
    return None if len(block) > MAX_URL_CHARS and max(map(len, found)) > MAX_URL_CHARS else found


class Origins(Generic[T]):
    """What is known of a plain line's origin, by what `facts` says of its host."""

    def __init__(self, facts: Callable[[str], T]) -> None:
        self._facts = facts
        self._of_origin = lru_cache(maxsize=_REMEMBERED)(self._find)

    def of(self, line: str) -> tuple[str, T] | None:
        """The host of a line that :func:`plain_lines` gave, and its facts; None where it is no URL in normal form."""
        end = line.find("/", _SHORTEST_ORIGIN)
        return self._of_origin(line[:end]) if end >= 0 else None

    def _find(self, origin: str) -> tuple[str, T] | None:
        plain = _PLAIN_ORIGIN(origin)
        return None if plain is None else (plain[1], self._facts(plain[1]))
