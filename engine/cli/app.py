"""The program `enrich`: its commands, and what every end of a command becomes.

Law: an EngineError is one line on stderr and its own exit code; so is a flag or command that does not exist, with the
nearest one that does. Anything else that is raised is a bug: it keeps its traceback and ends in ExitCode.ENGINE.
"""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Annotated

import typer
from typer.exceptions import TyperException

from engine import __version__
from engine.api import LocalEngine
from engine.cli import (
    config,
    demo,
    discover,
    leads,
    merge,
    pipeline,
    profiles,
    resume,
    retry,
    run,
    status,
    validate,
    verify,
)
from engine.cli.talk import results, say
from engine.errors import EngineError, ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.api import Engine

#: What typer makes of a KeyboardInterrupt: 128 + SIGINT, as shells report it.
_TYPER_INTERRUPTED = 130

app = typer.Typer(
    name="enrich",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=(
        "Exit codes: 0 complete · 2 bad usage, configuration or input · 3 interrupted · 4 the output cannot be "
        "written · 5 engine failure · 6 stopped by a threshold. After 3, 4 and 6, enrich resume goes on."
    ),
)
for module in (run, resume, retry, status, merge, verify, config, demo, discover, validate, profiles, pipeline, leads):
    app.command(module.__name__.rpartition(".")[2])(module.command)


def _show_version(asked: bool) -> None:
    if asked:
        with results() as out:
            out.write(f"enrich-engine {__version__}\n")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _enrich(
    context: typer.Context,
    _version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Fetch a list of URLs politely and leave one enriched JSON row for each.

    New here? [bold]enrich demo[/bold] runs on a small built-in web and needs no network. Then:

    [bold]enrich run urls.txt --out results[/bold]
    """
    if context.invoked_subcommand is None:
        raise UsageError("say what to do: enrich demo shows it, enrich --help lists the commands")


def invoke(arguments: Sequence[str], engine: Engine | None = None) -> int:
    """Run one command line (without the program's name) and return its exit code. `engine`: this one unless given."""
    try:
        code = app(
            args=list(arguments),
            prog_name="enrich",
            standalone_mode=False,
            obj=LocalEngine() if engine is None else engine,
        )
    except EngineError as error:
        say(str(error))
        return error.exit_code
    except TyperException as error:
        say(_usage(error))
        return ExitCode.USAGE
    except (typer.Abort, KeyboardInterrupt):
        say("interrupted")
        return ExitCode.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last stop before the user: loud, and with our own exit code
        traceback.print_exc()
        say(f"engine failure, which is a bug: {type(error).__name__}: {error}; please report it with the lines above")
        return ExitCode.ENGINE
    if code == _TYPER_INTERRUPTED:
        say("interrupted")
        return ExitCode.INTERRUPTED
    return int(code or ExitCode.COMPLETE)


def _usage(error: TyperException) -> str:
    """Say what is wrong and where the help is; typer's message already names the nearest option or command."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "enrich"
    return f"{error.format_message().rstrip('.')} (see {path} --help)"
