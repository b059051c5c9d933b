"""Politeness under redirects between shards, judged from the server's log: retries, robots.txt and Crawl-delay besides.

Of ten URLs of a host four are pages, four redirect (within the host, to another, over a third, to what a robots.txt
forbids), one answers 503 at first and one 500. Every hop is a request to a host that has its own URLs, and half of the
hosts belong to the other shard.
"""

from __future__ import annotations

import sys
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from lib import engine_run, lists
from lib.results import Outcome, parser
from lib.tests_web import politeness, tests_web

from engine.model.url import site_of
from engine.policy.placement import shard_of

if TYPE_CHECKING:
    import argparse

#: The kernel says when a request came (Linux); elsewhere the server does, which on a busy machine looks late.
TOLERANCE_S = 0.001 if sys.platform == "linux" else 0.005
SHARDS = 2
CRAWL_DELAY_S = 1
PAUSE_S = 2.0
#: Every tenth host asks for a Crawl-delay, another tenth forbids /private.
SPECIAL = {0: f"robots-delay-{CRAWL_DELAY_S}-", 1: "robots-private-"}


def main() -> int:
    options = _options()
    columns = ["requests", "to other shard", "503", "500", "robots.txt", "seconds", "least gap s", "most at once"]
    with Outcome("politeness_hops", __doc__, options, columns) as outcome:
        urls = lists.write(outcome.folder / "urls.txt", lists.shuffled(_urls(options)))
        with tests_web(outcome.folder) as web:
            settings = {
                **engine_run.LOCAL, **engine_run.FETCH_ONLY, **engine_run.all_hosts_at(web.port),
                "politeness.delay_s": options.delay, "politeness.jitter": 0, "politeness.max_pauses": 1000,
                # An eighth of the answers is a drop, for which a host's delay doubles: to no more than is judged here.
                "politeness.max_crawl_delay_s": CRAWL_DELAY_S,
                "run.shards": SHARDS, "retry.base_delay_s": 0.2, "retry.rate_limit_delay_s": PAUSE_S,
                "aimd.target_success": 0,  # an eighth of the answers is a 503: it is the pauses that are looked at
            }  # fmt: skip
            with engine_run.EngineRun(outcome.folder / "out", [urls], settings) as running:
                code = running.counted(3600).code
                counts = running.manifest()["counts"]
            log = web.log()
        outcome.at_most("exit code", code, 0)
        outcome.at_least("requests", len(log), options.requests)
        _judge(outcome, log, options)
        forbidden = sum(entry["path"].startswith("/private") for entry in log)
        outcome.at_most("requests for what a robots.txt forbids", forbidden, 0)
        outcome.at_most("failed rows beside those that robots.txt forbids", counts["failed"] - _forbidden(options), 0)
        return outcome.finish()


def _options() -> argparse.Namespace:
    asked = parser(__doc__)
    asked.add_argument("--hosts", type=int, default=200)
    asked.add_argument("--requests", type=int, default=20_000)
    asked.add_argument("--delay", type=float, default=0.5)
    return asked.parse_args()


def _host(number: int) -> str:
    return f"{SPECIAL.get(number % 10, 'plain-')}{number}.test"


def _pages(options: argparse.Namespace) -> int:
    """URLs a host: ten make sixteen requests."""
    return options.requests * 10 // 16 // options.hosts + 1


def _forbidden(options: argparse.Namespace) -> int:
    return sum(page % 10 == 7 for page in range(_pages(options))) * options.hosts


def _urls(options: argparse.Namespace) -> list[str]:
    return [_url(host, page, options.hosts) for page in range(_pages(options)) for host in range(options.hosts)]


def _url(host: int, page: int, hosts: int) -> str:
    own = f"http://{_host(host)}"
    other, third = (f"http://{_host((host * 7 + page * step + step) % hosts)}" for step in (3, 11))
    end = f"/html/1?from={host}-{page}"
    forbids = f"http://{_host(host // 10 * 10 + 1)}"
    kinds = [
        *[f"{own}/html/1?{page}"] * 4,
        _redirect(own, f"{own}{end}&own"),
        _redirect(own, other + end),
        _redirect(own, _redirect(other, third + end)),
        _redirect(own, f"{forbids}/private/{host}-{page}"),
        f"{own}/flaky/1/503/{page}",
        f"{own}/flaky/1/500/{page}",
    ]
    return kinds[page % len(kinds)]


def _redirect(host: str, to: str) -> str:
    return f"{host}/redirect-to?url={quote(to, safe='')}"


def _judge(outcome: Outcome, log: list[dict[str, Any]], options: argparse.Namespace) -> None:
    hosts = politeness.by_host(log)
    early = in_pause = 0
    gaps = []
    for host, entries in hosts.items():
        least = max(options.delay, CRAWL_DELAY_S if host.startswith(SPECIAL[0]) else 0)
        for before, after in pairwise(entries):
            # A Crawl-delay is known once its file has come: from the second request on after it.
            gap = after["t"] - before["t"]
            gaps.append(gap)
            early += gap < least - TOLERANCE_S
            # From the arrival: when the answer was written is told by the server alone, and late on a busy machine.
            in_pause += before["status"] == 503 and gap < PAUSE_S - TOLERANCE_S
    at_once, robots = politeness.max_in_flight(log), politeness.count(log, "/robots.txt")
    statuses = [entry["status"] for entry in log]
    outcome.row(
        len(log), _crossings(log), statuses.count(503), statuses.count(500), sum(robots.values()),
        log[-1]["t"] - log[0]["t"], min(gaps), max(at_once.values()),
    )  # fmt: skip
    outcome.at_most(f"requests more than {TOLERANCE_S * 1000:g} ms too early", early, 0)
    outcome.at_most("requests in a pause after 503", in_pause, 0)
    outcome.at_most("requests to a host at once", max(at_once.values()), 1)
    outcome.at_most("robots.txt asked, of any host", max(robots.values()), 1)
    outcome.at_most("hosts asked for a page before their robots.txt", len(politeness.robots_first(log)), 0)
    for slack_ms in (0.0, 1.0, 2.0):
        short = sum(gap < options.delay - slack_ms / 1000 for gap in gaps)
        outcome.note(f"gaps short of the delay by more than {slack_ms:g} ms", short)


def _crossings(log: list[dict[str, Any]]) -> int:
    """Requests that a redirect from a host of the other shard led to, by what their path says of it."""
    return sum(
        _shard(_host(int(entry["path"].partition("from=")[2].partition("-")[0]))) != _shard(entry["host"])
        for entry in log
        if entry["path"].startswith("/html/1?from=")
    )


def _shard(host: str) -> int:
    return shard_of(site_of(host), SHARDS)


if __name__ == "__main__":
    sys.exit(main())
