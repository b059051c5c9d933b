"""What bad sites cost the good ones.

sites: 30 of 100 sites are bad, six each: refused, black-holed, no such name, all 500, 20 s an answer. How long the
other 70 take beside them, against alone (pairs in turn), and whether the limit reaches its maximum.
list: a long list of one URL a host, a part of the hosts black-holed: the rate of the living ones.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from statistics import median
from typing import TYPE_CHECKING, Any, Self

from lib import engine_run, lists, servers
from lib.engine_run import EngineRun
from lib.results import Outcome, parser

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable
    from pathlib import Path

BAD = ("refused", "hole", "gone", "fail", "slow")
BAD_OF_EACH = 6


def main() -> int:
    options = _options()
    columns = ["variant", "run", "good pages", "seconds", "pages/s", "highest limit", "CPU s"]
    with Outcome("bad_sites", __doc__, options, columns) as outcome:
        if options.variant in {"sites", "both"}:
            _sites(outcome, options)
        if options.variant in {"list", "both"}:
            _list(outcome, options)
        return outcome.finish()


def _options() -> argparse.Namespace:
    asked = parser(__doc__)
    asked.add_argument("--variant", choices=("sites", "list", "both"), default="both")
    asked.add_argument("--pairs", type=int, default=3)
    asked.add_argument("--good", type=int, default=70, help="good sites of the variant sites")
    asked.add_argument("--urls-a-site", type=int, default=300)
    asked.add_argument("--latency-s", type=float, default=0.1, help="of a good site's answer")
    asked.add_argument("--concurrency", type=int, default=100, help="of the variant sites")
    asked.add_argument("--max-per-host", type=int, default=1, help="of the variant sites")
    asked.add_argument(
        "--failing-with-robots", action="store_true", help="robots.txt of the sites that are all 500 answers 404"
    )
    asked.add_argument("--hosts", type=int, default=20_000, help="of the variant list")
    asked.add_argument("--list-latency-s", type=float, default=0.3)
    asked.add_argument("--list-concurrency", type=int, default=200)
    asked.add_argument("--dead", type=float, nargs="+", default=[0, 2, 5, 10, 20], help="per cent, of the variant list")
    return asked.parse_args()


def _sites(outcome: Outcome, options: argparse.Namespace) -> None:
    settings = {"fetch.max_concurrency": options.concurrency, "politeness.max_per_host": options.max_per_host}
    good = [f"ok-{n}" for n in range(options.good)]
    bad = [f"{kind}-{n}" for kind in BAD for n in range(BAD_OF_EACH)]
    ratios, limits = [], []
    for number in range(options.pairs):
        took = {}
        for name, hosts in (("alone", good), ("mixed", good + bad))[:: -1 if number % 2 else 1]:
            pages = options.good * options.urls_a_site
            with World(outcome.folder, options, options.latency_s) as world:
                urls = (f"http://{host}.test:{world.port}/{n}" for n in range(options.urls_a_site) for host in hosts)
                seen = world.run(urls, settings, pages, 120 + pages * options.latency_s)
            took[name] = seen["seconds"]
            outcome.row(
                f"sites {name}", number + 1, seen["good"], seen["seconds"], seen["good"] / seen["seconds"],
                seen["limit"], seen["cpu_s"],
            )  # fmt: skip
            if name == "mixed":
                limits.append(seen["limit"])
        ratios.append(took["mixed"] / took["alone"])
    outcome.at_most("the good sites' time beside bad ones to their time alone", median(ratios), 1.15)
    outcome.at_least("highest limit beside bad sites, lowest of the runs", min(limits), options.concurrency)


def _list(outcome: Outcome, options: argparse.Namespace) -> None:
    settings = {"fetch.connect_timeout_s": 2, "fetch.max_concurrency": options.list_concurrency}
    rates = []
    for dead in options.dead:
        holes = round(options.hosts * dead / 100)
        with World(outcome.folder, options, options.list_latency_s) as world:
            names = [f"hole-{n}" for n in range(holes)] + [f"ok-{n}" for n in range(options.hosts - holes)]
            urls = lists.shuffled(f"http://{name}.test:{world.port}/" for name in names)
            pages = options.hosts - holes
            seen = world.run(urls, settings, pages, 120 + 4 * pages * options.list_latency_s / options.list_concurrency)
        rates.append(seen["middle_rate"])
        outcome.row(
            f"list {dead:g} % dead", "", seen["good"], seen["seconds"], seen["middle_rate"], seen["limit"],
            seen["cpu_s"],
        )  # fmt: skip
    outcome.at_least(
        "living hosts' lowest rate to their rate with the first share of dead ones", min(rates) / rates[0], 0.9
    )


class World:
    """All kinds of hosts behind a name server of our own: see lib.names for which name is what."""

    def __init__(self, folder: Path, options: argparse.Namespace, latency_s: float) -> None:
        self._folder = folder
        self._web_options = {
            "delay_s": (latency_s, latency_s), "slow_s": 20, "failing_with_robots": options.failing_with_robots,
        }  # fmt: skip
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self.web = self._stack.enter_context(servers.web(self._folder, **self._web_options))
        self.port = self.web.port
        self._names = self._stack.enter_context(servers.name_server())
        self._stack.enter_context(servers.black_hole("127.0.0.3", self.port))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def run(self, urls: Iterable[str], settings: dict[str, Any], good: int, timeout_s: float) -> dict[str, Any]:
        """Run until `good` pages of the hosts `ok-…` were answered, then stop: the bad sites' end is not waited for."""
        listed = lists.write(self._folder / "list.txt", urls)
        every = {
            **engine_run.LOCAL, **engine_run.FETCH_ONLY, "fetch.nameservers": [self._names],
            "politeness.max_per_site": 0, **settings,
        }  # fmt: skip
        highest = 0

        def over() -> bool:
            nonlocal highest
            highest = max([highest, *(shard["limit"] for shard in engine.gauges())])
            return self.web.pages("ok") >= good

        with EngineRun(self._folder / "run", [listed], every) as engine:
            in_time = engine.wait(timeout_s, until=over)
            # The gauges are written every two seconds.
            engine.wait(2.5, until=lambda: over() and False)
            counted = engine.stop()
        answered = self.web.stop()["pages"].get("ok", [])
        if not in_time:
            print(f"not over within {timeout_s:.0f} s; the engine's log ends:\n{engine.tail()}", file=sys.stderr)
        engine.remove()
        middle = answered[len(answered) // 20 : -max(1, len(answered) // 20)]
        return {
            "good": len(answered), "seconds": answered[-1] - answered[0] if len(answered) > 1 else float("nan"),
            "middle_rate": (len(middle) - 1) / (middle[-1] - middle[0]) if len(middle) > 1 else float("nan"),
            "limit": highest, "cpu_s": counted.cpu_s,
        }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
