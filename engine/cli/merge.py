"""`enrich merge`: write the merged output again."""

# ruff: noqa: TC001, TC002 - typer evaluates the annotations of commands
from __future__ import annotations

import typer

from engine.api import Engine
from engine.cli.flags import RunFolder
from engine.cli.talk import say
from engine.errors import ExitCode


def command(context: typer.Context, folder: RunFolder) -> int:
    """Write the merged output (enrichment_output.jsonl, failures.jsonl) again from the parts.

    For a run with output.merge never, or one that is not complete yet, or a lost file. The parts stay as they are.

    [bold]Example[/bold]

    enrich merge results
    """
    engine: Engine = context.obj
    rows, failed = engine.merge(folder)
    say(f"{folder}: merged {rows:,} rows, {failed:,} of them errors")
    return ExitCode.COMPLETE
