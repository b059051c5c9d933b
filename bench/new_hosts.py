"""What a host costs that is asked for one page: its robots.txt, its connection and its rows on disk, beside the page.

Small pages from nginx, as many on hosts of their own as on a hundred hosts; extractor none, every policy on. CPU of all
processes of the command, less what the same command takes for one URL; both kinds in turn, medians.
"""

from __future__ import annotations

import sys
from statistics import median
from typing import TYPE_CHECKING

from lib import engine_run, lists, servers
from lib.processes import run
from lib.results import Outcome, parser

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

FEW = 100


def main() -> int:
    options = _options()
    with (
        Outcome("new_hosts", __doc__, options, ["hosts", "CPU s", "CPU ms a page, net"]) as outcome,
        servers.nginx(outcome.folder / "nginx") as port,
    ):
        (outcome.folder / "nginx" / "html" / "small.html").write_bytes(b"<title>A page</title>" + b"word " * 400)
        start = median(_cpu_s(outcome, _list(outcome, 1, 1), port) for _ in range(3))
        nets: dict[int, list[float]] = {FEW: [], options.pages: []}
        for _ in range(options.rounds):
            for hosts, found in nets.items():
                cpu_s = _cpu_s(outcome, _list(outcome, options.pages, hosts), port)
                found.append((cpu_s - start) / options.pages * 1000)
                outcome.row(hosts, cpu_s, found[-1])
        outcome.note("a page of a known host, CPU ms", median(nets[FEW]))
        outcome.note("a page of a new host, CPU ms", median(nets[options.pages]))
        ratio = median(new / known for new, known in zip(nets[options.pages], nets[FEW], strict=True))
        outcome.at_most("new host to known host", ratio, 2.5)
        return outcome.finish()


def _options() -> argparse.Namespace:
    asked = parser(__doc__)
    asked.add_argument("--pages", type=int, default=10_000)
    asked.add_argument("--rounds", type=int, default=5)
    return asked.parse_args()


def _list(outcome: Outcome, pages: int, hosts: int) -> Path:
    urls = (f"http://host{n % hosts}.test/small.html?{n}" for n in range(pages))
    return lists.write(outcome.folder / f"list-{pages}-{hosts}.txt", urls)


def _cpu_s(outcome: Outcome, listed: Path, port: int) -> float:
    settings = {
        **engine_run.LOCAL, **engine_run.FETCH_ONLY, **engine_run.all_hosts_at(port), "run.shards": 1,
        "fetch.max_concurrency": 100, "politeness.max_per_host": 16, "politeness.max_per_site": 16,
    }  # fmt: skip
    line = [*engine_run.command(outcome.folder / "run", [listed], settings), "--fresh"]
    return run(line, outcome.folder, 600, "engine").cpu_s


if __name__ == "__main__":
    sys.exit(main())
