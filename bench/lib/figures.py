"""Saved measurements as figures: throughput and CPU a page over what was varied. Nothing is measured here.

From the pytest-benchmark suite (`scripts/bench --benchmark-json=FILE`; of several files the median and the spread):
concurrency, shards, NLP processes, sites, length of the list. From scripts' --save: bench/enrichment.py, length.py and
scaling.py. What a file does not hold is not drawn.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lib import svg

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from lib.saved import Saved

#: What the modes of bench/enrichment.py are called for readers.
MODES = {
    "async": "this engine", "scrapy": "stage 3 through Scrapy", "scrapy_bare": "bare spider, tuned",
    "scrapy_stock": "bare spider, Scrapy's defaults",
}  # fmt: skip

#: Benchmarks of bench_runs.py, and what they vary.
_SUITE = {
    "bench_concurrency": ("concurrency", "requests at once"),
    "bench_shards": ("shards", "shards"),
    "bench_nlp_processes": ("nlp-processes", "NLP processes"),
    "bench_sites": ("sites", "sites"),
    "bench_list_length": ("list-length", "URLs of the list"),
}

#: What is drawn of a case of the suite: (key of extra_info, title, unit).
_PANELS = (
    ("net_pages_per_s", "Throughput, start-up apart", "pages/s"),
    ("net_cpu_ms_per_page", "CPU of all processes, start-up apart", "ms a page"),
)


@dataclass(frozen=True, slots=True)
class Figure:
    """A file's name (without .svg), what it shows, and its panels."""

    name: str
    caption: str
    charts: Sequence[svg.Chart]

    @property
    def file(self) -> str:
        return f"{self.name}.svg"


def write(made: Iterable[Figure], folder: Path) -> list[Path]:
    """Draw the figures into a folder; their files."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for figure in made:
        paths.append(folder / figure.file)
        paths[-1].write_text(svg.draw(*figure.charts), encoding="utf-8")
    return paths


def of_suites(suites: Iterable[Saved]) -> list[Figure]:
    """A figure for each thing that was varied."""
    found: dict[str, dict[str, dict[float, list[float]]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    for suite in suites:
        for one in suite["benchmarks"]:
            what = one["name"].partition("[")[0]
            told = one["extra_info"]
            if what in _SUITE:
                (varied,) = one["params"].values()
                for key, *_ in _PANELS:
                    if key in told:
                        found[what][key][told.get("urls", varied)].append(told[key])
    figures = []
    for what, (name, label) in _SUITE.items():
        charts = [
            svg.Chart(title, label, unit, [svg.Line("", points(found[what][key]))])
            for key, title, unit in _PANELS
            if found[what][key]
        ]
        if charts:
            figures.append(Figure(name, f"Throughput and CPU a page over {label}", charts))
    return figures


def of_script(told: Saved) -> list[Figure]:
    """The figures of what a script saved; of most there are none."""
    made = {"enrichment": _enrichment, "length": _length, "scaling": _scaling}.get(told["name"])
    return [] if made is None else made(told)


def enrichment(results: Sequence[Saved]) -> list[svg.Chart]:
    """Throughput and CPU over the concurrency, a line a mode, with the spread of its runs."""
    charts = []
    for key, title, unit in (
        ("net_throughput_urls_per_sec", "Throughput, start-up apart", "URLs/s"),
        ("net_cpu_ms_per_url", "CPU of all processes, start-up apart", "ms a URL"),
    ):
        lines: dict[str, dict[float, list[float]]] = {}
        for result in results:
            line = lines.setdefault(MODES[result["mode"]], defaultdict(list))
            line[result["max_concurrency"]].append(result[key])
        named = [svg.Line(name, points(values)) for name, values in sorted(lines.items(), key=_in_order)]
        charts.append(svg.Chart(title, "requests at once", unit, named))
    return charts


def _in_order(line: tuple[str, Any]) -> int:
    return list(MODES.values()).index(line[0])


def _enrichment(told: Saved) -> list[Figure]:
    options = told["options"]
    name = f"enrichment-{options['web']}-{options['work']}"
    return [Figure(name, f"Stage 3 over the concurrency: {told['variant']}", enrichment(told["results"]))]


def _length(told: Saved) -> list[Figure]:
    """Tenth by tenth of a long run: (tenth, pages/s, CPU ms a page, MB)."""
    urls = told["options"]["urls"]
    rows = [[number(cell) for cell in row] for row in told["rows"]]
    charts = [
        svg.Chart(title, "URLs done", unit, [svg.Line("", points({row[0] * urls / 10: [row[at]] for row in rows}))])
        for at, title, unit in ((1, "Throughput", "pages/s"), (2, "CPU of all processes", "ms a page"))
    ]
    return [Figure("length", f"Throughput and CPU a page in the course of a run of {urls:,} URLs", charts)]


def _scaling(told: Saved) -> list[Figure]:
    """Pages a second of so many processes and of as many bare copies: (what, processes, round, pages/s)."""
    charts = []
    for work, title in (("fetch", "Fetching, shards"), ("nlp", "Analysis, NLP processes")):
        lines: dict[str, dict[float, list[float]]] = {}
        for what, processes, _, rate in told["rows"]:
            kind, _, who = what.partition(" ")
            if kind == work:
                who = "bare copies" if who == "bare" else "this engine"
                lines.setdefault(who, defaultdict(list))[number(processes)].append(number(rate))
        if lines:
            named = [svg.Line(who, points(values)) for who, values in sorted(lines.items(), reverse=True)]
            charts.append(svg.Chart(title, "processes", "pages/s", named))
    return [Figure("processes", "Throughput over processes, beside as many bare copies of the work", charts)]


def points(values: dict[float, list[float]]) -> list[svg.Point]:
    """A point for each x, by rising x."""
    return [svg.Point.of(x, measured) for x, measured in sorted(values.items())]


def number(cell: Any) -> float:
    """A cell of a saved table, which has commas between its thousands."""
    return float(str(cell).replace(",", ""))
