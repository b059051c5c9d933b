"""Whole runs of the engine: concurrency on a server of 100-300 ms, shards, NLP processes, sites, length of the list.

One round each. extra_info has pages a second and CPU milliseconds a page over all processes, of the whole command and
net, without what the same command takes for one URL; and, for the concurrency, the share of what Little's law allows.
`scripts/bench scaling` draws the net ones.
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
SITES = (10, 100, 1000, 10_000)

#: Of the pages that the runs without a slow server have.
LENGTHS = (0.1, 0.3, 1, 3)

#: Pages a second that the runs without a slow server are given work for: about what they do.
FETCH_RATE = 700
NLP_RATE = 60


def measure(benchmark, folder, listed, settings, pages):
    with listed.open() as lines:
        one = lists.write(folder / "one.txt", [next(lines).strip()])
    start_up = run(engine_run.command(folder / "one", [one], {**engine_run.LOCAL, **settings}), folder, 600)
    line = engine_run.command(folder / "run", [listed], {**engine_run.LOCAL, **settings})
    counted = benchmark.pedantic(run, args=(line, folder, 600), rounds=1)
    rows = (folder / "run" / "enrichment_output.jsonl").read_text().count('"error_kind":null')
    assert rows == pages
    benchmark.extra_info["pages_per_s"] = round(pages / counted.wall_s, 1)
    benchmark.extra_info["cpu_ms_per_page"] = round(counted.cpu_s / pages * 1000, 3)
    if counted.wall_s > 2 * start_up.wall_s:  # of a shorter run, the difference is mostly noise
        net_s, net_cpu_s = counted.wall_s - start_up.wall_s, counted.cpu_s - start_up.cpu_s
        benchmark.extra_info["net_pages_per_s"] = round((pages - 1) / net_s, 1)
        benchmark.extra_info["net_cpu_ms_per_page"] = round(net_cpu_s / (pages - 1) * 1000, 3)
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


@pytest.mark.parametrize("sites", SITES)
def bench_sites(benchmark, tmp_path, run_seconds, sites):
    """The same number of pages on few sites and on many; each has a robots.txt to be asked for."""
    fetch(benchmark, tmp_path, int(FETCH_RATE * run_seconds), sites)


@pytest.mark.parametrize("share", LENGTHS)
def bench_list_length(benchmark, tmp_path, run_seconds, share):
    """Short lists and long ones; extra_info has `urls`, how long."""
    pages = int(FETCH_RATE * run_seconds * share)
    benchmark.extra_info["urls"] = pages
    fetch(benchmark, tmp_path, pages, HOSTS)


def fetch(benchmark, folder, pages, sites):
    """Pages of 2 KB from so many sites, by one shard, from a server that answers at once."""
    listed = lists.write(folder / "list.txt", lists.spread(sites, pages))
    with servers.web(folder) as web:
        settings = {
            **engine_run.FETCH_ONLY, **engine_run.all_hosts_at(web.port), "fetch.max_concurrency": 100,
            "politeness.max_per_host": 16, "politeness.max_per_site": 16, "run.shards": 1,
        }  # fmt: skip
        measure(benchmark, folder, listed, settings, pages)
