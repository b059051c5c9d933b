"""A batch of ingest as a frame: the entries' prints as they are, then the entries as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from engine.model.messages import Control

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.ipc.frames import Frame, Header
    from engine.model.messages import TaskEntry


def tasks_frame(cursor: tuple[int, int], entries: Sequence[TaskEntry], made: bytes | bytearray) -> tuple[Header, bytes]:
    """Make the header and body of a TASKS message from entries and their prints."""
    header = {"type": Control.TASKS, "input": cursor[0], "last": cursor[1], "prints": len(made)}
    return header, bytes(made) + orjson.dumps(entries)


def tasks_in(frame: Frame) -> tuple[list[Any], bytearray]:
    """Give the entries of a TASKS message, and their prints."""
    at = frame.header["prints"]
    return orjson.loads(memoryview(frame.body)[at:]), bytearray(frame.body[:at])
