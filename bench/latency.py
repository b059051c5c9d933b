"""How much of what Little's law allows is reached: answers of 200 ms, one shard, 500 requests at once.

Judged by the server's log alone: pages asked for from the moment the limit is reached (95 % of it in flight at the
server) to the moment the first host has no page left, against limit / latency times that span.
"""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

from lib import engine_run, lists, servers
from lib.engine_run import EngineRun
from lib.results import Outcome, parser

if TYPE_CHECKING:
    import argparse


def main() -> int:
    options = _options()
    columns = ["run", "limit reached after s", "span s", "pages/s", "share of Little's law", "CPU ms a page"]
    with Outcome("latency", __doc__, options, columns) as outcome:
        shares, reached = [], []
        for number in range(options.rounds):
            share, after_s = _measure(outcome, options, number)
            shares.append(share)
            reached.append(after_s)
        outcome.at_least("share of Little's law, worst run", min(shares), 0.9)
        outcome.at_most("limit reached after the first request, worst run", max(reached), 5.0, " s")
        return outcome.finish()


def _options() -> argparse.Namespace:
    asked = parser(__doc__)
    asked.add_argument("--urls", type=int, default=60_000)
    asked.add_argument("--hosts", type=int, default=100)
    asked.add_argument("--concurrency", type=int, default=500)
    asked.add_argument("--latency-s", type=float, default=0.2)
    asked.add_argument("--max-per-host", type=int, default=16)
    asked.add_argument("--max-per-site", type=int, default=16)
    asked.add_argument("--rounds", type=int, default=3)
    return asked.parse_args()


def _measure(outcome: Outcome, options: argparse.Namespace, number: int) -> tuple[float, float]:
    latency = options.latency_s
    urls = lists.write(outcome.folder / "list.txt", lists.spread(options.hosts, options.urls))
    with servers.web(outcome.folder, delay_s=(latency, latency), body_bytes=2048, log=True) as web:
        settings = {
            **engine_run.LOCAL, **engine_run.FETCH_ONLY, **engine_run.all_hosts_at(web.port), "run.shards": 1,
            "fetch.max_concurrency": options.concurrency, "politeness.max_per_host": options.max_per_host,
            "politeness.max_per_site": options.max_per_site,
        }  # fmt: skip
        with EngineRun(outcome.folder / f"run-{number}", [urls], settings) as engine:
            counted = engine.counted(300 + options.urls * latency)
        found = judge(web.stop()["requests"], options.concurrency, options.urls // options.hosts)
    share = found["rate"] / (options.concurrency / latency)
    outcome.row(
        number + 1, found["reached_s"], found["span_s"], found["rate"], share, counted.cpu_s / options.urls * 1000
    )
    return share, found["reached_s"]


def judge(requests: list[list[Any]], concurrency: int, pages_a_host: int) -> dict[str, float]:
    """Seconds from the first request to the limit; the span from there to the first host run dry; arrivals a second."""
    requests = sorted(requests)
    first = requests[0][0]
    events = sorted([(arrived, 1) for arrived, *_ in requests] + [(answered, -1) for *_, answered in requests])
    reached = in_flight = 0
    for at, change in events:
        in_flight += change
        if in_flight >= 0.95 * concurrency:
            reached = at
            break
    asked: Counter[str] = Counter()
    dry = requests[-1][0]
    for arrived, host, path, *_ in requests:
        asked[host] += path != "/robots.txt"
        if asked[host] >= pages_a_host:
            dry = arrived
            break
    never = {"reached_s": float("inf"), "span_s": 0.0, "rate": 0.0}
    if not reached or reached >= dry:
        return never
    within = sum(reached <= arrived < dry for arrived, *_ in requests)
    return {"reached_s": reached - first, "span_s": dry - reached, "rate": within / (dry - reached)}


if __name__ == "__main__":
    sys.exit(main())
