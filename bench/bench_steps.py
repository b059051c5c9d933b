"""What the other steps of a page cost: its URL, its row, its lines on disk, its frames to the NLP pool and back."""

from __future__ import annotations

import orjson
import pytest

from engine.ipc.frames import Decoder, encode
from engine.model.record import Fetched, base_row
from engine.model.url import host_id, parse_target, site_of, url_key
from engine.output.parts import PartWriter
from engine.shard.rows import utc_now

PLAIN = "https://www.host7.example.co.uk/articles/2024/a-page.html?x=1"
AWKWARD = "HTTPS://User@WWW.Bücher.Example:443/a/../b/%7Euser?q=ä#part"
FETCHED = Fetched(
    PLAIN, PLAIN, 0, final_url=PLAIN, status_code=200, content_type="text/html; charset=utf-8", content_length=35_000,
    attempts=1, fetch_duration_ms=12.3,
)  # fmt: skip


@pytest.mark.parametrize("text", [PLAIN, AWKWARD], ids=["plain", "awkward"])
def bench_parse_target(benchmark, text):
    benchmark(parse_target, text)


def bench_site_of(benchmark):
    """A host not met before."""
    benchmark(site_of.__wrapped__, "www.host7.example.co.uk")


def bench_host_id(benchmark):
    """A host not met before."""
    benchmark(host_id.__wrapped__, "www.host7.example.co.uk")


def bench_url_key(benchmark):
    benchmark(url_key, PLAIN)


def bench_base_row(benchmark):
    benchmark(lambda: base_row(FETCHED, utc_now()))


def bench_row_line(benchmark):
    row = base_row(FETCHED, utc_now())
    benchmark(orjson.dumps, row, option=orjson.OPT_APPEND_NEWLINE)


@pytest.mark.parametrize("compression", ["none", "gz", "zst"])
def bench_append(benchmark, tmp_path, compression):
    """500 rows in one write; extra_info has microseconds a row."""
    part = PartWriter.open(tmp_path / "part.jsonl", compression, None)
    rows = [orjson.dumps(base_row(FETCHED, utc_now()), option=orjson.OPT_APPEND_NEWLINE)] * 500
    benchmark.pedantic(part.append, args=(rows,), rounds=50, warmup_rounds=2)
    benchmark.extra_info["us_per_row"] = round(benchmark.stats.stats.mean / 500 * 1e6, 3)
    part.close()


@pytest.mark.parametrize("kib", [35, 188])
def bench_frame(benchmark, kib):
    """A page to the pool: encoded, and decoded from pieces of 64 KiB as a socket gives them."""
    header = {"type": "page", "id": 1, "alone": False, "fetched": FETCHED._asdict(), "ct": FETCHED.content_type}
    body = bytes(kib * 1024)

    def there():
        data = b"".join(encode(header, body))
        decoder = Decoder()
        return sum(len(decoder.feed(data[at : at + 65_536])) for at in range(0, len(data), 65_536))

    assert benchmark(there) == 1
