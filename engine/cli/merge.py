"""`enrich merge`: write the merged output again."""

# ruff: noqa: TC001 - typer evaluates the annotations of commands
from __future__ import annotations

from typing import Annotated

import typer

from engine.api import Engine
from engine.cli.flags import RunFolder
from engine.cli.talk import say
from engine.errors import ExitCode


def command(
    context: typer.Context,
    folder: RunFolder,
    *,
    mark_duplicates: Annotated[
        bool | None,
        typer.Option(
            "--mark-duplicates/--no-mark-duplicates",
            help="Name in duplicate_of the first URL with the same or nearly the same text; default: as the run was.",
        ),
    ] = None,
) -> int:
    """Write the merged output (enrichment_output.jsonl, failures.jsonl) again from the parts.

    For a run with output.merge never, or one that is not complete yet, or a lost file. The parts stay as they are.

    [bold]Examples[/bold]

    enrich merge results
    enrich merge results --mark-duplicates
    """
    engine: Engine = context.obj
    rows, failed = engine.merge(folder, mark_duplicates=mark_duplicates)
    say(f"{folder}: merged {rows:,} rows, {failed:,} of them errors")
    return ExitCode.COMPLETE
