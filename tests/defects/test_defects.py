"""The defects of the pipeline that this engine succeeds, each shown absent. A test's name begins with its number.

They are told in the words of that pipeline: a limit that stranded who waited for it, statuses that counted as success,
batches that were barriers, settings that nothing read. What is tested at length elsewhere is tested here once more by
what a user would have seen.
"""

from __future__ import annotations

import ast
import asyncio
import io
import struct
import subprocess
import sys
import wave
import zlib
from itertools import pairwise
from pathlib import Path

import orjson
import pytest
from fake_time import run
from shard_rig import PAGE, Shard, SlowWeb, kinds, redirect, reply

import engine
from engine.model.outcome import FailureKind
from engine.model.record import Fetched
from engine.nlp.page import Page
from engine.nlp.worker import PageWorker
from engine.policy.retry import RetryRules, retry_delay
from engine.policy.verdict import RetryClass
from engine.settings import NlpSettings, Settings, known_keys
from engine.transport.base import Response

K = FailureKind
NO_DELAY = {"politeness__delay_s": 0}


def urls(count, path="/"):
    return [f"http://h{n}.test{path}" for n in range(count)]


# -- 1: it hangs: a change of the limit leaves who waits for the old one behind ---------------------------------------


def test_1_every_url_ends_while_the_limit_rises_and_falls_under_it(tmp_path):
    async def main():
        web = SlowWeb(latency_s=0.2)
        for n in range(0, 300, 7):  # each wave of these halves the limit
            web.answer(f"h{n}.test", "/", Response(503), Response(500), PAGE)
        shard = Shard(tmp_path, web, **NO_DELAY, aimd__initial=4, fetch__max_concurrency=40, aimd__interval_s=0.5)
        limits = set()

        async def watch():
            while True:
                limits.add(shard.parts.limit.limit)
                await asyncio.sleep(0.1)

        watcher = asyncio.ensure_future(watch())
        rows = await shard.complete(*urls(300))
        watcher.cancel()
        assert len(limits) > 3
        return rows, shard.held

    rows, held = run(main())
    assert (len(rows), set(kinds(rows).values()), held) == (300, {None}, (0,) * 6)


# -- 2: 404, 429 and 500 count as success and are not tried again -----------------------------------------------------


def test_2_a_status_is_what_it_says_and_what_may_pass_is_tried_again(tmp_path):
    async def main():
        web = SlowWeb()
        for n, status in enumerate((404, 429, 500)):
            web.answer(f"h{n}.test", "/", *[Response(status)] * 3)
        web.answer("h3.test", "/", Response(500), PAGE)
        shard = Shard(tmp_path, web, **NO_DELAY)
        rows = await shard.complete(*urls(4))
        return rows, [len(web.times(f"h{n}.test", robots=False)) for n in range(4)]

    rows, asked = run(main())
    assert list(kinds(rows).values()) == [K.HTTP_STATUS, K.RATE_LIMITED, K.HTTP_STATUS, None]
    assert [row["status_code"] for row in rows.values()] == [404, 429, 500, 200]
    assert asked == [1, 3, 3, 2]


# -- 3: backoff is linear and holds its slot; the controller moves after successes only -------------------------------


