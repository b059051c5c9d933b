"""What a site with nine tenths of the list does to the rest, and how its tail ends.

The other sites' pages are timed alone and beside the big one, which has a delay; run.max_duration_s then ends the run:
what is left of the big site becomes `deferred` rows.
"""

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
    columns = ["run", "others' pages", "others' seconds", "big site's pages", "whole run s", "deferred"]
    with Outcome("skew", __doc__, options, columns) as outcome:
        alone = _measure(outcome, options, beside=False)
        beside = _measure(outcome, options, beside=True)
        outcome.at_most(
            "the others' time beside the big site to their time alone", beside["others_s"] / alone["others_s"], 1.15
        )
        outcome.at_most("the run's end after run.max_duration_s", beside["wall_s"] - options.max_duration_s, 15.0, " s")
        outcome.at_least("exit code 0 (1: yes)", int(beside["code"] == 0), 1)
        outcome.at_most("rows short of one a URL", options.urls - beside["rows"], 0)
        return outcome.finish()


def _options() -> argparse.Namespace:
    asked = parser(__doc__)
    asked.add_argument("--urls", type=int, default=20_000)
    asked.add_argument("--others", type=int, default=100, help="sites that share the other tenth")
    asked.add_argument("--delay-s", type=float, default=0.05, help="of the big site")
    asked.add_argument("--others-delay-s", type=float, default=0.5)
    asked.add_argument("--latency-s", type=float, default=0.05)
    asked.add_argument("--max-duration-s", type=float, default=30.0)
    return asked.parse_args()


def _measure(outcome: Outcome, options: argparse.Namespace, *, beside: bool) -> dict[str, float]:
    others = list(lists.spread(options.others, options.urls // 10, "http://ok-{host}.test/{page}"))
    big = [f"http://big-0.test/{n}" for n in range(options.urls - len(others))] if beside else []
    listed = lists.write(outcome.folder / "list.txt", lists.shuffled(others + big))
    with servers.web(outcome.folder, delay_s=(options.latency_s, options.latency_s)) as web:
        settings = {
            **engine_run.LOCAL, **engine_run.FETCH_ONLY, **engine_run.all_hosts_at(web.port),
            "politeness.delay_s": options.others_delay_s, "run.max_duration_s": options.max_duration_s,
            "sites": [{"match": "big-0.test", "delay_s": options.delay_s}],
        }  # fmt: skip
        with EngineRun(outcome.folder / "run", [listed], settings) as engine:
            # An engine that does not keep run.max_duration_s is stopped; the exit code then shows it.
            engine.wait(options.max_duration_s + 30)
            counted = engine.stop()
        deferred = engine.manifest().get("counts", {}).get("failed_by_kind", {}).get("deferred", 0)
        merged = engine.out / "enrichment_output.jsonl"
        rows = sum(1 for _ in merged.open()) if merged.exists() else 0
        engine.remove()
        pages = web.stop()["pages"]
    answered = pages["ok"]
    others_s = answered[-1] - answered[0]
    outcome.row(
        "beside" if beside else "alone", len(answered), others_s, len(pages.get("big", [])), counted.wall_s, deferred
    )
    return {"others_s": others_s, "wall_s": counted.wall_s, "code": counted.code, "rows": rows}


if __name__ == "__main__":
    sys.exit(main())
