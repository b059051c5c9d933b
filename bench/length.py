"""Does a long run stay as cheap and as small as it began? And how soon does a resume at half-way fetch?

CPU a page of each tenth of the run, and the memory of each process from its first tenth on; then the same run once
more, interrupted at half-way and resumed.
"""

from __future__ import annotations

import sys
import time
from bisect import bisect_left
from typing import TYPE_CHECKING, Any

from lib import engine_run, lists, servers
from lib.engine_run import EngineRun
from lib.processes import Peaks
from lib.results import Outcome, parser

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

TENTHS = 10


def main() -> int:
    options = _options()
    with Outcome("length", __doc__, options, ["tenth", "pages/s", "CPU ms a page", "largest process MB"]) as outcome:
        listed = lists.write(outcome.folder / "list.txt", lists.spread(options.hosts, options.urls))
        _whole(outcome, options, listed)
        if not options.no_resume:
            _resumed(outcome, options, listed)
        return outcome.finish()


def _options() -> argparse.Namespace:
    asked = parser(__doc__)
    asked.add_argument("--urls", type=int, default=300_000)
    asked.add_argument("--hosts", type=int, default=1000)
    asked.add_argument("--latency-s", type=float, default=0.01)
    asked.add_argument("--concurrency", type=int, default=200)
    asked.add_argument("--shards", default="auto")
    asked.add_argument("--no-resume", action="store_true")
    return asked.parse_args()


def _settings(options: argparse.Namespace, port: int) -> dict[str, Any]:
    return {
        **engine_run.LOCAL, **engine_run.FETCH_ONLY, **engine_run.all_hosts_at(port), "run.shards": options.shards,
        "fetch.max_concurrency": options.concurrency, "politeness.max_per_host": 4,
    }  # fmt: skip


def _whole(outcome: Outcome, options: argparse.Namespace, listed: Path) -> None:
    pages: list[int] = []
    times: list[float] = []
    cpu: list[float] = []
    peaks = Peaks()
    spent: dict[str, float] = {}
    with servers.web(outcome.folder, delay_s=(options.latency_s, options.latency_s), body_bytes=1024) as web:
        with EngineRun(outcome.folder / "run", [listed], _settings(options, web.port)) as engine:
            end = time.monotonic() + 120 + options.urls / 200
            while engine.alive and time.monotonic() < end:
                usages = engine.usages()
                spent.update((usage.name, usage.cpu_s) for usage in usages)
                pages.append(web.pages("ok"))
                times.append(time.monotonic())
                cpu.append(sum(spent.values()))
                peaks.add(usages, pages[-1])
                time.sleep(0.2)
            counted = engine.counted(120)
        engine.remove()
    costs = []
    for tenth in range(TENTHS):
        low, high = (options.urls * bound // TENTHS for bound in (tenth, tenth + 1))
        cost_ms = (at(pages, cpu, high) - at(pages, cpu, low)) / (high - low) * 1000
        rate = (high - low) / max(1e-9, at(pages, times, high) - at(pages, times, low))
        within = [size for series in peaks.resident.values() for page, size in series if low <= page <= high]
        costs.append(cost_ms)
        outcome.row(tenth + 1, rate, cost_ms, max(within, default=0) / 1e6)
    outcome.at_least("exit code 0 (1: yes)", int(counted.code == 0), 1)
    outcome.at_most("CPU a page, last tenth to second tenth", costs[-1] / costs[1], 1.1)
    # The merge at the end is no part of fetching: memory is looked at while pages come.
    for name, series in sorted(peaks.resident.items()):
        sizes = [size for page, size in series if options.urls / TENTHS <= page < options.urls]
        if name.startswith(("supervisor", "shard")) and sizes:
            outcome.at_most(
                f"memory of the {name.split()[0]}, highest to lowest from a tenth on", max(sizes) / min(sizes), 1.1
            )


def at(pages: list[int], values: list[float], page: int) -> float:
    """The value when so many pages were answered, between two samples."""
    after = min(bisect_left(pages, page), len(pages) - 1)
    before = max(0, after - 1)
    if pages[after] <= pages[before]:
        return values[after]
    share = min(1.0, (page - pages[before]) / (pages[after] - pages[before]))
    return values[before] + share * (values[after] - values[before])


def _resumed(outcome: Outcome, options: argparse.Namespace, listed: Path) -> None:
    with servers.web(outcome.folder, delay_s=(options.latency_s, options.latency_s), body_bytes=1024) as web:
        settings = _settings(options, web.port)
        with EngineRun(outcome.folder / "run", [listed], settings) as engine:
            engine.wait(120 + options.urls / 200, until=lambda: web.pages("ok") >= options.urls // 2, every_s=0.1)
            engine.stop()
        before = web.pages("ok")
        with EngineRun(outcome.folder / "run", [], {}, verb="resume") as again:
            again.wait(120, until=lambda: web.pages("ok") > before, every_s=0.02)
            fetches_s = again.elapsed_s
            code = again.counted(120 + options.urls / 200).code
        merged = again.out / "enrichment_output.jsonl"
        rows = sum(1 for _ in merged.open()) if merged.exists() else 0
        again.remove()
    outcome.at_most(f"resume at {before:,} pages: first page after its start", fetches_s, 5.0, " s")
    outcome.at_least("exit code 0 of the resume (1: yes)", int(code == 0), 1)
    outcome.at_most("rows short of one a URL after the resume", options.urls - rows, 0)


if __name__ == "__main__":
    sys.exit(main())
