"""`enrich pipeline`: the three stages in turn."""

# ruff: noqa: TC001 - typer evaluates the annotations of commands
from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from engine.api import Engine
from engine.cli.config import effective
from engine.cli.flags import SettingsFlags, TalkFlags, grouped
from engine.cli.talk import results
from engine.errors import ExitCode
from engine.settings import STAGES, Flag


class StageChoice(StrEnum):
    """Which stages run."""

    ONE = "1"
    TWO = "2"
    THREE = "3"
    ALL = "all"


@grouped
def command(  # noqa: PLR0913 - a command's flags are its parameters
    context: typer.Context,
    *,
    settings: SettingsFlags,
    talk: TalkFlags,
    stage: Annotated[
        StageChoice, typer.Option("--stage", help="1 discovery, 2 validation, 3 enrichment, or all in turn.")
    ] = StageChoice.ALL,
    async_enrichment: Annotated[
        bool,
        typer.Option(
            "--async-enrichment/--no-async-enrichment",
            help="Stage 3 by this engine, or through Scrapy (the extra scrapy).",
        ),
    ] = True,
    config_only: Annotated[
        bool, typer.Option("--config-only", help="Print the settings of each stage, and do nothing else.")
    ] = False,
    validate_only: Annotated[
        bool,
        typer.Option("--validate-only", help="Check settings, inputs, models and folders; say what would run."),
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin the stages anew: first remove what earlier runs left of them.")
    ] = False,
) -> int:
    """Discover, validate and enrich: from the seeds in data/raw to rows in data/processed, a folder a stage.

    Only usable URLs flow from one stage to the next. The same command again goes on where it stopped.

    [bold]Examples[/bold]

    enrich pipeline --env development --stage all
    enrich pipeline --env production --validate-only
    enrich pipeline --env production --stage 3 --set nlp.pipeline=rules
    """
    engine: Engine = context.obj
    loaded = {name: settings.load({"run.stage": Flag("enrich pipeline", name)}) for name in STAGES}
    chosen = [name for number, name in enumerate(STAGES, 1) if stage.value in {"all", str(number)}]
    if config_only:
        with results() as out:
            for name in chosen:
                out.write(f"--- # {name}\n")
                out.writelines(f"{line}\n" for line in effective(loaded[name]))
        return ExitCode.COMPLETE
    if validate_only:
        lines = engine.plan_pipeline(loaded, stage.value, fresh=fresh, async_enrichment=async_enrichment)
        with results() as out:
            out.writelines(f"{line}\n" for line in lines)
        return ExitCode.COMPLETE
    return engine.pipeline(loaded, stage.value, fresh=fresh, async_enrichment=async_enrichment, **talk.options())
