"""Does the limit find what an overloaded server bears? It answers 503 above 40 requests in flight.

one: one host, max_per_host 200. many: 100 hosts on that server. With intervals of 0.5 s, and from 20 intervals after
the first request on: the limit as the engine's log and gauges tell it, the requests in flight at the server as the
server counts them (their highest in each interval), and the share of refused requests.
"""

from __future__ import annotations

import sys
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

from lib import engine_run, lists, servers
from lib.engine_run import EngineRun
from lib.results import Outcome, parser

if TYPE_CHECKING:
    import argparse

SETTLED_AFTER = 20
LOWEST, HIGHEST, LEAST_MEAN, MOST_REFUSED = 0.45, 1.15, 0.7, 0.05


def main() -> int:
    options = _options()
    columns = [
        "hosts",
        "told by",
        "samples",
        "mean / capacity",
        "within bounds",
        "lowest",
        "highest",
        "refused",
        "pages/s",
    ]
    with Outcome("overload", __doc__, options, columns) as outcome:
        for name, hosts in (("one", 1), ("many", options.hosts)):
            if options.variant in {name, "both"}:
                _measure(outcome, options, name, hosts)
        return outcome.finish()


def _options() -> argparse.Namespace:
    asked = parser(__doc__)
    asked.add_argument("--variant", choices=("one", "many", "both"), default="both")
    asked.add_argument("--capacity", type=int, default=40)
    asked.add_argument("--latency-s", type=float, default=0.1)
    asked.add_argument("--interval-s", type=float, default=0.5)
    asked.add_argument("--intervals", type=int, default=100, help="judged, after the first 20")
    asked.add_argument("--hosts", type=int, default=100)
    asked.add_argument("--concurrency", type=int, default=200)
    asked.add_argument("--retry-after", default="0", help="of a 503, in seconds; empty: the header is not sent")
    return asked.parse_args()


def _measure(outcome: Outcome, options: argparse.Namespace, name: str, hosts: int) -> None:
    judged_s = options.intervals * options.interval_s
    urls = int(2 * options.capacity / options.latency_s * (judged_s + SETTLED_AFTER * options.interval_s)) + 1000
    listed = lists.write(outcome.folder / "list.txt", lists.spread(hosts, urls))
    web_options: dict[str, Any] = {"delay_s": (options.latency_s, options.latency_s), "cap": options.capacity}
    with servers.web(outcome.folder, retry_after=options.retry_after, log=True, **web_options) as web:
        settings = {
            **engine_run.LOCAL, **engine_run.FETCH_ONLY, **engine_run.all_hosts_at(web.port), "run.shards": 1,
            "fetch.max_concurrency": options.concurrency, "aimd.interval_s": options.interval_s,
            "politeness.max_per_host": options.concurrency, "politeness.max_per_site": 0,
            "retry.rate_limit_delay_s": 0.05, "politeness.max_pauses": 1000, "retry.max_attempts": 20,
        }  # fmt: skip
        with EngineRun(outcome.folder / f"run-{name}", [listed], settings, log_level="debug") as engine:
            engine.wait(30, until=lambda: web.stats()["robots"] > 0, every_s=0.05)
            begin = time.monotonic() + SETTLED_AFTER * options.interval_s
            gauges, highest = _sample(engine, web, begin, judged_s, options.interval_s)
            counted_from, counted_to = begin, time.monotonic()
            engine.stop()
            logged = logged_limits(engine.records(), begin, judged_s, options.interval_s)
        requests = [one for one in web.stop()["requests"] if counted_from <= one[0] < counted_to]
    refused = sum(status == 503 for *_, status, _ in requests) / max(1, len(requests))
    rate = sum(status == 200 for *_, status, _ in requests) / judged_s
    for told_by, samples in (("gauges", gauges), ("log", logged), ("server", highest)):
        if samples:
            shares = [value / options.capacity for value in samples]
            within = sum(LOWEST <= share <= HIGHEST for share in shares) / len(shares)
            mean = sum(shares) / len(shares)
            outcome.row(name, told_by, len(samples), mean, within, min(samples), max(samples), refused, rate)
            if told_by != "gauges":
                outcome.at_least(f"{name}, {told_by}: share of intervals within {LOWEST} and {HIGHEST}", within, 0.95)
                outcome.at_least(f"{name}, {told_by}: mean to the capacity", mean, LEAST_MEAN)
    outcome.at_most(f"{name}: share of refused requests", refused, MOST_REFUSED)
    print(engine.tail(1500) if not requests else "", file=sys.stderr)


def _sample(
    engine: EngineRun, web: servers.WebServer, begin: float, judged_s: float, interval_s: float
) -> tuple[list[int], list[int]]:
    """The limit in the gauges (each writing of the file once), the most in flight at the server in each interval."""
    gauges: dict[float, int] = {}
    highest: list[int] = []
    engine.wait(max(0.0, begin - time.monotonic()))
    web.stats()
    while engine.alive and time.monotonic() < begin + judged_s:
        time.sleep(interval_s)
        highest.append(web.stats()["highest"])
        path = engine.out / "state" / "gauges.json"
        if path.exists() and (shards := engine.gauges()):
            gauges[path.stat().st_mtime] = sum(shard["limit"] for shard in shards)
    return list(gauges.values()), highest


def logged_limits(records: list[dict[str, Any]], begin: float, judged_s: float, interval_s: float) -> list[int]:
    """The limit at the end of each judged interval, from the changes in the log; none where it has no changes."""
    wall_offset = time.time() - time.monotonic()
    changes = [
        (datetime.fromisoformat(record["timestamp"]).timestamp() - wall_offset, record["limit"])
        for record in records
        if isinstance(record.get("limit"), int)
    ]
    ends = [begin + number * interval_s for number in range(1, round(judged_s / interval_s) + 1)]
    return [[limit for at, limit in changes if at <= end][-1] for end in ends] if changes else []


if __name__ == "__main__":
    sys.exit(main())
