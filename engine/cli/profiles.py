"""`enrich profiles`: leads from a directory site: a discovery that reads profiles."""

# ruff: noqa: TC001 - typer evaluates the annotations of commands
from __future__ import annotations

from typing import Annotated

import typer

from engine.api import Engine
from engine.cli.flags import Fresh, OutFolder, SettingsFlags, TalkFlags, grouped
from engine.settings import Flag

_NAME = "enrich profiles"


@grouped
def command(  # noqa: PLR0913 - a command's flags are its parameters
    context: typer.Context,
    *,
    seeds: Annotated[
        list[str],
        typer.Argument(
            metavar="SEED", help="A listing of people, a file of them as enrich run takes it, or - for stdin."
        ),
    ],
    out: OutFolder,
    settings: SettingsFlags,
    talk: TalkFlags,
    fresh: Fresh = False,
) -> int:
    """Find the people of a directory site: a lead each in DIR/profiles.jsonl, which enrich leads takes as it is.

    Follows links as enrich discover does, and reads each page: a listing, a category or an article is left out, and
    its row in DIR/discovery_output.jsonl says why.

    [bold]Examples[/bold]

    enrich profiles https://example.org/people/ --out people
    enrich profiles https://example.org/people/ --out people --set discovery.scope=path
    """
    engine: Engine = context.obj
    flags = {"run.stage": Flag(_NAME, "discovery"), "discovery.profiles": Flag(_NAME, True)}  # noqa: FBT003 - a setting
    return engine.run(out, settings.load(flags), "run", sources=tuple(seeds), fresh=fresh, **talk.options())
