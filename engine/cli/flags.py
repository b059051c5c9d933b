"""The flags that several commands share, and how they become settings.

A command declares a parameter of a group's type and is decorated with `grouped`: typer then shows the group's fields as
flags, and the command gets them as one object.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from functools import wraps
from inspect import Parameter, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from engine.errors import UsageError
from engine.settings import Flag, Loaded, environment_file, load, load_again, parse_set

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from engine.api import TalkOptions

_SETTINGS = "Settings (enrich config lists them)"
_TALK = "Progress and logs"
#: The heading of flags that stand for one setting each.
SHORTCUTS = "Shortcuts for settings"

#: The first argument of every command but `run`, `config` and `demo`.
RunFolder = Annotated[Path, typer.Argument(metavar="DIR", help="The run folder: what --out of enrich run named.")]

#: --out and --fresh of the commands that begin a run.
OutFolder = Annotated[Path, typer.Option("--out", metavar="DIR", help="The run folder; made where there is none.")]
Fresh = Annotated[
    bool, typer.Option("--fresh", help="Begin anew: first remove what an earlier run left in DIR, and only that.")
]


class LogLevel(StrEnum):
    """The least severe record that is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """How log records look."""

    CONSOLE = "console"
    JSON = "json"


def option(*names: str, panel: str, help: str, metavar: str | None = None) -> Any:  # noqa: A002, ANN401 - as typer's
    """An option of typer's that is listed under the heading `panel`."""
    return typer.Option(*names, rich_help_panel=panel, help=help, metavar=metavar)


@dataclass(frozen=True, slots=True)
class SettingsFlags:
    """--config, --env, --set."""

    env: Annotated[
        str | None,
        option("--env", panel=_SETTINGS, metavar="NAME", help="Use config/NAME.yml: development, production or yours."),
    ] = None
    config: Annotated[
        list[Path] | None,
        option(
            "--config", panel=_SETTINGS, metavar="FILE", help="A YAML file of settings; repeat for more, later wins."
        ),
    ] = None
    set: Annotated[
        list[str] | None,
        option("--set", panel=_SETTINGS, metavar="GROUP.KEY=VALUE", help="One setting, its value as YAML; repeatable."),
    ] = None

    def files(self) -> list[Path]:
        """List the settings files in order: that of --env, then those of --config."""
        return [*([environment_file(self.env)] if self.env is not None else []), *(self.config or [])]

    def load(self, more: Mapping[str, Flag] | None = None) -> Loaded:
        """Load the settings of a new command; `more` are the values of its other flags."""
        return load(self.files(), os.environ, self._with(more or {}))

    def load_again(self, manifest: Mapping[str, Any]) -> Loaded:
        """Load the settings of a run folder, which only these flags override."""
        return load_again(manifest, self.files(), os.environ, self._with({}))

    def _with(self, more: Mapping[str, Flag]) -> dict[str, Flag]:
        flags = parse_set(self.set or [])
        for key, flag in more.items():
            if key in flags:
                raise UsageError(f"{key} is given twice, by {flag.name} and by --set: keep one")
        return {**flags, **more}


@dataclass(frozen=True, slots=True)
class TalkFlags:
    """--progress, --log-level, --log-format."""

    progress: Annotated[
        bool | None,
        option(
            "--progress/--no-progress", panel=_TALK, help="The live display, where stderr is a terminal unless said."
        ),
    ] = None
    log_level: Annotated[LogLevel, option("--log-level", panel=_TALK, help="The least severe record to log.")] = (
        LogLevel.INFO
    )
    log_format: Annotated[
        LogFormat, option("--log-format", panel=_TALK, help="For people, or one JSON object a line.")
    ] = LogFormat.CONSOLE

    def options(self) -> TalkOptions:
        """Give what the engine is told of them."""
        return {"progress": self.progress, "log_level": self.log_level.value, "log_format": self.log_format.value}


