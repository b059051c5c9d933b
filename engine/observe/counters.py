"""What one shard counts while it runs. One process, one thread: plain numbers, no locks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from engine.model.outcome import FailureKind


class Counts(TypedDict):
    """The part of model.messages.Gauges that is counted here; keys mean the same."""

    done: int
    failed: int
    failed_by_kind: dict[str, int]
    requests: int
    finished: int
    bytes_received: int
    fetch_ms_sum: float
    process_ms_sum: float
    timed: int


@dataclass(slots=True)
class Counters:
    """Counters of a shard.

    `done`, `failed` and `failed_by_kind` are totals of the run folder: start them with what the frontier holds. The
    others count since this process started.
    """

    done: int = 0
    failed: int = 0
    failed_by_kind: dict[str, int] = field(default_factory=dict)
    requests: int = 0
    finished: int = 0
    bytes_received: int = 0
    fetch_ms_sum: float = 0.0
    process_ms_sum: float = 0.0
    timed: int = 0

    def requested(self) -> None:
        """Count a request that was sent."""
        self.requests += 1

    def received(self, size_bytes: int) -> None:
        """Count bytes of an answer's body, as they come off the network."""
        self.bytes_received += size_bytes

    def committed(self, kind: FailureKind | None) -> None:
        """Count a row that is committed; `kind` is None where it is no error row."""
        self.finished += 1
        if kind is None:
            self.done += 1
        else:
            self.failed += 1
            self.failed_by_kind[kind.value] = self.failed_by_kind.get(kind.value, 0) + 1

    def took(self, fetch_ms: float, process_ms: float) -> None:
        """Count the times of a page that was fetched and processed; rows without an answer have none."""
        self.timed += 1
        self.fetch_ms_sum += fetch_ms
        self.process_ms_sum += process_ms

    def snapshot(self) -> Counts:
        """Give the values now; later counting does not change them."""
        return {
            "done": self.done,
            "failed": self.failed,
            "failed_by_kind": dict(self.failed_by_kind),
            "requests": self.requests,
            "finished": self.finished,
            "bytes_received": self.bytes_received,
            "fetch_ms_sum": self.fetch_ms_sum,
            "process_ms_sum": self.process_ms_sum,
            "timed": self.timed,
        }
