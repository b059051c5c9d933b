"""`enrich validate`: stage 2 alone."""

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
    inputs: Annotated[
        list[str], typer.Argument(metavar="INPUT", help="A file as enrich run takes it, one URL, or - for stdin.")
    ],
    out: OutFolder,
    settings: SettingsFlags,
    talk: TalkFlags,
    fresh: Fresh = False,
) -> int:
    """Tell which URLs are usable, by HEAD, else by the first bytes: a row each in DIR/validation_output.jsonl.

    What is usable is set by validation.content_types and validation.max_content_length.

    [bold]Examples[/bold]

    enrich validate urls.txt --out checked
    enrich validate found/discovery_output.jsonl --out checked --set 'validation.content_types=[text/html]'
    """
    engine: Engine = context.obj
    loaded = settings.load({"run.stage": Flag("enrich validate", "validation")})
    return engine.run(out, loaded, "run", sources=tuple(inputs), fresh=fresh, **talk.options())