def test_3_who_waits_for_a_retry_holds_no_slot_and_failures_lower_the_limit(tmp_path):
    async def main():
        web = SlowWeb(latency_s=0.1)
        web.answer("h0.test", "/", Response(500), PAGE)
        shard = Shard(tmp_path, web, **NO_DELAY, fetch__max_concurrency=1, retry__base_delay_s=20)
        rows = await shard.complete(*urls(30))
        first, second = web.times("h0.test", robots=False)
        meanwhile = [at for n in range(1, 30) for at in web.times(f"h{n}.test", robots=False) if first < at < second]
        last = max(at for n in range(1, 30) for at in web.times(f"h{n}.test", robots=False))
        assert meanwhile
        assert last < second
        assert second - first >= 20
        return rows

    assert set(kinds(run(main())).values()) == {None}

    async def overloaded():
        web = SlowWeb(default=Response(500))
        shard = Shard(tmp_path / "b", web, **NO_DELAY, aimd__initial=40, retry__max_attempts=1)
        for n in range(60):
            web.answer(f"h{n}.test", "/", PAGE, *[Response(500)] * 50)
        before = shard.parts.limit.limit
        await shard.complete(*(url for n in range(12) for url in urls(60, f"/{n}" if n else "/")))
        return before, shard.parts.limit.limit

    (tmp_path / "b").mkdir()
    before, after = run(overloaded())
    assert after < before


def test_3_delays_double():
    rules = RetryRules(8, 1.0, 60.0, 5.0, 0.0)
    waits = [retry_delay(rules, RetryClass.TRANSIENT, made, None, 300.0, 0.0) for made in range(1, 8)]
    assert waits == [1, 2, 4, 8, 16, 32, 60]


# -- 4: batches are barriers: one slow URL stalls the next hundred ----------------------------------------------------


def test_4_a_slow_url_delays_no_other(tmp_path):
    async def main():
        web = SlowWeb(latency_s=0.05)
        web.slow["h0.test", "/"] = 25.0
        shard = Shard(tmp_path, web, **NO_DELAY, output__commit_rows=100, fetch__max_concurrency=10)
        await shard.feed(*urls(350))
        began = asyncio.get_running_loop().time()
        await asyncio.sleep(15)
        done = shard.store.counters["done"]
        await shard.until_finished()
        took = asyncio.get_running_loop().time() - began
        commits = [record.count for _, record in shard.store.commit_records()]
        await shard.drain()
        return done, took, commits

    done, took, commits = run(main())
    assert done == 349
    assert took < 30
    assert max(commits) <= 100  # and what batch_size sets is kept to


# -- 5: pages are parsed on the event loop ----------------------------------------------------------------------------


