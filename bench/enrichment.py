"""Stage 3 by this engine and through Scrapy: the same command but for a flag, the same web, URLs and politeness.

Each measurement is a process of its own against a server of its own; modes take turns, the first one changing. What the
same command takes for one URL, just before, is its start-up: "net" is without it. Ratios are medians of the runs' own
ratios. Both are told from 2,000 URLs on: a shorter run is mostly start-up and its last answers. No delay, 8 requests a
host at once, robots.txt obeyed. The web: articles of 35 KB by URL,

  latency   each after 20 to 250 ms
  cpu       at once, with three times the text: extraction and analysis are the limit
  failures  as latency, and 5 % of the URLs fail (500, 404, cut connections, and 500 the first time only): what our
            engine takes for overload, and Scrapy does not
"""

from __future__ import annotations

import argparse
import socket
import sys
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from lib import figures, servers, svg
from lib.processes import Running
from lib.results import Outcome, parser, shown
from lib.stage3 import BARE, Stage3

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Below it a ratio says more of start-up and of the last answers than of the engines.
LEAST_URLS = 2000

#: Options of lib.enrichment_web by the name of a web.
WEBS: dict[str, dict[str, Any]] = {
    "latency": {"delay_s": (0.02, 0.25)},
    "cpu": {"text_bytes": 18_432},
    "failures": {"delay_s": (0.02, 0.25), "fail_share": 0.05},
}

#: What is done with a page, as settings.
WORK: dict[str, dict[str, Any]] = {
    "all": {},
    "text": {"nlp.pipeline": "none"},
    "fetch": {"nlp.pipeline": "none", "extract.extractor": "none"},
}

#: And in words.
WORK_WORDS = {"all": "text and analysis", "text": "text alone", "fetch": "fetching alone"}

_MIB = 1 << 20
_COLUMNS = (
    "mode", "concurrency", "run", "URLs/s", "URLs/s net", "CPU s", "CPU ms a URL net", "MiB", "failed",
    "server CPU ms a URL",
)  # fmt: skip

#: What is told of each mode: (in words, key of a result, what it is divided by).
_TOLD = (
    ("URLs/s", "throughput_urls_per_sec", 1),
    ("URLs/s net", "net_throughput_urls_per_sec", 1),
    ("CPU ms a URL net", "net_cpu_ms_per_url", 1),
    ("peak MiB", "peak_memory_bytes", _MIB),
)


def main(arguments: list[str] | None = None) -> int:
    options = read_options(arguments)
    with Outcome("enrichment", __doc__, options, list(_COLUMNS)) as outcome:
        bench = Bench(outcome, options)
        for concurrency in options.concurrency:
            for run in range(options.runs):
                for mode in modes(options)[:: -1 if run % 2 else 1]:
                    bench.take(mode, concurrency, run)
        tell(outcome, options, bench.results)
        outcome.attach("results", bench.results)
        outcome.attach("variant", f"{options.web}, {WORK_WORDS[options.work]}")
        plotted = options.plot or (options.save.with_suffix(".svg") if options.save else None)
        if plotted is not None:
            plotted.parent.mkdir(parents=True, exist_ok=True)
            plotted.write_text(svg.draw(*figures.enrichment(bench.results)))
        return outcome.finish()


