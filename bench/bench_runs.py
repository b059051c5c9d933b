"""Whole runs of the engine: concurrency on a server of 100-300 ms, shards, NLP processes. One round each.

extra_info has pages a second (start-up and tail included), CPU milliseconds a page over all processes, and, for the
concurrency, the share of what Little's law allows.
"""

from __future__ import annotations

import pytest
from lib import engine_run, lists, servers
from lib.processes import run

LATENCY_S = (0.1, 0.3)
HOSTS = 100
CONCURRENCIES = (10, 20, 50, 100, 500)
SHARDS = (1, 2, 4)
NLP_PROCESSES = (1, 2)

#: Pages a second that the runs without a slow server are given work for: about what they do.
FETCH_RATE = 700
NLP_RATE = 60


def measure(benchmark, folder, listed, settings, pages):
    line = engine_run.command(folder / "run", [listed], {**engine_run.LOCAL, **settings})
    counted = benchmark.pedantic(run, args=(line, folder, 600), rounds=1)
    rows = (folder / "run" / "enrichment_output.jsonl").read_text().count('"error_kind":null')
    assert rows == pages
    benchmark.extra_info["pages_per_s"] = round(pages / counted.wall_s, 1)
    benchmark.extra_info["cpu_ms_per_page"] = round(counted.cpu_s / pages * 1000, 3)
    return pages / counted.wall_s


@pytest.mark.parametrize("concurrency", CONCURRENCIES)
def bench_concurrency(benchmark, tmp_path, run_seconds, concurrency):
    mean_s = sum(LATENCY_S) / 2
    pages = int(run_seconds * concurrency / mean_s)
    listed = lists.write(tmp_path / "list.txt", lists.spread(HOSTS, pages))
    with servers.web(tmp_path, delay_s=LATENCY_S) as web:
        settings = {
            **engine_run.FETCH_ONLY, **engine_run.all_hosts_at(web.port), "fetch.max_concurrency": concurrency,
            "politeness.max_per_host": 16, "politeness.max_per_site": 16, "run.shards": 1,
        }  # fmt: skip
        rate = measure(benchmark, tmp_path, listed, settings, pages)
    benchmark.extra_info["of_littles_law"] = round(rate * mean_s / concurrency, 3)


@pytest.mark.parametrize("shards", SHARDS)
def bench_shards(benchmark, tmp_path, run_seconds, shards):
    pages = int(FETCH_RATE * run_seconds)
    urls = [f"http://host{n % HOSTS}.test/{n % servers.NGINX_PAGES}.html?{n}" for n in range(pages)]
    listed = lists.write(tmp_path / "list.txt", urls)
    with servers.nginx(tmp_path / "nginx") as port:
        settings = {
            **engine_run.FETCH_ONLY, **engine_run.all_hosts_at(port), "fetch.max_concurrency": 100 * shards,
            "politeness.max_per_host": 16, "politeness.max_per_site": 16, "run.shards": shards,
        }  # fmt: skip
        measure(benchmark, tmp_path, listed, settings, pages)


@pytest.mark.parametrize("processes", NLP_PROCESSES)
def bench_nlp_processes(benchmark, tmp_path, run_seconds, processes):
    """Extraction and the built-in pipeline; the pages are words without sense."""
    pages = int(NLP_RATE * run_seconds)
    urls = [f"http://host{n % HOSTS}.test/{n % servers.NGINX_PAGES}.html?{n}" for n in range(pages)]
    listed = lists.write(tmp_path / "list.txt", urls)
    with servers.nginx(tmp_path / "nginx") as port:
        settings = {
            **engine_run.all_hosts_at(port), "run.shards": 1, "run.nlp_processes": processes,
            "politeness.max_per_host": 16, "politeness.max_per_site": 16,
        }  # fmt: skip
        measure(benchmark, tmp_path, listed, settings, pages)
