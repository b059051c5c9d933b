"""What a URL costs on its way from a file to a batch (target: 3.5 µs of CPU for a plain list)."""

from __future__ import annotations

import time

import pytest

from engine.settings.groups import InputSettings
from engine.sources.ingest import batches
from engine.sources.source import resolve

URLS = 100_000
SHARDS = 4


@pytest.fixture(params=["txt", "csv", "jsonl"])
def source(request, tmp_path):
    urls = [f"https://www.host{n % 997}.example.co.uk/path/{n}/page.html?x={n}" for n in range(URLS)]
    text = {
        "txt": "".join(f"{url}\n" for url in urls),
        "csv": "id,url\n" + "".join(f"{n},{url}\n" for n, url in enumerate(urls)),
        "jsonl": "".join(f'{{"id": {n}, "url": "{url}"}}\n' for n, url in enumerate(urls)),
    }[request.param]
    path = tmp_path / f"urls.{request.param}"
    path.write_text(text)
    return resolve(str(path))


def bench_ingest(benchmark, source):
    """All URLs of a file; extra_info has microseconds of CPU a URL, of the last round."""

    def read():
        start = time.process_time()
        count = sum(
            len(entries) for batch in batches([source], (0, 0), SHARDS, InputSettings()) for entries in batch.entries
        )
        benchmark.extra_info["cpu_us_per_url"] = round((time.process_time() - start) / count * 1e6, 2)
        return count

    assert benchmark.pedantic(read, rounds=3) == URLS
