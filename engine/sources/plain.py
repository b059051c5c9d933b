"""Blocks of plain lines: most lists hold nothing but URLs in normal form, and such a URL costs a sixth to take in.

Characters are looked at for a whole block at once, and so is what each line begins with. A line is plain where
:func:`engine.model.url.parse_target` leaves its text as it is, and a block of which that cannot be said is read line by
line: so nothing but the cost depends on it.
"""

from __future__ import annotations

import re
import string
from typing import Final, NamedTuple

from engine.sources.record import MAX_URL_CHARS

#: What stands in paths and queries alike, and in hosts: none is changed by normalising (engine/model/url.py: _PLAIN).
_PLAIN_BYTES: Final = (string.ascii_letters + string.digits + "_!$&()*+,;=:@~%./?-\n").encode()

#: The host of each line that begins as a URL in normal form does; "" of any other.
_HOSTS: Final = re.compile(r"(?:https?://((?:[a-z0-9_-]+\.)*[a-z][a-z0-9-]*)/)?.*\n", re.ASCII).findall


class PlainLines(NamedTuple):
    """Lines without their ends, the first of them by its ordinal; the host of a line that is no plain URL is ""."""

    first: int
    lines: list[str]
    hosts: list[str]

    @property
    def last(self) -> int:
        """The ordinal of the last line."""
        return self.first + len(self.lines) - 1

    def behind(self, skipped: int) -> PlainLines:
        """The lines behind the first `skipped` ones."""
        return PlainLines(self.first + skipped, self.lines[skipped:], self.hosts[skipped:]) if skipped else self

    def split(self, most: int) -> tuple[PlainLines, PlainLines | None]:
        """The first `most` lines, and the others, if there are any."""
        if len(self.lines) <= most:
            return self, None
        return PlainLines(self.first, self.lines[:most], self.hosts[:most]), self.behind(most)


def plain_lines(block: bytes, first: int) -> PlainLines | None:
    """Give the lines of a block whose first is the `first`; None where they must be looked at one by one."""
    if block.translate(None, _PLAIN_BYTES) or _changes(block):
        return None
    text = block.decode("ascii")
    if text[-1] != "\n":  # only the last line of an input lacks its end
        text += "\n"
    found = text.split("\n")
    found.pop()  # what is behind the last end
    if len(block) > MAX_URL_CHARS and max(map(len, found)) > MAX_URL_CHARS:
        return None
    return PlainLines(first, found, _HOSTS(text))


def _changes(block: bytes) -> bool:
    """Whether a URL in it may be changed: a segment of dots is resolved, IDNA checks what is encoded."""
    return b"/." in block or b"xn--" in block or (b"%" in block and b"/%2" in block)
