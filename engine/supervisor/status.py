"""How a run stands, read from its folder, also while it is on."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

from engine.frontier.failed import failed_groups
from engine.frontier.results import FAILED_PREFIX
from engine.frontier.schema import writing
from engine.model.url import site_of
from engine.observe.failures import Tally
from engine.statefile import connect_readonly
from engine.supervisor.live import read_gauges
from engine.supervisor.lock import is_held
from engine.supervisor.manifest import INTERRUPTED, RUNNING, read_manifest

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from pathlib import Path

    from engine.observe.failures import Failures

#: Groups that are told of; the commonest come first.
_MOST_GROUPS: Final = 100
_COUNTED: Final = ("known", "waiting", "done", "failed", "duplicates")


def read_status(folder: Path) -> dict[str, Any]:
    """Count a run's URLs by state. Raises UsageError where the folder is no run's.

    Keys: state (running, interrupted, complete), known, queued, waiting, done, failed, duplicates, failed_by_kind,
    ingest_finished, elapsed_s; while it is on also rate (rows a second), eta_s (None: no telling), nlp_children and
    per_shard (model.messages.Gauges), else None, 0 and []; sites: the rules of `sites:` that the run was last given;
    failures: where URLs failed, commonest first (kind, site, count, example); failures_exact: False where those counts
    are lower bounds.
    """
    manifest = read_manifest(folder)
    running = is_held(folder / "state" / "lock")
    live = read_gauges(folder / "state") if running else {}
    state = manifest["state"]
    if state == RUNNING and not running:
        state = INTERRUPTED  # the command was killed and could not say so
    failures = _failures(folder / "state", manifest["shards"])
    return {
        "state": state,
        **count(folder / "state", manifest["shards"]),
        "failures": [
            {"kind": group.kind, "site": group.site, "count": group.count, "example": group.url}
            for group in failures.groups[:_MOST_GROUPS]
        ],
        "failures_exact": failures.exact,
        "ingest_finished": manifest["ingest_finished"],
        "elapsed_s": max(manifest["elapsed_s"], live.get("elapsed_s", 0.0)),
        "rate": live.get("rate"),
        "eta_s": live.get("eta_s"),
        "nlp_children": live.get("nlp_children", 0),
        "per_shard": live.get("per_shard", []),
        "sites": manifest["settings"]["sites"],
    }


def count(state: Path, shards: int) -> dict[str, Any]:
    """Add up the counters of all frontiers: known, queued, waiting, done, failed, duplicates, failed_by_kind."""
    total: Counter[str] = Counter()
    for db in _frontiers(state, shards):
        total.update(dict(db.execute("SELECT name, value FROM counter")))
    counts: dict[str, Any] = {name: total[name] for name in _COUNTED}
    counts["queued"] = max(0, counts["known"] - counts["waiting"] - counts["done"] - counts["failed"])
    if total["left_out"]:  # by discovery, where a site is over its budget: they have no row
        counts["left_out"] = total["left_out"]
    kinds = {name.removeprefix(FAILED_PREFIX): n for name, n in total.items() if name.startswith(FAILED_PREFIX) and n}
    counts["failed_by_kind"] = dict(sorted(kinds.items(), key=lambda item: -item[1]))
    return counts


def _failures(state: Path, shards: int) -> Failures:
    tally = Tally()
    for db in _frontiers(state, shards):
        for group in failed_groups(db):
            tally.add(group.kind, site_of(group.host) if group.host else "", group.url, count=group.failed)
    return tally.result()


def _frontiers(state: Path, shards: int) -> Iterator[sqlite3.Connection]:
    """Each shard's frontier that has its tables, open for reading. A shard killed in its first moment left none."""
    for shard in range(shards):
        path = state / f"shard-{shard:05d}.sqlite"
        if path.exists():
            with writing(path), closing(connect_readonly(path)) as db:
                if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'counter'").fetchone():
                    yield db
