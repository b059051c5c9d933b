"""What the benchmarks under pytest share: `lib` beside them, the length of whole runs, a table of derived figures."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

#: Seconds that a whole run of the engine (bench_runs.py) is made to take about.
RUN_SECONDS = 15.0


def pytest_addoption(parser):
    parser.addoption(
        "--run-seconds", type=float, default=RUN_SECONDS, help="how long whole runs of the engine are to take, about"
    )


@pytest.fixture
def run_seconds(request):
    return request.config.getoption("--run-seconds")


def pytest_terminal_summary(terminalreporter, config):
    """The extra figures of the benchmarks (a URL, a row, a request), which pytest-benchmark saves but does not show."""
    session = getattr(config, "_benchmarksession", None)
    told = [(found.name, found.extra_info) for found in session.benchmarks if found.extra_info] if session else []
    if told:
        terminalreporter.section("a URL, row, request or run")
        width = max(len(name) for name, _ in told)
        for name, figures in told:
            terminalreporter.write_line(
                f"{name:{width}}  " + "  ".join(f"{key} {value:,}" for key, value in figures.items())
            )
