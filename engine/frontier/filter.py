"""A Bloom filter (CACM 13/7, 1970) of records that begin with a hash: one bit of each record's first four bytes."""

from __future__ import annotations

from mmap import mmap
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Of a record of an index, and of what of it is looked at.
RECORD_BYTES: Final = 16
WORD_BYTES: Final = 4
_WORD: Final = np.dtype(">u4")
_WORDS_A_RECORD: Final = RECORD_BYTES // WORD_BYTES
_BYTE: Final = np.uint32(3)  # of a word the lowest bits say which bit of a byte, the next ones which byte
_BIT: Final = np.uint32(7)
_BITS: Final = np.left_shift(np.uint8(1), np.arange(8, dtype=np.uint8))


class Filter:
    """What it does not have is not there. `bits` is a power of two, eight times the records or more to be of use."""

    def __init__(self, bits: int) -> None:
        self._mask = bits - 1
        self._filled = mmap(-1, bits >> 3)  # pages that nobody writes to cost nothing
        self._array = np.frombuffer(self._filled, np.uint8)

    def note(self, records: bytes | bytearray) -> None:
        """Take records in, one after another."""
        np.bitwise_or.at(self._array, *self._places(records))

    def add(self, word: int) -> None:
        """Take in what is looked at of one record."""
        word &= self._mask
        self._filled[word >> 3] |= 1 << (word & 7)

    @staticmethod
    def word(begin: bytes) -> int:
        """What is looked at of a record that begins so, WORD_BYTES at least."""
        return int.from_bytes(begin[:WORD_BYTES], "big")

    def has(self, word: int) -> bool:
        """Whether a record may be there of which this is looked at."""
        word &= self._mask
        return bool(self._filled[word >> 3] >> (word & 7) & 1)

    def among(self, records: bytes) -> list[int]:
        """Which of these records may be there, by their place."""
        places, bits = self._places(records)
        return np.flatnonzero(self._array[places] & bits).tolist()

    def _places(self, records: bytes | bytearray) -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
        words: NDArray[np.uint32] = np.frombuffer(records, _WORD)[::_WORDS_A_RECORD].astype(np.uint32)
        words &= np.uint32(self._mask)
        return words >> _BYTE, _BITS[words & _BIT]
