"""Near-duplicate pages, and the kinds of URL that bring nothing but them.

Two texts are nearly the same where their simhashes differ in at most 3 of 64 bits (Manku, Jain, Das Sarma, "Detecting
near-duplicates for web crawling", WWW 2007). By the pigeonhole principle one of their four quarters is then equal,
which is what an index on disk looks for.

A near-duplicate alone is no trap: its links may lead to new pages. A *shape* (:func:`engine.policy.traps.shape`) most
of whose pages were near-duplicates is one, and is closed: no further URL of it is followed.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Bits in which simhashes of nearly equal texts may differ.
MAX_DISTANCE: Final = 3
_BITS: Final = 64
_ALL: Final = (1 << _BITS) - 1
QUARTERS: Final = 4
_QUARTER_BITS: Final = _BITS // QUARTERS

#: Texts of fewer words are alike by chance: a login page, a page with one picture.
MIN_WORDS: Final = 10

#: Near-duplicates after which a shape may be closed, if they are at least half of its pages.
MIN_DUPLICATES: Final = 8
#: Shapes that are remembered, those seen last; one that is forgotten is learnt again.
MAX_SHAPES: Final = 20_000


def quarters(simhash: int) -> list[int]:
    """The four quarters of a simhash, each with its place in the upper bits, so that no two places share a number."""
    mask = (1 << _QUARTER_BITS) - 1
    return [(place << _QUARTER_BITS) | (simhash >> (place * _QUARTER_BITS)) & mask for place in range(QUARTERS)]


def alike(one: int, other: int) -> bool:
    """Whether two simhashes are those of nearly equal texts; both may be signed, as a database has them."""
    return ((one ^ other) & _ALL).bit_count() <= MAX_DISTANCE


def any_alike(one: int, others: Iterable[tuple[int]]) -> bool:
    """Whether any of these is alike; written out, for most pages are compared with many and are like none."""
    return any(((one ^ other) & _ALL).bit_count() <= MAX_DISTANCE for (other,) in others)


class Shapes:
    """How many pages of each shape were seen, and how many of them were near-duplicates."""

    def __init__(self, max_shapes: int = MAX_SHAPES) -> None:
        self._max_shapes = max_shapes
        self._seen: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def note(self, shape: str, *, duplicate: bool) -> None:
        """Count a page."""
        pages, duplicates = self._seen.pop(shape, (0, 0))
        self._seen[shape] = (pages + 1, duplicates + duplicate)
        if len(self._seen) > self._max_shapes:
            self._seen.popitem(last=False)

    def closed(self, shape: str) -> bool:
        """Whether URLs of this shape are followed no more."""
        pages, duplicates = self._seen.get(shape, (0, 0))
        return duplicates >= MIN_DUPLICATES and 2 * duplicates >= pages