def read_options(arguments: list[str] | None) -> argparse.Namespace:
    asked = parser(__doc__)
    asked.prog = "scripts/bench enrichment"
    asked.add_argument("--urls", type=int, default=100, help="[100]; ratios are shown from %d on" % LEAST_URLS)  # noqa: UP031 - argparse
    asked.add_argument("--runs", type=int, default=3, help="of each mode at each concurrency [3]")
    asked.add_argument(
        "--concurrency", type=numbers, nargs="+", default=[[50]], metavar="N", help="at once [50]; several: a curve"
    )
    asked.add_argument("--mode", choices=("async", "scrapy", "both"), default="both", help="[both]")
    asked.add_argument("--bare", action="store_true", help="also what only fetches: aiohttp alone, and Scrapy alone")
    asked.add_argument("--web", choices=sorted(WEBS), default="latency", help="see above [latency]")
    asked.add_argument(
        "--work", choices=tuple(WORK), default="all", help="text and NLP, NLP off, or fetching alone [all]"
    )
    asked.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of both engines, as for enrich run"
    )
    asked.add_argument("--hosts", type=int, default=100, help="loopback addresses that the URLs are on [100]")
    asked.add_argument("--plot", type=Path, metavar="FILE", help="SVG of throughput and CPU over concurrency")
    options = asked.parse_args(arguments)
    for name, most in (("urls", 10_000_000), ("runs", 1000), ("hosts", 250)):
        if not 1 <= getattr(options, name) <= most:
            asked.error(f"--{name}: from 1 to {most:,}")
    options.concurrency = sorted({number for given in options.concurrency for number in given})
    if options.bare and options.web == "failures":
        asked.error("--bare: a bare loop does not outlive --web failures")
    if modes(options) != ["async"] and find_spec("scrapy") is None:
        asked.error(f"--mode {options.mode} needs Scrapy: pip install 'enrich-engine[scrapy]'")
    return options


def modes(options: argparse.Namespace) -> list[str]:
    """What takes turns."""
    chosen = {"async": ["async"], "scrapy": ["scrapy"], "both": ["async", "scrapy"]}[options.mode]
    return [*chosen, *(BARE if options.bare else ())]


def numbers(text: str) -> list[int]:
    """Concurrencies, as 10,20,50."""
    if not all(part.isdecimal() and 1 <= int(part) <= 100_000 for part in text.split(",")):
        raise argparse.ArgumentTypeError(f"{text}: numbers from 1 to 100,000, as 10,20,50")
    return [int(part) for part in text.split(",")]


class Bench:
    """The URLs, where they are, and the results so far."""

    def __init__(self, outcome: Outcome, options: argparse.Namespace) -> None:
        self._outcome = outcome
        self._options = options
        self._addresses = tuple(f"127.0.1.{1 + number}" for number in range(options.hosts))
        require_addresses(self._addresses)
        self._port = servers.free_port()
        self.results: list[dict[str, Any]] = []

    def take(self, mode: str, concurrency: int, run: int) -> None:
        """Run a mode once over all URLs; just before, where ratios are told, its start-up: the same command for one."""
        urls = self._options.urls
        if urls >= LEAST_URLS:
            base_wall_s, base_cpu_s, _ = self._run(mode, 1, concurrency)
        wall_s, cpu_s, more = self._run(mode, urls, concurrency)
        result = {
            "mode": mode, "duration_seconds": wall_s, "urls_processed": urls, "throughput_urls_per_sec": urls / wall_s,
            "max_concurrency": concurrency, "run": run + 1, "cpu_seconds": cpu_s, **more,
        }  # fmt: skip
        if urls >= LEAST_URLS:
            result |= {"start_up_seconds": base_wall_s, "start_up_cpu_seconds": base_cpu_s}
            result["net_throughput_urls_per_sec"] = (urls - 1) / (wall_s - base_wall_s)
            result["net_cpu_ms_per_url"] = (cpu_s - base_cpu_s) / (urls - 1) * 1000
        self.results.append(result)
        self._outcome.row(
            mode, concurrency, run + 1, result["throughput_urls_per_sec"],
            result.get("net_throughput_urls_per_sec", "-"), cpu_s, result.get("net_cpu_ms_per_url", "-"),
            more["peak_memory_bytes"] / _MIB, more["urls_failed"], more["server_cpu_seconds"] / urls * 1000,
        )  # fmt: skip

    def _run(self, mode: str, count: int, concurrency: int) -> tuple[float, float, dict[str, Any]]:
        """Seconds of the clock and of CPU, and what else is told of a run."""
        folder = self._outcome.folder
        hosts = self._addresses
        urls = [f"http://{hosts[n % len(hosts)]}:{self._port}/page/{n}.html" for n in range(count)]
        stage = Stage3(folder / "data", urls, WORK[self._options.work], concurrency, self._options.set)
        web = {"module": "lib.enrichment_web", "address": hosts, "port": self._port, "body_bytes": 35 * 1024}
        with (
            servers.web(folder, **web, **WEBS[self._options.web]) as server,
            Running(stage.command(mode), folder, mode) as running,
        ):
            peak, served_s = 0, server.cpu_s
            while not running.wait(0.5, every_s=0.02):
                peak = max(peak, running.memory())
                if running.elapsed_s > 120 + count:
                    raise SystemExit(f"{mode} is still running after {running.elapsed_s:.0f} s:\n{running.tail()}")
            counted = running.counted(0)
            served_s = server.cpu_s - served_s
        if counted.code:
            raise SystemExit(f"{mode} ended with code {counted.code}:\n{running.tail()}")
        kinds = stage.kinds(mode)
        if kinds.total() != count:
            raise SystemExit(f"{mode} left {kinds.total():,} rows for {count:,} URLs")
        failed = {kind: rows for kind, rows in sorted(kinds.items()) if kind}
        return counted.wall_s, counted.cpu_s, {
            "urls_failed": sum(failed.values()), "failed_by_kind": failed, "peak_memory_bytes": max(peak, counted.peak),
            "peak_process_bytes": counted.peak, "server_cpu_seconds": served_s,
        }  # fmt: skip


