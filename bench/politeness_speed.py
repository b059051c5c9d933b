"""Is the delay kept at speed? Judged from the server's log: 200 hosts, 0.05 s, retries and redirects among the pages.

The gap between two arrivals may differ from that between their writing by what lies between the client's write and the
server's read; --tolerance-s says how much is put down to that.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING

from lib import engine_run, lists, servers
from lib.engine_run import EngineRun
from lib.results import Outcome, parser

if TYPE_CHECKING:
    import argparse


def main() -> int:
    options = _options()
    columns = ["requests", "redirects", "retried", "seconds", "requests/s", "of what the delay allows", "least gap s"]
    with Outcome("politeness_speed", __doc__, options, columns) as outcome:
        listed = lists.write(outcome.folder / "list.txt", lists.shuffled(_urls(options)))
        latency = options.latency_s
        with servers.web(outcome.folder, delay_s=(latency, latency), log=True) as web:
            settings = {
                **engine_run.LOCAL, **engine_run.FETCH_ONLY, **engine_run.all_hosts_at(web.port),
                "run.shards": options.shards, "politeness.delay_s": options.delay_s, "politeness.jitter": 0,
                "fetch.max_concurrency": options.concurrency, "retry.base_delay_s": 0.2,
            }  # fmt: skip
            with EngineRun(outcome.folder / "run", [listed], settings) as engine:
                counted = engine.counted(120 + options.requests * options.delay_s)
            requests = sorted(web.stop()["requests"])
        arrivals = defaultdict(list)
        for arrived, host, *_ in requests:
            arrivals[host].append(arrived)
        gaps = sorted(later - earlier for times in arrivals.values() for earlier, later in pairwise(times))
        statuses = [status for *_, status, _ in requests]
        span_s = requests[-1][0] - requests[0][0]
        allowed = options.hosts / options.delay_s
        rate = len(requests) / span_s
        outcome.row(len(requests), statuses.count(302), statuses.count(425), span_s, rate, rate / allowed, gaps[0])
        outcome.at_least("exit code 0 (1: yes)", int(counted.code == 0), 1)
        early = sum(gap < options.delay_s - options.tolerance_s for gap in gaps)
        outcome.at_most(f"requests more than {options.tolerance_s * 1000:g} ms too early", early, 0)
        for slack_ms in (0.0, 0.5, 1.0, 2.0):
            short = sum(gap < options.delay_s - slack_ms / 1000 for gap in gaps)
            outcome.note(f"gaps short by more than {slack_ms:g} ms", short)
        return outcome.finish()


def _options() -> argparse.Namespace:
    asked = parser(__doc__)
    asked.add_argument("--hosts", type=int, default=200)
    asked.add_argument("--delay-s", type=float, default=0.05)
    asked.add_argument("--requests", type=int, default=20_000)
    asked.add_argument("--latency-s", type=float, default=0.01)
    asked.add_argument("--concurrency", type=int, default=200)
    asked.add_argument("--shards", default="auto")
    asked.add_argument("--tolerance-s", type=float, default=0.005)
    return asked.parse_args()


def _urls(options: argparse.Namespace) -> list[str]:
    """Of eight URLs one redirects and one fails at first: ten requests."""
    found = []
    for number in range(options.requests * 8 // 10):
        kind = {0: "go", 1: "flaky"}.get(number // options.hosts % 8, "page")
        found.append(f"http://ok-{number % options.hosts}.test/{kind}/{number}")
    return found


if __name__ == "__main__":
    sys.exit(main())
