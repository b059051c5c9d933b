"""What a run tells while it is on: to the display on every tick, and to state/gauges.json for `enrich status`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final, Self

import orjson

from engine.errors import OutputError
from engine.observe.live import LiveProgress
from engine.observe.progress import LineProgress, Meter, Progress

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from engine.model.messages import Gauges

GAUGES_NAME: Final = "gauges.json"

#: Seconds between two writes of the file: as fresh as somebody who asks twice would expect.
_WRITE_EVERY_S: Final = 2.0


def display(progress: bool | None) -> Progress | None:
    """Choose a display: live on a terminal, lines elsewhere; False shows nothing."""
    if progress is False:
        return None
    return LiveProgress() if sys.stderr is not None and sys.stderr.isatty() else LineProgress()


class Telling:
    """Takes the gauges of each tick. `before_s` is the time that earlier commands spent on this run."""

    def __init__(self, state: Path, shown: Progress | None, clock: Callable[[], float], *, before_s: float) -> None:
        self._path = state / GAUGES_NAME
        self._shown = shown
        self._clock = clock
        self._started_at = clock()
        self._before_s = before_s
        self._meter = Meter()
        self._written_at = float("-inf")
        self.gauges: list[Gauges] = []

    @property
    def elapsed_s(self) -> float:
        """Seconds since this command's start."""
        return self._clock() - self._started_at

    @property
    def total_s(self) -> float:
        """Seconds that the run has taken, over all its commands."""
        return self._before_s + self.elapsed_s

    def __enter__(self) -> Self:
        if self._shown is not None:
            self._shown.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the terminal as it was."""
        if self._shown is not None:
            self._shown.stop()

    def tick(self, gauges: list[Gauges], nlp_children: int) -> None:
        """Take in a tick. Raises OutputError where the file cannot be written."""
        self.gauges = gauges
        self._meter.update(gauges, nlp_children, self.elapsed_s)
        if self._shown is not None:
            self._shown.update(gauges, nlp_children, self.elapsed_s)
        if self.elapsed_s >= self._written_at + _WRITE_EVERY_S:
            self._written_at = self.elapsed_s
            self._write(nlp_children)

    def _write(self, nlp_children: int) -> None:
        told = {
            "elapsed_s": round(self.total_s, 3),
            "rate": self._meter.rate_per_s,
            "eta_s": self._meter.eta_s,
            "nlp_children": nlp_children,
            "per_shard": self.gauges,
        }
        aside = self._path.with_name(GAUGES_NAME + ".tmp")
        try:
            aside.write_bytes(orjson.dumps(told))
            aside.replace(self._path)
        except OSError as error:
            raise OutputError(
                f"{self._path}: cannot be written: {error.strerror}; mend that, then: enrich resume"
            ) from error


def read_gauges(state: Path) -> dict[str, Any]:
    """Read what a run told last; empty where none has, or where a power failure left an empty file."""
    try:
        told: dict[str, Any] = orjson.loads((state / GAUGES_NAME).read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        return {}
    return told
