"""The live display: a small table, redrawn at each tick in place, on the terminal that stderr is.

It is drawn only when an update comes, by the caller's thread: no timer and no thread of its own. Lines that this
process logs meanwhile go above it (rich stands in front of stderr). When it stops it takes itself off the screen; the
summary comes in its place.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from engine.observe.figures import success_rate
from engine.observe.progress import Meter, eta, milliseconds, pages_per_s, percent
from engine.observe.text import duration, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.model.messages import Gauges

#: Shards whose limit has a line of its own: a screen has 24 lines.
_SHARDS_SHOWN: Final = 8
_KINDS_SHOWN: Final = 6
_CAUSE_CHARS: Final = 60
_BAR_CHARS: Final = 40


class LiveProgress:
    """A display that is redrawn in place. `console` is stderr's unless a test gives another."""

    def __init__(self, console: Console | None = None) -> None:
        self._meter = Meter()
        self._live = Live(
            console=console or Console(stderr=True),
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,  # results that were asked for stay clean
        )

    def start(self) -> None:
        """Take the lower part of the terminal."""
        self._live.start()

    def update(self, gauges: Sequence[Gauges], nlp_children: int, elapsed_s: float) -> None:
        """Take in a tick and draw."""
        self._meter.update(gauges, nlp_children, elapsed_s)
        # A terminal that was closed refuses (EIO): the run goes on without an audience.
        with suppress(OSError):
            self._live.update(render(self._meter), refresh=True)

    def stop(self) -> None:
        """Leave the terminal as it was."""
        with suppress(OSError):
            self._live.stop()


def render(meter: Meter) -> Table:
    """Draw the state: counts, rates, limits, what is waited for."""
    now = meter.figures
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="ellipsis", no_wrap=True)
    success = percent(success_rate(now.done, now.failed))
    grid.add_row("done", f"{now.finished:,} of {now.known:,}, {success} without error")
    grid.add_row("", ProgressBar(total=max(now.known, 1), completed=now.finished, width=_BAR_CHARS))
    kinds = list(now.failed_by_kind.items())
    if kinds:
        told = [f"{kind} {count:,}" for kind, count in kinds[:_KINDS_SHOWN]]
        if rest := sum(count for _, count in kinds[_KINDS_SHOWN:]):
            told.append(f"others {rest:,}")
        grid.add_row("failed", Text(", ".join(told), style="red"))
    grid.add_row("speed", f"{pages_per_s(meter.rate_per_s)}, running for {duration(meter.elapsed_s)}")
    grid.add_row("average", f"fetch {milliseconds(now.fetch_ms)}, process {milliseconds(now.process_ms)}")
    grid.add_row("in flight", f"{now.in_flight:,}, connecting {now.connecting:,}, waiting to retry {now.waiting:,}")
    for limit in now.limits[:_SHARDS_SHOWN]:
        # The cause may quote a host: no markup is read in it.
        grid.add_row(f"limit, shard {limit.shard}", Text(f"{limit.limit:,}: {shown(limit.cause, _CAUSE_CHARS)}"))
    if hidden := now.limits[_SHARDS_SHOWN:]:
        grid.add_row("limit, others", f"{sum(limit.limit for limit in hidden):,} in {len(hidden)} shards")
    grid.add_row("open breakers", f"{now.open_breakers:,}")
    grid.add_row("waiting for NLP", f"{now.waiting_for_nlp:,} pages, {meter.nlp_children} processes")
    grid.add_row("time left", eta(meter.eta_s))
    return grid
