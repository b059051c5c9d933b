"""`scripts/bench enrichment`: its options, what it tells of results, and a small run of both engines."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import enrichment
import pytest

SCRIPT = Path(enrichment.__file__)

needs_scrapy = pytest.mark.skipif(find_spec("scrapy") is None, reason="the extra scrapy is not installed")
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="other systems have one loopback address only")


@needs_scrapy
def test_the_options_are_those_of_the_predecessor():
    options = enrichment.read_options([])
    assert (options.urls, options.runs, options.concurrency, options.mode) == (100, 3, [50], "both")
    given = ["--urls", "7", "--runs", "1", "--concurrency", "100,10", "50", "--mode", "scrapy", "--bare"]
    options = enrichment.read_options(given)
    assert (options.urls, options.runs, options.concurrency) == (7, 1, [10, 50, 100])
    assert enrichment.modes(options) == ["scrapy", "scrapy_bare", "scrapy_stock"]


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (["--urls", "0"], "--urls: from 1 to"),
        (["--hosts", "251"], "--hosts: from 1 to 250"),
        (["--concurrency", "10,x"], "10,x: numbers from 1"),
        (["--concurrency", "0"], "0: numbers from 1"),
        (["--web", "none"], "--web"),
    ],
)
def test_a_wrong_option_is_named(given, named, capsys):
    with pytest.raises(SystemExit, match="2"):
        enrichment.read_options(given)
    assert named in capsys.readouterr().err


def test_without_scrapy_only_our_own_engine_is_measured(monkeypatch, capsys):
    monkeypatch.setattr(enrichment, "find_spec", lambda _: None)
    assert enrichment.modes(enrichment.read_options(["--mode", "async"])) == ["async"]
    with pytest.raises(SystemExit, match="2"):
        enrichment.read_options(["--mode", "both"])
    assert "pip install 'enrich-engine[scrapy]'" in capsys.readouterr().err


class _Outcome:
    def __init__(self):
        self.told = {}

    def note(self, what, found):
        self.told[what] = found

    def at_least(self, what, found, _bound):
        self.told[what] = found


def _result(mode, rate, cpu_ms, failed_by_kind=None):
    return {
        "mode": mode, "max_concurrency": 50, "net_throughput_urls_per_sec": rate, "net_cpu_ms_per_url": cpu_ms,
        "peak_memory_bytes": 1 << 20, "failed_by_kind": failed_by_kind or {},
    }  # fmt: skip


def _told(urls, results):
    outcome = _Outcome()
    options = argparse.Namespace(urls=urls, work="all", concurrency=[50], mode="both", bare=False)
    enrichment.tell(outcome, options, results)
    return outcome.told


def test_ratios_are_medians_of_the_runs_own_ratios():
    runs = [("async", 300, 1), ("scrapy", 100, 4), ("async", 100, 2), ("scrapy", 100, 4), ("async", 200, 1)]
    told = _told(2000, [_result(*run) for run in [*runs, ("scrapy", 100, 9)]])
    assert [found for what, found in told.items() if "throughput to" in what] == ["2.000 (1.000 to 3.000)"]
    assert [found for what, found in told.items() if "its CPU" in what] == ["4.000 (2.000 to 9.000)"]


def test_a_short_run_has_no_ratio():
    told = _told(1999, [_result("async", 300, 1), _result("scrapy", 100, 4)])
    assert [found for found in told.values() if "2,000" in str(found)] == [
        "not shown below 2,000 URLs: a short run is mostly start-up"
    ]


def test_another_outcome_of_the_two_is_told():
    same = [_result("async", 1, 1, {"http_status": 2}), _result("scrapy", 1, 1, {"http_status": 2})]
    other = [_result("async", 1, 1, {"http_status": 2}), _result("scrapy", 1, 1, {"connection_lost": 2})]
    judged = "both at 50: the same failures (1: yes)"
    assert (_told(10, same)[judged], _told(10, other)[judged]) == (1, 0)


@needs_scrapy
@linux_only
def test_both_engines_run_and_fail_alike(tmp_path):
    saved = tmp_path / "saved.json"
    line = [sys.executable, SCRIPT, "--urls", "60", "--hosts", "6", "--runs", "1", "--web", "failures"]
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [*line, "--work", "fetch", "--save", saved], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    results = json.loads(saved.read_text())["results"]
    keys = {"mode", "duration_seconds", "urls_processed", "throughput_urls_per_sec", "max_concurrency"}
    assert [{key: result[key] for key in ("mode", "urls_processed", "max_concurrency")} for result in results] == [
        {"mode": mode, "urls_processed": 60, "max_concurrency": 50} for mode in ("async", "scrapy")
    ]
    ours, its = results
    assert keys <= ours.keys() & its.keys()
    assert all(result["cpu_seconds"] > 0 and result["peak_memory_bytes"] > 0 for result in results)
    assert ours["failed_by_kind"] == its["failed_by_kind"]
    assert "http_status" in ours["failed_by_kind"]
    assert saved.with_suffix(".svg").read_text().startswith("<svg")
