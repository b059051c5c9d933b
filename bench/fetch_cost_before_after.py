"""What a change costs a fetched page: two checkouts of the engine, run in turn over the same pages from nginx.

BEFORE and AFTER are folders of the project, run by the interpreter of their own .venv, or by this one where they have
none (git worktree makes such a folder in no time). Each round runs both, in changing order, as fetch_cost.py runs the
engine: every policy on, no text, no cache. CPU of all processes of a command, net of what the same command costs for
one URL; the figure is the median of the rounds' ratios.
"""

from __future__ import annotations

import sys
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from lib import engine_run, lists, servers
from lib.processes import run
from lib.results import Outcome, parser

if TYPE_CHECKING:
    import argparse


def main() -> int:
    options = _options()
    columns = ["round", "checkout", "pages/s", "CPU s", "CPU ms a page, net"]
    with (
        Outcome("fetch_cost_before_after", __doc__, options, columns) as outcome,
        servers.nginx(outcome.folder / "nginx") as port,
    ):
        checkouts = {"before": Checkout(options.before, outcome, port), "after": Checkout(options.after, outcome, port)}
        start_up = {name: median(each.cpu_s(1)[0] for _ in range(3)) for name, each in checkouts.items()}
        nets: dict[str, list[float]] = {name: [] for name in checkouts}
        for number in range(options.rounds):
            for name in list(checkouts)[:: -1 if number % 2 else 1]:
                cpu_s, wall_s = checkouts[name].cpu_s(options.pages)
                nets[name].append((cpu_s - start_up[name]) / options.pages * 1000)
                outcome.row(number + 1, name, options.pages / wall_s, cpu_s, nets[name][-1])
        for name, found in nets.items():
            outcome.note(f"{name}, CPU ms a page", median(found))
        ratios = [after / before for before, after in zip(nets["before"], nets["after"], strict=True)]
        outcome.at_most("after to before, median of the rounds", median(ratios), 1.1)
        return outcome.finish()


def _options() -> argparse.Namespace:
    asked = parser(__doc__)
    asked.add_argument("before", type=Path, metavar="BEFORE", help="a checkout")
    asked.add_argument("after", type=Path, metavar="AFTER", help="another one")
    asked.add_argument("--pages", type=int, default=20_000)
    asked.add_argument("--rounds", type=int, default=7)
    return asked.parse_args()


class Checkout:
    """One version of the engine, run by its own interpreter."""

    def __init__(self, root: Path, outcome: Outcome, port: int) -> None:
        self._root = root.resolve()
        self._folder = outcome.folder
        self._settings = {
            **engine_run.LOCAL, **engine_run.FETCH_ONLY, **engine_run.all_hosts_at(port), "run.shards": 1,
            "fetch.max_concurrency": 100, "politeness.max_per_host": 16, "politeness.max_per_site": 16,
        }  # fmt: skip

    def cpu_s(self, pages: int) -> tuple[float, float]:
        """Seconds of CPU and of the clock that a run over so many pages takes; each of them must be a page."""
        urls = lists.write(
            self._folder / f"{pages}.txt",
            [f"http://host{n % 100}.test/{n % servers.NGINX_PAGES}.html?{n}" for n in range(pages)],
        )
        out = self._folder / "run"
        _, *line = engine_run.command(out, [urls], self._settings)
        own = self._root / ".venv" / "bin" / "python"
        python = own if own.exists() else sys.executable
        # "-m engine" looks into the current folder first: what runs is that checkout's engine.
        counted = run(["env", "-C", self._root, python, *line, "--fresh"], self._folder, 600)
        with (out / "enrichment_output.jsonl").open() as file:
            found = sum('"error_kind":null' in row for row in file)
        if found != pages:
            raise SystemExit(f"{found} of {pages} rows are pages: {out}")
        return counted.cpu_s, counted.wall_s


if __name__ == "__main__":
    sys.exit(main())