@dataclass(frozen=True, slots=True)
class ShortcutFlags:
    """Flags of `run` that stand for one setting each. Values are taken as typed: settings check them."""

    url_column: Annotated[
        str | None,
        option("--url-column", panel=SHORTCUTS, metavar="NAME", help="The column of the URL (input.url_column)."),
    ] = None
    limit: Annotated[
        str | None,
        option("--limit", panel=SHORTCUTS, metavar="N", help="Take only the first N records (input.limit)."),
    ] = None
    shards: Annotated[
        str | None,
        option("--shards", panel=SHORTCUTS, metavar="N|auto", help="Processes that fetch (run.shards)."),
    ] = None
    nlp_processes: Annotated[
        str | None,
        option(
            "--nlp-processes", panel=SHORTCUTS, metavar="N|auto", help="Processes that analyse (run.nlp_processes)."
        ),
    ] = None
    concurrency: Annotated[
        str | None,
        option("--concurrency", panel=SHORTCUTS, metavar="N", help="Requests at once (fetch.max_concurrency)."),
    ] = None
    delay: Annotated[
        str | None,
        option(
            "--delay",
            panel=SHORTCUTS,
            metavar="SECONDS",
            help="From one request to a host to the next (politeness.delay_s).",
        ),
    ] = None
    no_nlp: Annotated[
        bool,
        option("--no-nlp", panel=SHORTCUTS, help="Text only: no entities, keywords, summary (nlp.pipeline none)."),
    ] = False
    mark_duplicates: Annotated[
        bool,
        option(
            "--mark-duplicates",
            panel=SHORTCUTS,
            help="Name in duplicate_of the first URL with the same or nearly the same text (output.mark_duplicates).",
        ),
    ] = False

    def flags(self) -> dict[str, Flag]:
        """Give the settings that were asked for, by key."""
        typed: Typed = {
            "input.url_column": ("--url-column", self.url_column),
            "input.limit": ("--limit", self.limit),
            "run.shards": ("--shards", self.shards),
            "run.nlp_processes": ("--nlp-processes", self.nlp_processes),
            "fetch.max_concurrency": ("--concurrency", self.concurrency),
            "politeness.delay_s": ("--delay", self.delay),
            "nlp.pipeline": ("--no-nlp", "none" if self.no_nlp else None),
            "output.mark_duplicates": ("--mark-duplicates", "true" if self.mark_duplicates else None),
        }
        return as_typed(typed)


#: By the setting's key, a flag's name and what was typed; None where it was not given.
Typed = dict[str, tuple[str, str | None]]


def as_typed(typed: Typed) -> dict[str, Flag]:
    """The flags that were given, their values as typed: settings check them."""
    return {key: Flag(name, text, raw=True) for key, (name, text) in typed.items() if text is not None}


def grouped(function: Callable[..., int]) -> Callable[..., int]:
    """Spread the parameters of `function` that are dataclasses into their fields, as flags of their own."""
    hints = get_type_hints(function, include_extras=True)
    groups: dict[str, type[Any]] = {}
    spread: list[Parameter] = []
    for name, parameter in signature(function).parameters.items():
        hint = hints[name]
        if isinstance(hint, type) and is_dataclass(hint):
            groups[name] = hint
            inner = get_type_hints(hint, include_extras=True)
            spread += [
                Parameter(field.name, Parameter.KEYWORD_ONLY, default=field.default, annotation=inner[field.name])
                for field in fields(hint)
            ]
        else:
            spread.append(parameter.replace(kind=Parameter.KEYWORD_ONLY, annotation=hint))

    @wraps(function)
    def command(**values: Any) -> int:  # noqa: ANN401 - typer passes what the signature below says
        for name, group in groups.items():
            values[name] = group(**{field.name: values.pop(field.name) for field in fields(group)})
        return function(**values)

    command.__signature__ = signature(function).replace(parameters=spread)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in spread}
    return command
