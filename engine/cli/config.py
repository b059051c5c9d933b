"""`enrich config`: what is in force, and why."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer
import yaml

from engine.cli.flags import SettingsFlags, grouped
from engine.cli.talk import results
from engine.errors import ExitCode
from engine.settings import Loaded, known_keys, redacted, resolve_auto

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: Never fold a value: each key is one line.
_UNLIMITED_WIDTH = 10**9


@grouped
def command(
    settings: SettingsFlags,
    as_json: Annotated[
        bool, typer.Option("--json", help='An object of {"group.key": {"value": ..., "origin": ...}} instead of YAML.')
    ] = False,
) -> int:
    """Print the effective settings, each with where its value came from.

    The output is a settings file itself: save it and give it with --config. Secrets are redacted.

    What each key means is written in config/default.yml.

    [bold]Examples[/bold]

    enrich config
    enrich config --env production --set fetch.timeout_s=20
    enrich config --json
    """
    loaded = settings.load()
    with results() as out:
        if as_json:
            values = _flat(redacted(loaded.settings))
            listing = {key: {"value": values[key], "origin": loaded.origins[key]} for key in known_keys()}
            out.write(json.dumps(listing, indent=2) + "\n")
        else:
            out.writelines(f"{line}\n" for line in effective(loaded))
    return ExitCode.COMPLETE


def effective(loaded: Loaded) -> Iterator[str]:
    """The settings as lines of a settings file, each with where its value came from. Secrets are redacted."""
    values = _flat(redacted(loaded.settings))
    here = _flat(redacted(resolve_auto(loaded.settings)))
    group = ""
    for key, value in values.items():
        head, dot, leaf = key.partition(".")
        if dot and head != group:
            yield f"{head}:"
            group = head
        now = f"; {here[key]} here" if value == "auto" else ""
        name = f"  {leaf}" if dot else head
        yield f"{name}: {_yaml(value)}  # {loaded.origins[key]}{now}"


def _flat(tree: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key in known_keys():
        group, dot, leaf = key.partition(".")
        flat[key] = tree[group][leaf] if dot else tree[group]
    return flat


def _yaml(value: Any) -> str:  # noqa: ANN401 - any setting
    text: str = yaml.safe_dump(
        value, default_flow_style=True, allow_unicode=True, sort_keys=False, width=_UNLIMITED_WIDTH
    )
    return text.removesuffix("...\n").strip()
