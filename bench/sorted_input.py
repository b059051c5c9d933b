"""Does the order of a list matter? The same URLs sorted by site and shuffled, with a delay a host."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from lib import engine_run, lists, servers
from lib.engine_run import EngineRun
from lib.results import Outcome, parser

if TYPE_CHECKING:
    import argparse


def main() -> int:
    options = _options()
    columns = ["order", "first to last page s", "of the least possible", "pages/s", "CPU ms a page"]
    with Outcome("sorted_input", __doc__, options, columns) as outcome:
        took = {"shuffled": [], "sorted": []}
        for number in range(options.pairs):
            for order in list(took)[:: -1 if number % 2 else 1]:
                took[order].append(_measure(outcome, options, order))
        ratios = [one / other for one, other in zip(took["sorted"], took["shuffled"], strict=True)]
        outcome.at_most("sorted to shuffled", sorted(ratios)[len(ratios) // 2], 1.15)
        return outcome.finish()


def _options() -> argparse.Namespace:
    asked = parser(__doc__)
    asked.add_argument("--sites", type=int, default=1000)
    asked.add_argument("--urls-a-site", type=int, default=200)
    asked.add_argument("--delay-s", type=float, default=0.5)
    asked.add_argument("--latency-s", type=float, default=0.02)
    asked.add_argument("--concurrency", type=int, default=200)
    asked.add_argument("--pairs", type=int, default=1)
    return asked.parse_args()


def _measure(outcome: Outcome, options: argparse.Namespace, order: str) -> float:
    urls = [f"http://ok-{site}.test/{page}" for site in range(options.sites) for page in range(options.urls_a_site)]
    listed = lists.write(outcome.folder / "list.txt", urls if order == "sorted" else lists.shuffled(urls))
    least_s = options.urls_a_site * options.delay_s
    with servers.web(outcome.folder, delay_s=(options.latency_s, options.latency_s)) as web:
        settings = {
            **engine_run.LOCAL, **engine_run.FETCH_ONLY, **engine_run.all_hosts_at(web.port),
            "politeness.delay_s": options.delay_s, "politeness.jitter": 0, "fetch.max_concurrency": options.concurrency,
        }  # fmt: skip
        with EngineRun(outcome.folder / "run", [listed], settings) as engine:
            counted = engine.counted(120 + 4 * least_s)
        engine.remove()
        answered = web.stop()["pages"]["ok"]
    span_s = answered[-1] - answered[0]
    outcome.row(order, span_s, span_s / least_s, len(answered) / span_s, counted.cpu_s / len(urls) * 1000)
    return span_s


if __name__ == "__main__":
    sys.exit(main())
