"""A batch of ingest as a frame: the entries' prints as they are, then their columns as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from engine.model.entries import Entries
from engine.model.messages import Control

if TYPE_CHECKING:
    from engine.ipc.frames import Frame, Header

#: Columns that most lists have no use for, by their place, and the value that all entries then have: sent as null.
_RARE: Final = {1: 0, 3: None, 5: None, 6: None}


def tasks_frame(cursor: tuple[int, int], entries: Entries) -> tuple[Header, bytes]:
    """Make the header and body of a TASKS message."""
    header = {"type": Control.TASKS, "input": cursor[0], "last": cursor[1], "prints": len(entries.prints)}
    columns = [column if place not in _RARE or any(column) else None for place, column in enumerate(entries.columns)]
    return header, bytes(entries.prints) + orjson.dumps(columns)


def tasks_in(frame: Frame) -> Entries:
    """Give the entries of a TASKS message."""
    at = frame.header["prints"]
    columns = orjson.loads(memoryview(frame.body)[at:])
    for place, value in _RARE.items():
        if columns[place] is None:
            columns[place] = [value] * len(columns[0])
    return Entries.from_columns(columns, bytearray(frame.body[:at]))
