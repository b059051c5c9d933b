"""Which 64-bit simhashes are nearly equal to an earlier one, among any number of them, in bounded memory.

Manku, Jain, Das Sarma: "Detecting near-duplicates for web crawling", WWW 2007: two marks that differ in at most
`DISTANCE` = 3 of 64 bits agree wholly in two at least of five blocks of bits. So for each pair of blocks the marks are
brought together that agree in it (some 26 bits, which a hundred million texts share with three others by chance), and
only those are compared.

Law: the answer depends on the marks and their order alone, not on the sizes below. Memory is that of `MOST_MARKS` marks
where texts differ; equal marks are reduced to their first as they are met. Cost: ten passes over the marks, which lie
in a file, each repeated for every `MOST_MARKS` of them.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

#: Bits in which nearly equal texts may differ: with one word in 500 replaced at random, 83 % of 98 real pages stay in
#: reach (one in 200: 55 %, one in 50: 12 %); different ones of them differ in 18 at least.
DISTANCE: Final = 3
#: Marks worked on at once: 16 bytes each, and some four times as much while they are sorted.
MOST_MARKS: Final = 2_000_000
#: No earlier mark.
NONE: Final = -1

_BLOCK_BITS: Final = (13, 13, 13, 13, 12)
#: Of marks that agree in two blocks, each is compared with so many of those before it. More distinct ones than that
#: agree only where thousands of pages are variations of one.
_COMPARED: Final = 256
#: splitmix64's finaliser (Steele, Lea, Flood 2014) spreads the bits of a key that are in two blocks only.
_MIX: Final = np.uint64(0xBF58476D1CE4E5B9)
_SHIFT: Final = np.uint64(31)


def nearest_earlier(
    marks: NDArray[np.uint64],
    earliest: NDArray[np.int64],
    *,
    most: int = MOST_MARKS,
    checkpoint: Callable[[], None] = lambda: None,
) -> None:
    """Set earliest[i] to the least j < i whose mark differs from marks[i] in at most `DISTANCE` bits; NONE: no such.

    Both may be mapped from files: they are read and written in slices. `checkpoint` is called before each of them; what
    it raises ends the work.
    """
    length = len(marks)
    never = np.int64(length)
    earliest[:] = never
    parts = max(1, -(-length // most))
    for mask in _masks():
        for part in range(parts):
            _compare(*_distinct(marks, earliest, mask, part, parts, most, checkpoint), mask, earliest)
    for start in range(0, length, most):  # a repeat of a mark was left out: what is near its first is near it
        checkpoint()
        here = earliest[start : start + most]
        first = np.where(here < never, here, 0)
        equal = (here < never) & (marks[first] == marks[start : start + most])
        here[equal] = np.minimum(here[equal], earliest[first[equal]])
    for start in range(0, length, most):
        here = earliest[start : start + most]
        here[here == never] = NONE


def _masks() -> Iterator[np.uint64]:
    """The bits of each pair of blocks."""
    blocks = []
    low = 0
    for bits in _BLOCK_BITS:
        blocks.append(((1 << bits) - 1) << low)
        low += bits
    for one, other in combinations(blocks, 2):
        yield np.uint64(one | other)


def _distinct(  # noqa: PLR0913, PLR0917 - a slice of a pass, of one caller
    marks: NDArray[np.uint64],
    earliest: NDArray[np.int64],
    mask: np.uint64,
    part: int,
    parts: int,
    most: int,
    checkpoint: Callable[[], None],
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """The distinct marks whose bits under `mask` belong to a part, and the first place of each; repeats are noted."""
    found = np.empty(0, dtype=np.uint64)
    places = np.empty(0, dtype=np.int64)
    for start in range(0, len(marks), most):
        checkpoint()
        slice_ = np.asarray(marks[start : start + most])
        if parts == 1:
            here = np.arange(len(slice_))
        else:
            key = (slice_ & mask) * _MIX
            here = np.flatnonzero((key ^ (key >> _SHIFT)) % np.uint64(parts) == part)
        found = np.concatenate((found, slice_[here]))
        places = np.concatenate((places, here + start))
        found, first, inverse = np.unique(found, return_index=True, return_inverse=True)  # first: the least place
        firsts = places[first]
        repeated = firsts[inverse] != places
        np.minimum.at(earliest, places[repeated], firsts[inverse][repeated])
        places = firsts
    return found, places


def _compare(
    marks: NDArray[np.uint64], places: NDArray[np.int64], mask: np.uint64, earliest: NDArray[np.int64]
) -> None:
    """Compare distinct marks that agree under `mask`, and note for each the least place that is near and earlier."""
    keys = marks & mask
    order = np.lexsort((places, keys))
    keys, marks, places = keys[order], marks[order], places[order]
    later = np.flatnonzero(keys[1:] == keys[:-1]) + 1
    for distance in range(1, _COMPARED + 1):
        later = later[later >= distance]
        later = later[keys[later] == keys[later - distance]]
        if not later.size:
            return
        near = later[np.bitwise_count(marks[later] ^ marks[later - distance]) <= DISTANCE]
        np.minimum.at(earliest, places[near], places[near - distance])
