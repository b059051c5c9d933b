"""Politeness, judged from the server's log: hosts with a delay, two shards, a shard killed twice on the way."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Any

from lib import engine_run, lists
from lib.results import Outcome, parser
from lib.tests_web import politeness, tests_web

if TYPE_CHECKING:
    import argparse

#: Between the client's write and the server's read lie two event loops, and their hold-ups differ by request.
TOLERANCE_S = 0.005


def main() -> int:
    options = _options()
    columns = ["host", "requests", "cut off", "robots.txt", "min gap s", "mean gap s", "most at once"]
    with Outcome("politeness", __doc__, options, columns) as outcome:
        names = lists.spread(options.hosts, options.hosts * options.urls, "http://slow-60-{host}.test/html/{page}")
        urls = lists.write(outcome.folder / "urls.txt", names)
        with tests_web(outcome.folder) as web:
            settings = {
                **engine_run.LOCAL, **engine_run.all_hosts_at(web.port), "politeness.delay_s": options.delay,
                "run.shards": 2,
            }  # fmt: skip
            with engine_run.EngineRun(outcome.folder / "out", [urls], settings) as running:
                expected_s = options.urls * options.delay
                for share in (0.25, 0.6):
                    running.wait(expected_s * share - running.elapsed_s)
                    shard = next(usage for usage in running.usages() if usage.role == "shard")
                    os.kill(int(shard.name.split()[1]), signal.SIGKILL)
                code = running.counted(expected_s * 3 + 120).code
        outcome.at_most("exit code", code, 0)
        outcome.at_least("shards that were killed and started again", running.tail(10**6).count("is started again"), 2)
        _judge(outcome, web.log(), options.delay)
        done = running.manifest()["counts"]["done"]
        outcome.at_least("rows without an error", done, options.hosts * options.urls)
        return outcome.finish()


def _options() -> argparse.Namespace:
    asked = parser(__doc__)
    asked.add_argument("--hosts", type=int, default=20)
    asked.add_argument("--urls", type=int, default=100, help="a host")
    asked.add_argument("--delay", type=float, default=0.5)
    return asked.parse_args()


def _judge(outcome: Outcome, log: list[Any], delay_s: float) -> None:
    gaps, at_once = politeness.min_gap_s(log), politeness.max_in_flight(log)
    robots, hosts = politeness.count(log, "/robots.txt"), politeness.by_host(log)
    for host, entries in sorted(hosts.items()):
        cut = sum(not entry["status"] for entry in entries)
        length_s = entries[-1]["t"] - entries[0]["t"]
        outcome.row(host, len(entries), cut, robots[host], gaps[host], length_s / (len(entries) - 1), at_once[host])
    least = min(gaps.values())
    outcome.at_least("shortest time between two requests to a host, s", least, delay_s - TOLERANCE_S)
    outcome.at_most("requests to a host at once", max(at_once.values()), 1)
    outcome.at_most("robots.txt asked, of any host", max(robots.values()), 1)
    outcome.at_most("hosts asked for a page before their robots.txt", len(politeness.robots_first(log)), 0)


if __name__ == "__main__":
    sys.exit(main())
