"""`enrich demo`: a real run, on a small web of our own."""

from __future__ import annotations

from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from engine.api import Engine, rows
from engine.cli.demo_web import DEMO_URLS, DemoWeb
from engine.cli.flags import SettingsFlags, TalkFlags, grouped
from engine.cli.talk import results, say
from engine.errors import ExitCode, OutputError
from engine.settings import Flag

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from engine.model.record import Row

_MAX_ENTITIES: Final = 5
_MAX_KEYWORDS: Final = 4

#: A table narrower than this is unreadable; a pipe has no width of its own.
_MIN_WIDTH: Final = 100


@grouped
def command(
    context: typer.Context,
    settings: SettingsFlags,
    talk: TalkFlags,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Where to put the list and the run [default: a temporary folder]."),
    ] = None,
) -> int:
    """Serve a small built-in web on loopback, enrich it, and show the rows. Needs no network.

    Among its pages are a missing one, one that moved, one that robots.txt forbids and a slow one.

    [bold]Examples[/bold]

    enrich demo
    enrich demo --out demo --set nlp.top_keywords=5
    """
    engine: Engine = context.obj
    folder = Path(mkdtemp(prefix="enrich-demo-")) if out is None else out
    listing, run_folder = folder / "urls.txt", folder / "run"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        listing.write_text("".join(f"{url}\n" for url in DEMO_URLS), encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written: {error.strerror}") from error
    with DemoWeb() as web:
        loaded = settings.load(_settings(web.port))
        code = engine.run(
            run_folder, loaded, "run", sources=(str(listing),), fresh=run_folder.exists(), **talk.options()
        )
    if code is not ExitCode.COMPLETE:
        return code
    table = _table(rows(run_folder))
    with results() as stdout:
        _console(stdout).print(table)
    say(f"the rows: {run_folder / 'enrichment_output.jsonl'}")
    say(f"its errors: {run_folder / 'failures.jsonl'} · the report: {run_folder / 'run.json'} · the list: {listing}")
    say("your turn: enrich run urls.txt --out results")
    return ExitCode.COMPLETE


def _settings(port: int) -> dict[str, Flag]:
    """Send every request to the server at `port` of loopback, and nowhere else."""
    values: dict[str, Any] = {
        "fetch.connect_to": [f"::127.0.0.1:{port}"],
        "fetch.contact": "demo@operator.example",
        "fetch.proxy": None,
        "guard.allow_networks": ["127.0.0.0/8"],
        "politeness.delay_s": 0.2,
        "output.compression": "none",
        "output.merge": "auto",
    }
    return {key: Flag("demo", value) for key, value in values.items()}


def _console(stdout: Any) -> Console:  # noqa: ANN401 - a text stream, however it is wrapped
    console = Console(file=stdout)
    return console if console.width >= _MIN_WIDTH else Console(file=stdout, width=_MIN_WIDTH)


def _table(found: Iterable[Row]) -> Table:
    table = Table(title="What the engine made of the demo web", show_lines=True)
    for heading, ratio in (("Page", 5), ("Language", 2), ("Entities", 5), ("Keywords", 4)):
        table.add_column(heading, ratio=ratio, overflow="fold")
    for row in found:
        if row["error_kind"] is not None:
            table.add_row(
                f"[dim]{escape(row['url'])}[/dim]", "", f"[red]{row['error_kind']}[/red]", escape(row["error"])
            )
            continue
        page = f"[bold]{escape(row['title'])}[/bold]\n[dim]{escape(row['final_url'])}[/dim]"
        if row["url"] != row["final_url"]:
            page += f"\n[dim]moved, from {escape(row['url'])}[/dim]"
        entities = [f"{_one_line(entity)} [dim]{entity['label']}[/dim]" for entity in _varied(row["entities"])]
        keywords = [escape(keyword["text"]) for keyword in row["keywords"][:_MAX_KEYWORDS]]
        table.add_row(page, row["language"] or "", "\n".join(entities), "\n".join(keywords))
    return table


def _varied(entities: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Choose the first entity of each label, then further ones: a row's first four are often all dates."""
    firsts = {entity["label"]: entity for entity in reversed(entities)}
    ordered = sorted(entities, key=lambda entity: firsts[entity["label"]] is not entity)
    return ordered[:_MAX_ENTITIES]


def _one_line(entity: Mapping[str, Any]) -> str:
    return escape(" ".join(str(entity["text"]).split()))
