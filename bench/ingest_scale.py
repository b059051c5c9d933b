"""How fast a long list goes into the frontiers while fetching goes on, and what it takes of memory and disk.

A million URLs over 10,000 sites, then over 500,000 hosts; --ten-million adds ten million over 10,000 sites. Each run
is stopped once its list is in. Memory is the kernel's own peak of each process (VmHWM).
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from lib import engine_run, lists, servers
from lib.engine_run import EngineRun
from lib.processes import Peaks
from lib.results import Outcome, parser

if TYPE_CHECKING:
    import argparse

#: How often memory is looked at. The kernel keeps each process's peak, so that none is missed.
LOOK_EVERY_S = 1.0


def main() -> int:
    options = _options()
    columns = [
        "URLs", "hosts", "seconds", "URLs/s", "rows meanwhile/s", "first row s", "supervisor MB", "shard MB",
        "other MB", "bytes a URL",
    ]  # fmt: skip
    runs = [(options.urls, options.sites), (options.urls, options.hosts)]
    runs += [(10 * options.urls, options.sites)] if options.ten_million else []
    with Outcome("ingest_scale", __doc__, options, columns) as outcome:
        for urls, hosts in runs:
            _measure(outcome, options, urls, hosts)
        return outcome.finish()


def _options() -> argparse.Namespace:
    asked = parser(__doc__)
    asked.add_argument("--urls", type=int, default=1_000_000)
    asked.add_argument("--sites", type=int, default=10_000)
    asked.add_argument("--hosts", type=int, default=500_000)
    asked.add_argument("--ten-million", action="store_true", help="also ten times as many URLs over --sites")
    asked.add_argument("--shards", default="auto")
    asked.add_argument("--latency-s", type=float, default=0.02)
    asked.add_argument("--concurrency", type=int, default=200)
    asked.add_argument("--max-per-host", type=int, default=4)
    return asked.parse_args()


def _measure(outcome: Outcome, options: argparse.Namespace, urls: int, hosts: int) -> None:
    listed = lists.write(
        outcome.folder / "list.txt",
        lists.spread(hosts, urls, "http://ok-{host}.test/articles/2024/a-page-of-some-length-{page}.html"),
    )
    peaks = Peaks()
    first_row_s = float("inf")
    ingested: tuple[float, int] | None = None  # seconds, pages
    with servers.web(outcome.folder, delay_s=(options.latency_s, options.latency_s)) as web:
        settings = {
            **engine_run.LOCAL, **engine_run.FETCH_ONLY, **engine_run.all_hosts_at(web.port),
            "run.shards": options.shards, "fetch.max_concurrency": options.concurrency,
            "politeness.max_per_host": options.max_per_host, "output.merge": "never",
        }  # fmt: skip
        with EngineRun(outcome.folder / "run", [listed], settings) as engine:
            end = time.monotonic() + 120 + urls / 5000
            begin = look_at = 0.0
            while engine.alive and time.monotonic() < end and ingested is None:
                if not begin and engine.state_bytes():
                    begin = engine.elapsed_s
                if first_row_s == float("inf") and engine.part_bytes():
                    first_row_s = engine.elapsed_s
                if engine.elapsed_s >= look_at:  # not each time: to look takes of the cores that the engine needs
                    peaks.add(engine.usages(), engine.elapsed_s)
                    look_at = engine.elapsed_s + LOOK_EVERY_S
                if begin and engine.known() >= urls:
                    ingested = engine.elapsed_s - begin, web.pages("ok")
                time.sleep(0.1)
            peaks.add(engine.usages(), engine.elapsed_s)
            engine.stop()
            size = engine.state_bytes()  # the log of a running frontier may hold as much again
        tail = engine.tail()
        engine.remove()
    if ingested is None:
        raise SystemExit(f"the list was not in after {engine.elapsed_s:.0f} s; the engine's log ends:\n{tail}")
    seconds, rows = ingested
    supervisor, shard = (peaks.highest(role) / 1e6 for role in ("supervisor", "shard"))
    other = peaks.highest("tracker", "forkserver") / 1e6
    outcome.row(
        urls, hosts, seconds, urls / seconds, rows / seconds, first_row_s, supervisor, shard, other, size / urls
    )
    what = f"{urls:,} URLs, {hosts:,} hosts"
    if urls == options.urls:
        outcome.at_least(f"{what}: URLs/s", urls / seconds, 50_000)
        outcome.at_least(f"{what}: pages/s meanwhile", rows / seconds, 1000)
    else:  # of ten times as many, memory and disk are asked for
        outcome.note(f"{what}: URLs/s", urls / seconds)
        outcome.note(f"{what}: pages/s meanwhile", rows / seconds)
    outcome.at_most(f"{what}: first row after the start", first_row_s, 3.0, " s")
    outcome.at_most(f"{what}: largest process", max(supervisor, shard, other), 300.0, " MB")
    outcome.note(f"{what}: bytes of a URL on disk", size / urls)


if __name__ == "__main__":
    sys.exit(main())
