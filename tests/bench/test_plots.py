"""`scripts/bench scaling` and bench/report.py: plots from saved files, and the page that shows them."""

from __future__ import annotations

import json

import plots
import pytest
import report
from lib import saved

MACHINE = {
    "cpu": "A CPU", "cores": 2, "memory_gib": 4.0, "system": "Linux 6", "python": "3.11.7", "versions": {},
    "commit": "abc1234", "load_before": 0.1,
}  # fmt: skip


def _suite(at="2026-01-01", rate=100.0, **more):
    benchmarks = [
        {
            "name": f"bench_{what}[{value}]", "fullname": f"bench/bench_runs.py::bench_{what}[{value}]",
            "params": {what: value}, "stats": {"min": 1.0, "mean": 1.0, "rounds": 1},
            "extra_info": {"net_pages_per_s": rate * value, "net_cpu_ms_per_page": 0.5},
        }
        for what in ("concurrency", "shards", "nlp_processes", "sites")
        for value in (1, 2)
    ]  # fmt: skip
    info = {"cpu": {"brand_raw": "A CPU", "count": 2}, "python_version": "3.11.7"}
    return {
        "benchmarks": benchmarks, "datetime": at, "machine_info": info, "commit_info": {"id": "abc123456"}, **more,
    }  # fmt: skip


def _script(name, options, rows, at="2026-01-01", **more):
    return {
        "name": name, "about": f"What {name} is about.", "at": at, "machine": MACHINE, "options": options,
        "columns": ["a"], "rows": rows, "checks": [], **more,
    }  # fmt: skip


def _enrichment(**more):
    results = [
        {
            "mode": mode, "max_concurrency": at, "net_throughput_urls_per_sec": 10.0 * at,
            "net_cpu_ms_per_url": 1.0,
        }
        for mode in ("async", "scrapy")
        for at in (10, 50)
    ]  # fmt: skip
    options = {"web": "latency", "work": "fetch", "bare": False, "plot": None, "concurrency": [10, 50]}
    return _script("enrichment", options, [], results=results, variant="latency, fetching alone", **more)


def _files(folder, *told):
    paths = [folder / f"{number}.json" for number in range(len(told))]
    for path, one in zip(paths, told, strict=True):
        path.write_text(json.dumps(one))
    return [str(path) for path in paths]


def test_each_thing_that_was_varied_has_a_plot(tmp_path):
    length = _script("length", {"urls": 1000}, [["1", "1,200", "0.5", "90"], ["2", "1,300", "0.6", "91"]])
    scaling = _script("scaling", {}, [["nlp pool", "1", "1", "50"], ["nlp bare", "1", "1", "1,000"]])
    nothing = _script("politeness", {}, [])
    files = _files(tmp_path, _suite(), _enrichment(), length, scaling, nothing)
    assert plots.main([*files, "--out", str(tmp_path / "plots")]) == 0
    assert {path.name for path in (tmp_path / "plots").iterdir()} == {
        "concurrency.svg", "shards.svg", "nlp-processes.svg", "sites.svg", "enrichment-latency-fetch.svg",
        "length.svg", "processes.svg",
    }  # fmt: skip


def test_several_suites_have_their_spread_drawn(tmp_path):
    once, twice = tmp_path / "once", tmp_path / "twice"
    files = _files(tmp_path, _suite(), _suite("2026-01-02", 120.0))
    assert plots.main([files[0], "--out", str(once)]) == 0
    assert plots.main([*files, "--out", str(twice)]) == 0
    ends = [(folder / "shards.svg").read_text().count("h6M") for folder in (once, twice)]
    assert ends == [0, 4]  # of two throughputs; the CPU a page was the same in both


@pytest.mark.parametrize("text", ["", "[]", '{"benchmarks": []}', "7"])
def test_a_file_of_something_else_is_named(tmp_path, text, capsys):
    file = tmp_path / "other.json"
    file.write_text(text)
    with pytest.raises(SystemExit, match="2"):
        plots.main([str(file)])
    assert str(file) in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        plots.main([str(tmp_path / "missing.json")])
    assert "No such file" in capsys.readouterr().err


def test_of_one_kind_the_latest_counts_and_variants_are_kinds():
    old, new = _enrichment(), _enrichment(at="2026-01-03")
    other = {**_enrichment(), "variant": "cpu, text and analysis"}
    found = saved.latest([new, old, other])
    assert found == {"Enrichment: latency, fetching alone": new, "Enrichment: cpu, text and analysis": other}


def test_the_page_shows_the_plots_beside_it(tmp_path):
    page = tmp_path / "docs" / "performance.md"
    page.parent.mkdir()
    assert report.main([*_files(tmp_path, _suite(), _enrichment()), "--out", str(page)]) == 0
    text = page.read_text()
    for name in ("concurrency", "shards", "nlp-processes", "sites", "enrichment-latency-fetch"):
        assert f"](plots/{name}.svg)" in text
        assert (page.parent / "plots" / f"{name}.svg").exists()
    assert "`python bench/enrichment.py --web latency --work fetch --concurrency 10 50`" in text
