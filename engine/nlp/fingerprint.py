"""Two marks of a text: a hash that equal texts share, and a simhash that nearly equal ones nearly share.

Simhash: Charikar, "Similarity estimation techniques from rounding algorithms", STOC 2002: each bit is the majority of
that bit over the hashes of the text's shingles (three words in a row), so that the Hamming distance of two simhashes
measures how many shingles they do not share. 0.3 ms a page of 1,500 words.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final
from zlib import crc32

import numpy as np

#: Near-duplicate detection gains nothing from more words than these of one page.
MAX_WORDS: Final = 20_000
#: Odd 64-bit constants: the golden ratio for the words' places in a shingle, and splitmix64's finaliser (Steele, Lea,
#: Flood 2014), which spreads CRC-32's linear bits.
_PLACES: Final = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], dtype=np.uint64)
_MIX_1: Final = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2: Final = np.uint64(0x94D049BB133111EB)
_BITS: Final = 64


def content_hash(text: str) -> str | None:
    """The sha256 of the text in UTF-8, hex; None for an empty text."""
    return sha256(text.encode("utf-8", "replace")).hexdigest() if text else None


def simhash(words: list[str]) -> str | None:
    """The 64-bit simhash of a text's words, 16 hex digits; case does not matter; None where there is no word."""
    if not words:
        return None
    encoded = " ".join(words[:MAX_WORDS]).lower().encode("utf-8", "replace").split(b" ")
    hashes = np.fromiter(map(crc32, encoded), dtype=np.uint64, count=len(encoded))
    size = min(len(hashes), len(_PLACES))
    shingles = np.zeros(len(hashes) - size + 1, dtype=np.uint64)
    for place in range(size):
        shingles += hashes[place : place + len(shingles)] * _PLACES[place]
    shingles = (shingles ^ (shingles >> np.uint64(30))) * _MIX_1
    shingles = (shingles ^ (shingles >> np.uint64(27))) * _MIX_2
    shingles ^= shingles >> np.uint64(31)
    # The bytes in big-endian order, so that the mark is the same on any machine.
    bits = np.unpackbits(shingles.astype(">u8").view(np.uint8)).reshape(-1, _BITS)
    # Eight bits are added at once, as the bytes of one number; 255 of them do not overflow.
    sums = np.add.reduceat(bits.view(np.uint64), np.arange(0, len(bits), 255), axis=0)
    majority = sums.view(np.uint8).sum(axis=0, dtype=np.int64) * 2 > len(shingles)
    return np.packbits(majority).tobytes().hex()
