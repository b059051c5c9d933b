"""Do more processes give more? Against as many bare copies of the same work, in the same minutes.

nlp: pages fed from memory, without a network, to N processes of the NLP pool through a shard's own client, against N
bare copies of the analyser in a loop. shards: N shards with extractor none, against N bare fetching loops that share
the list. Both in turn, medians of the ratios. Every shard has as many hosts: how even a list lies is a matter of the
list, and what is asked here is whether processes stand in each other's way.
"""

from __future__ import annotations

import gzip
import sys
import time
from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from lib import engine_run, lists, nlp_pool, servers
from lib.processes import Running, run
from lib.results import Outcome, parser

from engine.policy.placement import shard_of

if TYPE_CHECKING:
    import argparse

BARE = Path(__file__).parent / "lib" / "bare.py"
HOSTS = 100
DEMO_PAGES = Path(__file__).resolve().parents[1] / "engine" / "cli" / "demo_pages"


def main() -> int:
    options = _options()
    with Outcome("scaling", __doc__, options, ["what", "processes", "round", "pages/s"]) as outcome:
        if options.variant in {"nlp", "both"}:
            _nlp(outcome, options)
        if options.variant in {"shards", "both"}:
            _shards(outcome, options)
        return outcome.finish()


def _options() -> argparse.Namespace:
    asked = parser(__doc__)
    asked.add_argument("--variant", choices=("nlp", "shards", "both"), default="both")
    asked.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--seconds", type=float, default=30.0, help="each measurement of the variant nlp")
    asked.add_argument("--html", type=Path, default=DEMO_PAGES, help="folder of pages, .html or .html.gz")
    asked.add_argument("--pages", type=int, default=40_000, help="of the variant shards")
    asked.add_argument("--concurrency", type=int, default=100)
    return asked.parse_args()


def _nlp(outcome: Outcome, options: argparse.Namespace) -> None:
    pages = read_pages(options.html)
    rates: dict[tuple[str, int], list[float]] = defaultdict(list)
    for number in range(options.rounds):
        for processes in options.processes:
            for kind in ("pool", "bare")[:: -1 if number % 2 else 1]:
                rate = (nlp_pool.pool_rate if kind == "pool" else nlp_pool.bare_rate)(
                    pages, processes, options.seconds, outcome.folder
                )
                rates[kind, processes].append(rate)
                outcome.row(f"nlp {kind}", processes, number + 1, rate)
    _judge(outcome, "NLP pool to bare analysers", rates, "pool", options.processes)


def _shards(outcome: Outcome, options: argparse.Namespace) -> None:
    rates: dict[tuple[str, int], list[float]] = defaultdict(list)
    with servers.nginx(outcome.folder / "nginx") as port:
        for number in range(options.rounds):
            for processes in options.processes:
                for kind in ("engine", "bare")[:: -1 if number % 2 else 1]:
                    measure = _engine_s if kind == "engine" else _bare_s
                    # Less what one URL takes: the start of the processes.
                    seconds = measure(outcome.folder, options, port, processes, options.pages)
                    seconds -= measure(outcome.folder, options, port, processes, processes)
                    rates[kind, processes].append(options.pages / seconds)
                    outcome.row(f"fetch {kind}", processes, number + 1, options.pages / seconds)
    _judge(outcome, "shards to bare loops", rates, "engine", options.processes)


def _judge(
    outcome: Outcome, what: str, rates: dict[tuple[str, int], list[float]], ours: str, processes: list[int]
) -> None:
    for count in processes:
        ratio = median(a / b for a, b in zip(rates[ours, count], rates["bare", count], strict=True))
        outcome.at_least(f"{what}, {count} each", ratio, 0.9)
    first, last = processes[0], processes[-1]
    for kind in (ours, "bare"):
        gain = median(rates[kind, last]) / median(rates[kind, first])
        outcome.note(f"{what}: {kind}, {last} to {first} processes", gain)


def _urls(pages: int, shards: int) -> list[str]:
    names = [[f"host{n}.test" for n in range(10 * HOSTS) if shard_of(f"host{n}.test", shards) == shard]
             for shard in range(shards)]  # fmt: skip
    hosts = [name for of_each in zip(*(each[: HOSTS // shards] for each in names), strict=True) for name in of_each]
    return [f"http://{hosts[n % len(hosts)]}/{n % servers.NGINX_PAGES}.html?{n}" for n in range(pages)]


def _engine_s(folder: Path, options: argparse.Namespace, port: int, shards: int, pages: int) -> float:
    listed = lists.write(folder / "list.txt", _urls(pages, shards))
    settings = {
        **engine_run.LOCAL, **engine_run.FETCH_ONLY, **engine_run.all_hosts_at(port), "run.shards": shards,
        "fetch.max_concurrency": options.concurrency * shards, "politeness.max_per_host": 16,
        "politeness.max_per_site": 16, "output.merge": "never",
    }  # fmt: skip
    return run([*engine_run.command(folder / "run", [listed], settings), "--fresh"], folder, 600, "engine").wall_s


def _bare_s(folder: Path, options: argparse.Namespace, port: int, loops: int, pages: int) -> float:
    urls = _urls(pages, loops)
    began = time.monotonic()
    running = []
    for number in range(loops):
        listed = lists.write(folder / f"list-{number}.txt", urls[number::loops])
        line = [sys.executable, BARE, listed, folder / f"bare-{number}.jsonl", port, options.concurrency]
        running.append(Running(line, folder, f"bare-{number}"))
    for one in running:
        if one.counted(600).code:
            raise SystemExit(one.tail())
    return time.monotonic() - began


def read_pages(folder: Path) -> list[bytes]:
    """The bodies of all pages in a folder."""
    files = sorted([*folder.rglob("*.html"), *folder.rglob("*.html.gz")])
    if not files:
        raise SystemExit(f"{folder} holds no .html or .html.gz")
    return [gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes() for file in files]


if __name__ == "__main__":
    sys.exit(main())