def require_addresses(addresses: Iterable[str]) -> None:
    """Refuse to begin where the system does not answer on every loopback address, as Linux does."""
    for address in addresses:
        with socket.socket() as probe:
            try:
                probe.bind((address, 0))
            except OSError as error:
                raise SystemExit(
                    f"{address}: {error.strerror}; outside Linux such addresses are to be added (ifconfig lo0 alias)"
                ) from error


def tell(outcome: Outcome, options: argparse.Namespace, results: list[dict[str, Any]]) -> None:
    """Medians, spreads and ratios."""
    for concurrency in options.concurrency:
        at = f"at {concurrency}"
        here = [result for result in results if result["max_concurrency"] == concurrency]
        by_mode = {mode: [one for one in here if one["mode"] == mode] for mode in modes(options)}
        for mode, runs in by_mode.items():
            for what, key, unit in _TOLD:
                if key not in runs[0]:
                    continue
                outcome.note(f"{figures.MODES[mode]}, {at}: {what}", spread([run[key] / unit for run in runs]))
        for mode in modes(options):
            if mode != "async" and "async" in by_mode:
                compare(outcome, options, f"{figures.MODES[mode]}, {at}", by_mode["async"], by_mode[mode])
        if {"async", "scrapy"} <= set(by_mode):
            kinds = [[run["failed_by_kind"] for run in by_mode[mode]] for mode in ("async", "scrapy")]
            outcome.at_least(f"both {at}: the same failures (1: yes)", int(kinds[0] == kinds[1]), 1)


def compare(
    outcome: Outcome, options: argparse.Namespace, what: str, ours: list[dict[str, Any]], its: list[dict[str, Any]]
) -> None:
    """The ratios of one mode to ours, each run to the one beside it."""
    if options.urls < LEAST_URLS:
        outcome.note(f"ratio to {what}", f"not shown below {LEAST_URLS:,} URLs: a short run is mostly start-up")
        return
    pairs = list(zip(ours, its, strict=True))
    faster = [a["net_throughput_urls_per_sec"] / b["net_throughput_urls_per_sec"] for a, b in pairs]
    outcome.note(f"throughput to that of {what}", spread(faster))
    cheaper = [b["net_cpu_ms_per_url"] / a["net_cpu_ms_per_url"] for a, b in pairs]
    outcome.note(f"its CPU a URL to this engine's: {what}", spread(cheaper))
    if options.work == "fetch" and its[0]["mode"] != "aiohttp_bare":
        outcome.at_least(f"the median of that: {what}", median(cheaper), 10)


def spread(values: list[float]) -> str:
    """The median, and of several the least and greatest."""
    if len(values) == 1:
        return shown(values[0])
    return f"{shown(median(values))} ({shown(min(values))} to {shown(max(values))})"


if __name__ == "__main__":
    sys.exit(main())
