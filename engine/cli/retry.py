"""`enrich retry`: try the failed URLs of a run again."""

# ruff: noqa: TC001 - typer evaluates the annotations of commands
from __future__ import annotations

from typing import Annotated

import typer

from engine.api import Engine
from engine.cli.flags import RunFolder, SettingsFlags, TalkFlags, grouped
from engine.errors import UsageError
from engine.model.lead import LeadFailure
from engine.model.outcome import FailureKind
from engine.settings import nearest


@grouped
def command(
    context: typer.Context,
    folder: RunFolder,
    settings: SettingsFlags,
    talk: TalkFlags,
    kind: Annotated[
        list[str] | None,
        typer.Option("--kind", metavar="KIND", help="Only rows with this error_kind; repeat for more [default: all]."),
    ] = None,
) -> int:
    """Try the URLs whose rows are errors again; a new row replaces the old one.

    Which kinds a run has, enrich status shows. Settings are the run's; flags override them.

    [bold]Examples[/bold]

    enrich retry results
    enrich retry results --kind read_timeout --kind connect_timeout --set fetch.timeout_s=60
    """
    engine: Engine = context.obj
    kinds = frozenset(kind or ())
    manifest = engine.manifest(folder)
    known: list[str] = list(LeadFailure if manifest.get("kind") == "leads" else FailureKind)
    for name in sorted(kinds.difference(known)):
        guess = nearest(name, known)
        hint = f"did you mean {guess}?" if guess else f"there are {', '.join(known)}"
        raise UsageError(f"--kind {name}: there is no such error_kind: {hint}")
    loaded = settings.load_again(manifest)
    return engine.run(folder, loaded, "retry", retry_kinds=kinds, **talk.options())
