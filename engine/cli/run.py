"""`enrich run`: start a run, or go on with the same one."""

# ruff: noqa: TC001 - typer evaluates the annotations of commands
from __future__ import annotations

from typing import Annotated

import typer

from engine.api import Engine
from engine.cli.flags import Fresh, OutFolder, SettingsFlags, ShortcutFlags, TalkFlags, grouped


@grouped
def command(  # noqa: PLR0913 - a command's flags are its parameters
    context: typer.Context,
    *,
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT",
            help="A file (.txt .csv .tsv .jsonl .ndjson .parquet, each also .gz or .zst), one URL, or - for stdin.",
        ),
    ],
    out: OutFolder,
    shortcuts: ShortcutFlags,
    settings: SettingsFlags,
    talk: TalkFlags,
    fresh: Fresh = False,
) -> int:
    """Enrich every URL of the inputs: one JSON row each in DIR/enrichment_output.jsonl.

    Ctrl-C stops in good order, a second one at once. The same command again goes on where the run stopped.

    [bold]Examples[/bold]

    enrich run urls.txt --out results
    enrich run shops.csv --url-column website --delay 2 --out results
    enrich run https://example.org/page --out one-page
    zcat urls.txt.gz | enrich run - --out results
    enrich run urls.txt --out results --set fetch.contact=me@example.org
    """
    engine: Engine = context.obj
    loaded = settings.load(shortcuts.flags())
    return engine.run(out, loaded, "run", sources=tuple(inputs), fresh=fresh, **talk.options())
