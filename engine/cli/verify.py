"""`enrich verify`: whether a run folder is whole."""

# ruff: noqa: TC001, TC002 - typer evaluates the annotations of commands
from __future__ import annotations

import typer

from engine.api import Engine
from engine.cli.flags import RunFolder
from engine.cli.talk import results, say
from engine.errors import ExitCode


def command(context: typer.Context, folder: RunFolder) -> int:
    """Check a run folder: part lengths and checksums, JSON, one live row a URL, counts equal to run.json.

    Exit code 0: sound. 5: something is wrong, and each fault is a line on stdout.

    [bold]Example[/bold]

    enrich verify results
    """
    engine: Engine = context.obj
    problems = engine.verify(folder)
    if not problems:
        say(f"{folder}: sound")
        return ExitCode.COMPLETE
    with results() as out:
        out.writelines(f"{problem}\n" for problem in problems)
    say(f"{folder}: {len(problems)} problem{'s' if len(problems) > 1 else ''} found")
    return ExitCode.ENGINE
