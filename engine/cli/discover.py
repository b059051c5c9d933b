"""`enrich discover`: stage 1 alone."""

# ruff: noqa: TC001 - typer evaluates the annotations of commands
from __future__ import annotations

from typing import Annotated

import typer

from engine.api import Engine
from engine.cli.flags import Fresh, OutFolder, SettingsFlags, TalkFlags, grouped
from engine.settings import Flag


@grouped
def command(  # noqa: PLR0913 - a command's flags are its parameters
    context: typer.Context,
    *,
    seeds: Annotated[
        list[str],
        typer.Argument(
            metavar="SEED", help="A URL to begin at, a file of them as enrich run takes it, or - for stdin."
        ),
    ],
    out: OutFolder,
    settings: SettingsFlags,
    talk: TalkFlags,
    fresh: Fresh = False,
) -> int:
    """Find the URLs of sites, from sitemaps, feeds and links: one JSON row each in DIR/discovery_output.jsonl.

    How far it goes is set by discovery.scope, allowed_domains, include, exclude, max_depth and max_pages_per_site.

    [bold]Examples[/bold]

    enrich discover https://example.org/ --out found
    enrich discover seeds.txt --out found --set discovery.scope=host --set discovery.max_depth=3
    """
    engine: Engine = context.obj
    loaded = settings.load({"run.stage": Flag("enrich discover", "discovery")})
    return engine.run(out, loaded, "run", sources=tuple(seeds), fresh=fresh, **talk.options())