def test_5_the_process_that_fetches_cannot_even_parse():
    code = (
        "import sys, engine.shard.main\n"
        "parsers = ('spacy', 'resiliparse.parse.html', 'pypdfium2', 'PIL.Image', 'tinytag')\n"
        "print([name for name in parsers if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert found.stdout.strip() == "[]"


# -- 6: with the default configuration the summariser raises, and every page is an error row --------------------------


ARTICLE = (
    "<html lang=en><head><title>The harbour</title></head><body><article><h1>The harbour</h1>"
    + "".join(
        f"<p>The harbour of Calder was repaired in {year}, and its lighthouse was opened to visitors again. Engineers"
        f" kept a careful record of every change that the {year} works made to the old harbour wall.</p>"
        for year in range(2001, 2009)
    )
    + "</article></body></html>"
).encode()


@pytest.fixture(scope="module")
def worker():
    return PageWorker(Settings())


def row_of(worker, body, content_type):
    fetched = Fetched(
        "http://h.test/", "http://h.test/", 0, "http://h.test/", status_code=200, content_type=content_type
    )
    return orjson.loads(worker.work(Page(1, alone=False, fetched=fetched, content_type=content_type, body=body)).row)


def test_6_the_default_settings_summarise_a_page(worker):
    assert Settings().nlp == NlpSettings()
    row = row_of(worker, ARTICLE, "text/html")
    assert (row["error"], row["error_kind"]) == (None, None)
    assert "harbour" in row["content_summary"]
    assert row["keywords"]


# -- 7: configuration keys that are read nowhere ----------------------------------------------------------------------


#: Read from run.json, which a merge has and no settings.
FROM_THE_MANIFEST = {"output.order"}


def test_7_every_setting_is_read_somewhere():
    """Each key's name is asked for as an attribute, outside the modules that define and check settings.

    Every short name of `stages:` is shown to reach its setting in tests/settings/test_stages.py.
    """
    folder = Path(engine.__file__).parent
    read: set[str] = set()
    for file in folder.rglob("*.py"):
        if file.parent.name != "settings" or file.name in {"cores.py", "load.py"}:
            tree = ast.parse(file.read_text(encoding="utf-8"))
            read |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    unread = {key for key in known_keys() if key.rpartition(".")[2] not in read}
    assert unread == FROM_THE_MANIFEST


# -- 8: no robots.txt, no delay, no cap on a body, no final URL, no resume --------------------------------------------


def test_8_robots_delay_final_url_and_a_resume(tmp_path):
    async def first():
        web = SlowWeb()
        web.answer("h0.test", "/robots.txt", reply(200, b"User-agent: *\nDisallow: /private\n"))
        web.answer("h0.test", "/moved", redirect("/there"))
        shard = Shard(tmp_path, web, politeness__delay_s=1)
        await shard.feed("http://h0.test/private", "http://h0.test/moved", *(f"http://h0.test/{n}" for n in range(9)))
        await asyncio.sleep(6)
        await shard.kill()
        return web

    async def second():
        web = SlowWeb()
        shard = Shard(tmp_path, web, politeness__delay_s=1)
        if not shard.store.ingested:
            shard.tell("ingested")
        await shard.until_finished()
        await shard.drain()
        return web, shard.rows()

    before, (after, rows) = run(first()), run(second())
    assert len(rows) == 11
    assert rows["http://h0.test/private"]["error_kind"] == K.ROBOTS_DISALLOWED
    assert rows["http://h0.test/moved"]["final_url"] == "http://h0.test/there"
    times = sorted(before.times("h0.test"))
    assert min(later - earlier for earlier, later in pairwise(times)) >= 1
    again = {target for _, _, target in before.written} & {target for _, _, target in after.written}
    assert len(again - {"/robots.txt"}) <= 3  # what was not yet committed when it was killed
    assert not any(target == "/private" for web in (before, after) for _, _, target in web.written)


async def test_8_a_body_has_a_cap(tmp_path):
    del tmp_path
    from web.server import Web  # noqa: PLC0415 - a real server, for this test alone

    from engine.settings import FetchSettings, GuardSettings  # noqa: PLC0415 - likewise
    from engine.transport.base import Request, TransportError  # noqa: PLC0415 - likewise
    from engine.transport.client import AiohttpTransport  # noqa: PLC0415 - likewise

    async with Web() as web:
        fetch = FetchSettings(connect_to=(web.connect_to(),))
        transport = AiohttpTransport(fetch, GuardSettings(allow_networks=("127.0.0.0/8",)))
        try:
            exchange = await transport.connect("http", "h.test", 80)
            with pytest.raises(TransportError) as refused:
                await exchange.send(
                    Request("GET", "http", "h.test", 80, "/endless"),
                    max_body_bytes=100_000,
                    on_bytes=lambda _: None,
                    on_written=lambda: None,
                )
        finally:
            await transport.close()
    assert refused.value.kind is K.BODY_TOO_LARGE


# -- 9: image, video and audio metadata never reach the row -----------------------------------------------------------


def _png() -> bytes:
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 3, 2, 8, 2, 0, 0, 0)
    pixels = zlib.compress((b"\0" + b"\1\2\3" * 3) * 2)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def _wav() -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((1, 2, 8000, 8000, "NONE", ""))
        file.writeframes(b"\0\0" * 8000)
    return out.getvalue()


def test_9_what_is_known_of_an_image_and_of_sound_is_in_the_row(worker):
    image = row_of(worker, _png(), "image/png")
    assert (image["error"], image["media"]["width"], image["media"]["height"]) == (None, 3, 2)
    sound = row_of(worker, _wav(), "audio/wav")
    assert (sound["error"], sound["media"]["duration_s"]) == (None, 1.0)
