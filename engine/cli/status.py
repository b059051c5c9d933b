"""`enrich status`: how far a run is."""

# ruff: noqa: TC001 - typer evaluates the annotations of commands
from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.api import Engine
from engine.cli.flags import RunFolder
from engine.cli.talk import results
from engine.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def command(
    context: typer.Context,
    folder: RunFolder,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of lines for people.")] = False,
) -> int:
    """Count a run's URLs by state and by failure kind; rate and time left. Also while the run is on.

    [bold]Examples[/bold]

    enrich status results
    enrich status results --json
    """
    engine: Engine = context.obj
    status = engine.status(folder)
    with results() as out:
        if as_json:
            out.write(json.dumps(status, indent=2) + "\n")
        else:
            out.writelines(f"{line}\n" for line in _lines(status))
    return ExitCode.COMPLETE


def _lines(status: Mapping[str, Any]) -> Iterator[str]:
    left = status["queued"] + status["waiting"]
    yield f"{status['state']}, {_span(status['elapsed_s'])} of work so far"
    yield f"{status['known']:,} URLs known: {status['done']:,} done, {status['failed']:,} failed, {left:,} left"
    yield f"{status['waiting']:,} of those wait for another attempt; {status['duplicates']:,} duplicates were skipped"
    if status["rate"] is not None:
        eta = "" if status["eta_s"] is None else f", about {_span(status['eta_s'])} left"
        yield f"{status['rate']:.1f} rows/s{eta}"
    kinds = sorted(status["failed_by_kind"].items(), key=lambda item: (-item[1], item[0]))
    if kinds:
        yield "failures by kind:"
        yield from (f"  {count:>9,}  {kind}" for kind, count in kinds)


def _span(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
