"""`enrich status`: how far a run is."""

# ruff: noqa: TC001 - typer evaluates the annotations of commands
from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.api import Engine
from engine.cli.flags import RunFolder
from engine.cli.talk import results
from engine.errors import ExitCode
from engine.observe.report import FailureGroup, failure_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def command(
    context: typer.Context,
    folder: RunFolder,
    sites: Annotated[
        bool, typer.Option("--sites", help="Also the rules of sites:, and which sites hold the run back.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of lines for people.")] = False,
) -> int:
    """Count a run's URLs by state; failures by kind and site, and what helps; rate, time left. Also while it is on.

    [bold]Examples[/bold]

    enrich status results
    enrich status results --sites
    enrich status results --json
    """
    engine: Engine = context.obj
    status = engine.status(folder)
    with results() as out:
        if as_json:
            out.write(json.dumps(status, indent=2) + "\n")
        else:
            out.writelines(f"{line}\n" for line in (_lead_lines if "kind" in status else _lines)(status))
            if sites and "kind" not in status:
                out.writelines(f"{line}\n" for line in _site_lines(status))
    return ExitCode.COMPLETE


def _lines(status: Mapping[str, Any]) -> Iterator[str]:
    left = status["queued"] + status["waiting"]
    yield f"{status['state']}, {_span(status['elapsed_s'])} of work so far"
    yield f"{status['known']:,} URLs known: {status['done']:,} done, {status['failed']:,} failed, {left:,} left"
    yield f"{status['waiting']:,} of those wait for another attempt; {status['duplicates']:,} duplicates were skipped"
    if status["rate"] is not None:
        eta = "" if status["eta_s"] is None else f", about {_span(status['eta_s'])} left"
        yield f"{status['rate']:.1f} rows/s{eta}"
    if status["failed_by_kind"]:
        groups = [
            FailureGroup(one["kind"], one["site"], one["count"], one["example"], "") for one in status["failures"]
        ]
        yield "failures, with what helps:"
        for line in failure_lines(status["failed_by_kind"], groups, exact=status["failures_exact"]):
            yield f"  {line}"
    for shard in status["per_shard"]:
        yield (
            f"shard {shard['shard']}: {shard['in_flight']} requests in flight of {shard['limit']} at the most"
            f" ({shard['limit_cause']}), {shard['open_breakers']} open breakers,"
            f" {shard['active_hosts']:,} active hosts, {shard['waiting_for_nlp']} pages at the NLP pool"
        )


def _lead_lines(status: Mapping[str, Any]) -> Iterator[str]:
    yield f"{status['state']}, {_span(status['elapsed_s'])} of work so far, {status['cost_cents']:g} cents spent"
    by_status = ", ".join(f"{count:,} {name}" for name, count in status["by_status"].items() if count)
    yield f"{status['known']:,} leads known: {by_status}; {status['succeeded']:,} with facts"
    yield f"{status['duplicates']:,} duplicates were left out"
    if status["rate"] is not None:
        eta = "" if status["eta_s"] is None else f", about {_span(status['eta_s'])} left"
        yield f"{status['rate'] * 60:.1f} leads/min{eta}"
    if status["failed_by_kind"]:
        yield "without facts, by kind:"
        yield from (f"  {count:>9,}  {kind}" for kind, count in status["failed_by_kind"].items())


def _site_lines(status: Mapping[str, Any]) -> Iterator[str]:
    yield "rules of sites:" if status["sites"] else "no rules of sites: (the settings of politeness hold for all)"
    for rule in status["sites"]:
        given = {
            key: value for key, value in rule.items() if key != "match" and value not in (None, False, {}, "<redacted>")
        }
        yield f"  {rule['match']}: " + ", ".join(f"{key} {value}" for key, value in given.items())
    slow = sorted((site for shard in status["per_shard"] for site in shard["slow_sites"]), key=lambda site: -site[2])
    if slow:
        yield "sites whose delay holds the run back:"
        yield from (f"  {site}: {left:,} URLs left, {_span(seconds)} at their delay" for site, left, seconds in slow)


def _span(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
