"""What a fetched page costs: the engine, every policy on, against a bare aiohttp + uvloop loop.

Both fetch the same pages of 35 KB from nginx, over 100 loopback hosts, and write the same JSON lines. CPU of all
processes of a command, less what the same command takes for one URL; engine and bare loop in turn, medians.
"""

from __future__ import annotations

import sys
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from lib import engine_run, lists, servers
from lib.processes import Counted, run
from lib.results import Outcome, parser

if TYPE_CHECKING:
    import argparse

BARE = Path(__file__).parent / "lib" / "bare.py"


def main() -> int:
    options = _options()
    with (
        Outcome("fetch_cost", __doc__, options, ["command", "pages/s", "CPU s", "CPU ms a page, net"]) as outcome,
        servers.nginx(outcome.folder / "nginx") as port,
    ):
        measured = Measured(outcome, options, port)
        for number in range(options.rounds):
            for kind in measured.kinds[:: -1 if number % 2 else 1]:
                measured.take(kind)
        engine, bare = measured.net("engine"), measured.net("bare")
        outcome.at_most("engine, CPU ms a page", engine, 0.20)
        outcome.at_most("engine to bare loop", measured.ratio("engine", "bare"), 1.1)
        outcome.note("bare loop, CPU ms a page", bare)
        if "lean" in measured.kinds:
            outcome.note("bare loop without time limits, CPU ms a page", measured.net("lean"))
            outcome.note("engine to that", measured.ratio("engine", "lean"))
        return outcome.finish()


def _options() -> argparse.Namespace:
    asked = parser(__doc__)
    asked.add_argument("--pages", type=int, default=20_000)
    asked.add_argument("--rounds", type=int, default=7)
    asked.add_argument("--concurrency", type=int, default=100)
    asked.add_argument("--shards", default="auto")
    asked.add_argument("--lean", action="store_true", help="also a bare loop without aiohttp's time limits")
    return asked.parse_args()


class Measured:
    """The commands, each with its cost for one URL and its runs so far."""

    def __init__(self, outcome: Outcome, options: argparse.Namespace, port: int) -> None:
        self._outcome = outcome
        self._options = options
        self._port = port
        folder = outcome.folder
        self._list = lists.write(folder / "list.txt", _urls(options.pages))
        self._one = lists.write(folder / "one.txt", _urls(1))
        self.kinds = ["engine", "bare", *(["lean"] if options.lean else [])]
        self._base = {kind: median(self._run(kind, self._one).cpu_s for _ in range(3)) for kind in self.kinds}
        self._nets: dict[str, list[float]] = {kind: [] for kind in self.kinds}

    def take(self, kind: str) -> None:
        counted = self._run(kind, self._list)
        net_ms = (counted.cpu_s - self._base[kind]) / self._options.pages * 1000
        self._nets[kind].append(net_ms)
        self._outcome.row(kind, self._options.pages / counted.wall_s, counted.cpu_s, net_ms)

    def net(self, kind: str) -> float:
        return median(self._nets[kind])

    def ratio(self, kind: str, other: str) -> float:
        """The median of the rounds' ratios: each round's two ran one after the other."""
        return median(mine / its for mine, its in zip(self._nets[kind], self._nets[other], strict=True))

    def _run(self, kind: str, urls: Path) -> Counted:
        out = self._outcome.folder / "run"
        if kind == "engine":
            settings = {
                **engine_run.LOCAL, **engine_run.FETCH_ONLY, **engine_run.all_hosts_at(self._port),
                "fetch.max_concurrency": self._options.concurrency, "politeness.max_per_host": 16,
                "politeness.max_per_site": 16, "run.shards": self._options.shards,
            }  # fmt: skip
            line = [*engine_run.command(out, [urls], settings), "--fresh"]
        else:
            line = [sys.executable, BARE, urls, out.with_suffix(".bare"), self._port, self._options.concurrency]
            line += ["--no-timeouts"] if kind == "lean" else []
        counted = run(line, self._outcome.folder, 600, kind)
        if kind == "engine":
            _expect(out, sum(1 for _ in urls.open()))
        return counted


def _urls(pages: int) -> list[str]:
    return [f"http://host{n % 100}.test/{n % servers.NGINX_PAGES}.html?{n}" for n in range(pages)]


def _expect(out: Path, rows: int) -> None:
    with (out / "enrichment_output.jsonl").open() as file:
        found = sum('"error_kind":null' in line for line in file)
    if found != rows:
        raise SystemExit(f"{found} of {rows} rows are pages: {out}")


if __name__ == "__main__":
    sys.exit(main())
