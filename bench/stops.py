"""Stops: SIGINT once, and twice, in the middle of a run: exit code, time, processes left, rows kept, and the resume."""

from __future__ import annotations

import signal
import sys
import time
from typing import TYPE_CHECKING, Any

import psutil
from lib import engine_run, lists, servers
from lib.processes import run
from lib.results import Outcome, parser

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

#: The supervisor gets every signal of a terminal at once; the second comes this long after the first.
SECOND_AFTER_S = 0.3


def main() -> int:
    options = _options()
    columns = ["signals", "rows before", "exit code", "s to the end", "processes left", "rows kept", "rows in the end"]
    with (
        Outcome("stops", __doc__, options, columns) as outcome,
        servers.web(outcome.folder, delay_s=(0.02, 0.2)) as web,
    ):
        urls = lists.write(outcome.folder / "urls.txt", lists.spread(100, options.urls))
        settings = {**engine_run.LOCAL, **engine_run.all_hosts_at(web.port), "run.shards": 2}
        for signals in (1, 2) * options.rounds:
            _stop(outcome, urls, settings, signals, options.urls)
        return outcome.finish()


def _options() -> argparse.Namespace:
    asked = parser(__doc__)
    asked.add_argument("--urls", type=int, default=6000)
    asked.add_argument("--rounds", type=int, default=3)
    return asked.parse_args()


def _stop(outcome: Outcome, urls: Path, settings: dict[str, Any], signals: int, wanted: int) -> None:
    out = outcome.folder / f"out-{len(list(outcome.folder.glob('out-*/run.json')))}"
    with engine_run.EngineRun(out, [urls], settings) as running:
        running.wait(300, until=lambda: wanted // 4 < running.total("done") < wanted)
        before = running.total("done")
        processes = [psutil.Process(int(usage.name.split()[1])) for usage in running.usages()]
        began = time.monotonic()
        running.signal(signal.SIGINT)
        if signals > 1:
            running.wait(SECOND_AFTER_S, every_s=0.01)
            running.signal(signal.SIGINT)
        supervisor = next(process for process in processes if "--multiprocessing-fork" not in process.cmdline())
        supervisor.wait(60)
        took_s = time.monotonic() - began
        _, left = psutil.wait_procs(processes, timeout=1)
        code = running.counted(60).code
    kept = running.manifest()["counts"]["done"]
    run(engine_run.command(out, [], {}, verb="resume"), outcome.folder, 600, "resume")
    rows = sum(1 for _ in (out / "enrichment_output.jsonl").open())
    outcome.row("SIGINT" if signals == 1 else "SIGINT, SIGINT", before, code, took_s, len(left), kept, rows)
    outcome.at_most("exit codes other than 3", int(code != 3), 0)
    outcome.at_most("s to the end" if signals == 1 else "s to the end, twice", took_s, 10 if signals == 1 else 2)
    outcome.at_most("processes left", len(left), 0)
    outcome.at_least("rows kept of those committed before", kept, before)
    outcome.at_least("rows after the resume", rows, wanted)


if __name__ == "__main__":
    sys.exit(main())
