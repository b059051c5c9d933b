"""What a stage makes of a URL: its rows, and what it finds. One class a stage; the shard does not ask which it is.

The law: every end of a URL gives exactly one row, whatever the stage. This module holds the protocol, and the rows of
enrichment; :mod:`.validation` and :mod:`.discovery` hold those of the other stages.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, Protocol

import orjson

from engine.model.record import base_row, error_row
from engine.policy.page_directives import page_directives

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.model.messages import TaskEntry
    from engine.model.outcome import Failure, FailureKind
    from engine.model.record import Fetched, Row
    from engine.model.task import Task
    from engine.shard.caching import Kept

#: A find: the shard that owns its site, and its entry; the entry's position is given where it is inserted.
Find = tuple[int, "TaskEntry"]


class Made(NamedTuple):
    """A URL's end: its row's line, why it is an error row (or None), and what was found in it."""

    line: bytes
    kind: FailureKind | None = None
    finds: Sequence[Find] = ()


class StageRows(Protocol):
    """The rows of one stage."""

    def bare(self, task: Task, fetched: Fetched) -> Made:
        """Of a page that nobody looks into."""

    def made(self, task: Task, fetched: Fetched, line: bytes, kind: FailureKind | None) -> Made:
        """Of what the pool made of a page."""

    def kept(self, task: Task, fetched: Fetched, kept: Kept) -> Made:
        """Of what the pool made of the same page before."""

    def failed(self, task: Task, fetched: Fetched, failure: Failure) -> Made:
        """Of a URL that failed."""


class EnrichmentRows:
    """Stage 3: the pool makes the row. `token` is our name in page directives."""

    def __init__(self, token: str) -> None:
        self._token = token

    def bare(self, _task: Task, fetched: Fetched) -> Made:
        """See StageRows."""
        row = base_row(with_input(fetched), utc_now())
        if fetched.x_robots_tag and (said := page_directives(fetched.x_robots_tag.splitlines(), {}, self._token)):
            row["metadata"] = {"robots": said}
        return Made(as_line(row))

    def made(self, _task: Task, _fetched: Fetched, line: bytes, kind: FailureKind | None) -> Made:
        """See StageRows."""
        return Made(line, kind)

    def kept(self, _task: Task, fetched: Fetched, kept: Kept) -> Made:
        """See StageRows."""
        return Made(as_line(kept.row(with_input(fetched), utc_now())))

    def failed(self, _task: Task, fetched: Fetched, failure: Failure) -> Made:
        """See StageRows."""
        return Made(as_line(error_row(with_input(fetched), failure, utc_now())), failure.kind)


def with_input(fetched: Fetched) -> Fetched:
    """The columns of the input row travel as the JSON they came as."""
    return fetched._replace(input=_raw_input(fetched)) if fetched.input is not None else fetched


def _raw_input(fetched: Fetched) -> orjson.Fragment | None:
    """The columns of the input row as a part of a larger JSON text."""
    return orjson.Fragment(fetched.input) if isinstance(fetched.input, bytes) else fetched.input


def as_line(row: Row) -> bytes:
    """A row as one line of JSON."""
    return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)


def rfc3339(seconds: float) -> str:
    """A time of day (seconds since the epoch) as RFC 3339 in UTC, milliseconds."""
    return _at_ms(int(seconds * 1000))


def utc_now() -> str:
    """Now, as rows have it."""
    return _at_ms(time.time_ns() // 1_000_000)


def _at_ms(milliseconds: int) -> str:
    second, ms = divmod(milliseconds, 1000)
    return f"{_to_the_second(second)}.{ms:03}Z"


@lru_cache(maxsize=1)
def _to_the_second(second: int) -> str:
    """The start of all times of one second: a thousand rows have it in common."""
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
