"""`enrich leads`: facts about people or companies through a provider of jobs."""

# ruff: noqa: TC001 - typer evaluates the annotations of commands
from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from engine.api import Engine
from engine.cli.flags import (
    SHORTCUTS,
    Fresh,
    OutFolder,
    SettingsFlags,
    TalkFlags,
    Typed,
    as_typed,
    grouped,
    option,
)
from engine.settings import Flag


@dataclass(frozen=True, slots=True)
class LeadFlags:
    """Flags of `leads` that stand for one setting each. Values are taken as typed: settings check them."""

    max_jobs: Annotated[
        str | None,
        option("--max-jobs", panel=SHORTCUTS, metavar="N", help="Submit at most N (leads.max_jobs)."),
    ] = None
    max_cost_cents: Annotated[
        str | None,
        option(
            "--max-cost-cents",
            panel=SHORTCUTS,
            metavar="N",
            help="Spend at most so many cents (leads.max_cost_cents).",
        ),
    ] = None
    webhook_listen: Annotated[
        str | None,
        option(
            "--webhook-listen",
            panel=SHORTCUTS,
            metavar="HOST:PORT",
            help="Take the provider's calls here (leads.webhook_listen).",
        ),
    ] = None
    webhook_url: Annotated[
        str | None,
        option(
            "--webhook-url",
            panel=SHORTCUTS,
            metavar="URL",
            help="The URL that leads there from outside (leads.webhook_url).",
        ),
    ] = None
    resubmit_uncertain: Annotated[
        bool,
        option(
            "--resubmit-uncertain",
            panel=SHORTCUTS,
            help="Submit again what may have been submitted: it may be paid twice (leads.resubmit_uncertain).",
        ),
    ] = False

    def flags(self) -> dict[str, Flag]:
        """Give the settings that were asked for, by key."""
        typed: Typed = {
            "leads.max_jobs": ("--max-jobs", self.max_jobs),
            "leads.max_cost_cents": ("--max-cost-cents", self.max_cost_cents),
            "leads.webhook_listen": ("--webhook-listen", self.webhook_listen),
            "leads.webhook_url": ("--webhook-url", self.webhook_url),
            "leads.resubmit_uncertain": ("--resubmit-uncertain", "true" if self.resubmit_uncertain else None),
        }
        return as_typed(typed)


@grouped
def command(  # noqa: PLR0913 - a command's flags are its parameters
    context: typer.Context,
    *,
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT", help="A file of rows (.jsonl .csv .tsv .parquet, each also .gz or .zst), or - for stdin."
        ),
    ],
    out: OutFolder,
    shortcuts: LeadFlags,
    settings: SettingsFlags,
    talk: TalkFlags,
    fresh: Fresh = False,
) -> int:
    """Ask a provider for facts about each row's person or company: one JSON row each in DIR/enrichment_output.jsonl.

    Jobs take minutes and cost money: none is submitted twice by itself, and what was paid for is collected by the same
    command again, or by enrich resume. The API key is read from the environment (SIXTYFOUR_API_KEY).

    [bold]Examples[/bold]

    enrich leads people.csv --out leads --max-cost-cents 500
    enrich leads people.jsonl --out leads --config leads.yml
    enrich resume leads
    """
    engine: Engine = context.obj
    loaded = settings.load(shortcuts.flags())
    return engine.leads(out, loaded, sources=tuple(inputs), fresh=fresh, **talk.options())
