"""One URL on its way through its shard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

#: An ordinal is a 1-based line or row number in one input; a position orders (input, ordinal) over all inputs.
ORDINAL_BITS = 40


def position(input_index: int, ordinal: int) -> int:
    """The place of an input line in the whole of a run's inputs: orders by input, then by line."""
    return (input_index << ORDINAL_BITS) | ordinal


def split_position(value: int) -> tuple[int, int]:
    """(input index, ordinal) of a position."""
    return value >> ORDINAL_BITS, value & ((1 << ORDINAL_BITS) - 1)


class TaskKey(NamedTuple):
    """Where a task lies in its shard's frontier: (host id, priority band, sequence number), its primary key.

    `band` is the negated priority, so that a smaller band is served first.
    """

    host_id: int
    band: int
    n: int


@dataclass(slots=True)
class Task:
    """A URL to fetch. `url` is as first given, without user and password; `fetch_url` the normalised key.

    `input` holds the other columns of its input row as JSON bytes, or None. `auth` is "user:password" from the
    URL, never written to a row or a log. `attempts` counts requests made so far, redirects not counted.
    """

    key: TaskKey
    url: str
    fetch_url: str
    position: int
    input: bytes | None = None
    auth: str | None = None
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row lies: in the block of commit `commit`, from `start` of it decoded, `length` bytes with newline."""

    commit: int
    start: int
    length: int


@dataclass(frozen=True, slots=True)
class CommitRecord:
    """One append to a part file: `length` bytes on disk from `offset`, of CRC-32 `crc32`, holding `count` rows.

    `raw_length` is the length of the decoded block (equal to `length` without compression).
    """

    offset: int
    length: int
    raw_length: int
    crc32: int
    count: int
