"""Progress while a run is on: plain lines at intervals, or a live display on a terminal (:mod:`.live`).

Both are told the same by the supervisor's ticks and read no clock of their own. What is shown is formatted here.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol, TextIO

from engine.observe.figures import Figures, FinishedRows, SlidingRate, eta_s, figures, success_rate
from engine.observe.tell import tell
from engine.observe.text import duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.model.messages import Gauges

#: Seconds between two plain lines.
LINE_INTERVAL_S: Final = 10.0

#: Failure kinds named in a plain line; the rest are summed.
_KINDS_IN_A_LINE: Final = 3


class Progress(Protocol):
    """A display of a run. `start` comes first and `stop` last; both may be called once."""

    def start(self) -> None:
        """Begin to show."""

    def update(self, gauges: Sequence[Gauges], nlp_children: int, elapsed_s: float) -> None:
        """Take in each shard's latest gauges, the number of NLP processes, and the time since the start."""

    def stop(self) -> None:
        """Show the last state and leave the terminal as it was."""


class Meter:
    """What both displays keep between updates: the latest figures, and the rate over a sliding window."""

    def __init__(self) -> None:
        self.figures = Figures()
        self.nlp_children = 0
        self.elapsed_s = 0.0
        self._finished = FinishedRows()
        self._rate = SlidingRate()

    def update(self, gauges: Sequence[Gauges], nlp_children: int, elapsed_s: float) -> None:
        """Take in what a tick brought."""
        self.figures = figures(gauges)
        self.nlp_children = nlp_children
        self.elapsed_s = elapsed_s
        self._rate.add(elapsed_s, self._finished.update(gauges))

    @property
    def rate_per_s(self) -> float | None:
        """Rows a second, lately."""
        return self._rate.per_s()

    @property
    def eta_s(self) -> float | None:
        """Seconds until all known URLs are finished, None where there is no telling, or none is known yet."""
        return eta_s(self.figures.remaining, self.rate_per_s, self.figures.tail_s) if self.figures.known else None


class LineProgress:
    """One line every `interval_s` seconds of ticks, and one at the end; for logs and pipes."""

    def __init__(self, stream: TextIO | None = None, interval_s: float = LINE_INTERVAL_S) -> None:
        self._stream = stream
        self._interval_s = interval_s
        self._meter = Meter()
        self._next_s = interval_s
        self._shown = True

    def start(self) -> None:
        """Nothing to prepare: the first line comes after an interval."""

    def update(self, gauges: Sequence[Gauges], nlp_children: int, elapsed_s: float) -> None:
        """Take in a tick; write a line if one is due."""
        self._meter.update(gauges, nlp_children, elapsed_s)
        self._shown = False
        if elapsed_s >= self._next_s:
            self._write()
            # The next is due on the grid of intervals, also after a gap (a suspended machine): one line, not many.
            self._next_s = elapsed_s - elapsed_s % self._interval_s + self._interval_s

    def stop(self) -> None:
        """Write the last state, unless it is on the last line already."""
        if not self._shown:
            self._write()

    def _write(self) -> None:
        self._shown = True
        if self._stream is None:
            tell(line(self._meter) + "\n", patience_s=0)
        else:
            with suppress(OSError, ValueError):  # whoever read along may have left: the run goes on
                self._stream.write(line(self._meter) + "\n")


def line(meter: Meter) -> str:
    """Format the state as one line of `name: value` pairs."""
    now = meter.figures
    pairs = [
        ("Processed", f"{now.finished}"),
        ("Success", percent(success_rate(now.done, now.failed))),
        ("Concurrency", f"{now.limit}"),
        ("Avg fetch", milliseconds(now.fetch_ms)),
        ("Avg process", milliseconds(now.process_ms)),
        ("Rate", pages_per_s(meter.rate_per_s)),
        ("In flight", f"{now.in_flight}"),
        ("Waiting for NLP", f"{now.waiting_for_nlp} ({meter.nlp_children} processes)"),
        ("Open breakers", f"{now.open_breakers}"),
        ("Failed", failures(now)),
        ("Left", f"{now.remaining}"),
        ("ETA", eta(meter.eta_s)),
    ]
    return " | ".join(f"{name}: {value}" for name, value in pairs)


def failures(now: Figures) -> str:
    """Write the failed URLs by their commonest kinds: `12 (http_status 7, dns_not_found 5)`."""
    if not now.failed:
        return "0"
    kinds = list(now.failed_by_kind.items())
    told = [f"{kind} {count}" for kind, count in kinds[:_KINDS_IN_A_LINE]]
    if rest := sum(count for _, count in kinds[_KINDS_IN_A_LINE:]):
        told.append(f"others {rest}")
    return f"{now.failed} ({', '.join(told)})" if told else f"{now.failed}"


def percent(share: float | None) -> str:
    """Write a share: `98.0%`; "-" where there is none yet. Only a share of 1 is shown as 100.0%."""
    if share is None:
        return "-"
    return f"{share if share == 1 else min(share, 0.9994):.1%}"


def milliseconds(value: float | None) -> str:
    """Write an average time: `245ms`; "-" where there is none yet."""
    return "-" if value is None else f"{value:.0f}ms"


def pages_per_s(rate: float | None) -> str:
    """Write a rate: `46.2/s`; "-" where there is none yet."""
    return "-" if rate is None else f"{rate:.1f}/s"


def eta(seconds: float | None) -> str:
    """Write the time left: `3m 20s`; "unknown" where there is no telling."""
    return "unknown" if seconds is None else duration(seconds)
