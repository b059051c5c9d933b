"""What people are told of a run of leads: a line now and then, and a summary at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.observe.figures import success_rate
from engine.observe.progress import percent
from engine.observe.report import count_of
from engine.observe.text import duration, shown
from engine.policy.job import State

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from engine.providers.counts import Counts

_ERROR_CHARS: Final = 200


def progress_line(counts: Counts, elapsed_s: float) -> str:
    """One line of `name: value` pairs."""
    failed = counts.of(State.FAILED, State.EXPIRED)
    pairs = [
        ("Leads", f"{counts.known:,}"),
        ("Planned", f"{counts.of(State.PLANNED):,}"),
        ("Out", f"{counts.of(State.SUBMITTING, State.RUNNING):,}"),
        ("Done", f"{counts.of(State.COMPLETED):,}"),
        ("With facts", percent(success_rate(counts.succeeded, counts.of(State.COMPLETED) - counts.succeeded + failed))),
        ("Failed", f"{failed:,}"),
        ("Uncertain", f"{counts.of(State.UNCERTAIN):,}"),
        ("Cost", cents(counts.cost_cents)),
        ("Running for", duration(elapsed_s)),
    ]
    return " | ".join(f"{name}: {value}" for name, value in pairs)


def summary(counts: Counts, examples: Mapping[str, str], elapsed_s: float) -> str:
    """How a run stands when its command ends: lines without a final newline."""
    return "\n".join(_lines(counts, examples, elapsed_s))


def _lines(counts: Counts, examples: Mapping[str, str], elapsed_s: float) -> Iterator[str]:
    by = ", ".join(f"{number:,} {state}" for state in State if (number := counts.of(state)))
    yield f"{count_of(counts.known, 'lead')}: {counts.succeeded:,} with facts ({by})"
    if counts.duplicates:
        yield f"{count_of(counts.duplicates, 'duplicate')} left out"
    yield f"{cents(counts.cost_cents)} spent, {duration(elapsed_s)} in this command"
    if counts.by_kind:
        yield "Without facts:"
        for kind, number in counts.by_kind.items():
            yield f"  {kind}: {count_of(number, 'lead')}; e.g. {shown(examples.get(kind) or '', _ERROR_CHARS)}"
    if uncertain := counts.of(State.UNCERTAIN):
        yield (
            f"{count_of(uncertain, 'lead')} may have been submitted, and billed: look at the provider's account; enrich"
            " leads --resubmit-uncertain submits them again"
        )


def cents(value: float) -> str:
    """Write an amount: `12.5 cents`."""
    return f"{value:,.6g} cents"
