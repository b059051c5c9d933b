"""`enrich resume`: go on with what is left of a run."""

# ruff: noqa: TC001, TC002 - typer evaluates the annotations of commands
from __future__ import annotations

import typer

from engine.api import Engine
from engine.cli.flags import RunFolder, SettingsFlags, TalkFlags, grouped


@grouped
def command(context: typer.Context, folder: RunFolder, settings: SettingsFlags, talk: TalkFlags) -> int:
    """Go on with what is left of a run, with the settings that it began with; only flags override them.

    Secrets (a proxy's password, headers, cookies, auth) are not kept in run.json: give them again.

    [bold]Examples[/bold]

    enrich resume results
    enrich resume results --set politeness.delay_s=5
    ENRICH_FETCH__HEADERS='{X-Key: abc}' enrich resume results
    """
    engine: Engine = context.obj
    loaded = settings.load_again(engine.manifest(folder))
    return engine.run(folder, loaded, "resume", **talk.options())
