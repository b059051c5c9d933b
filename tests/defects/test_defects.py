"""The defects of the pipeline that this engine succeeds, each shown absent. A test's name begins with its number.

A defect has a check: a function that takes what is to be checked, and raises AssertionError where it has the defect.
Each is run on the engine, which passes, and on a stand-in that has this one defect (predecessor.py), where it must
raise. Crawls run on a fake web in fake time; what is tested at length elsewhere is tested here once more by what a
user would have seen.
"""

from __future__ import annotations

import ast
import asyncio
import io
import json
import struct
import subprocess
import sys
import wave
import zlib
from dataclasses import fields
from functools import partial
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import orjson
import pytest
from defects import predecessor
from fake_time import NothingWillHappen, run
from shard_rig import PAGE, Shard, SlowWeb, redirect, reply
from web import politeness

import engine
from engine.model.outcome import FailureKind
from engine.model.record import Fetched
from engine.nlp.page import Page
from engine.nlp.worker import PageWorker
from engine.settings import NlpSettings, Settings, known_keys, load
from engine.transport.base import Response

K = FailureKind


class Engine:
    """A shard of the engine, called as the stand-ins are."""

    def __init__(  # noqa: PLR0913 - what the checks ask for
        self, folder, web, *, limit=10, most=200, attempts=3, batch=500, delay_s=0, max_body_bytes=100_000
    ):
        self.shard = Shard(
            folder, web, aimd__initial=limit, fetch__max_concurrency=most, aimd__interval_s=0.5,
            retry__max_attempts=attempts, output__commit_rows=batch, politeness__delay_s=delay_s,
            fetch__max_body_bytes=max_body_bytes,
        )  # fmt: skip

    @property
    def limit(self):
        return self.shard.parts.limit.limit

    async def crawl(self, urls, for_s=None):
        """Rows by URL; after `for_s` seconds it is killed. A second one in its folder goes on."""
        if self.shard.store.ingested:
            await asyncio.sleep(0)
        else:
            await self.shard.feed(*urls)
        if for_s is not None:
            await asyncio.sleep(for_s)
            await self.shard.kill()
            return {}
        await self.shard.until_finished()
        await self.shard.drain()
        assert self.shard.held == (0,) * 6
        return self.shard.rows()


def urls(count, path="/"):
    return [f"http://h{n}.test{path}" for n in range(count)]


def shows(check, sound, defective, words):
    """The check passes on what is sound, and raises these words on what has the defect."""
    for each in sound:
        _ended(check(each))
    with pytest.raises(AssertionError, match=words):
        _ended(check(defective))


def _ended(checking):
    try:
        run(checking)
    except NothingWillHappen:
        raise AssertionError("it hangs") from None


@pytest.fixture
def shard(tmp_path):
    """The engine in folders of its own, as a crawler to be made."""
    return partial(Engine, tmp_path)


# -- 1: it hangs: a change of the limit leaves who waits for the old one behind ---------------------------------------


async def every_url_ends_though_the_limit_moves(crawler):
    web = SlowWeb(latency_s=0.2)
    for n in range(0, 300, 7):  # each wave of these halves the limit
        web.answer(f"h{n}.test", "/", Response(503), Response(500), PAGE)
    one = crawler(web, limit=4, most=40)
    limits = set()

    async def watch():
        while True:
            limits.add(one.limit)
            await asyncio.sleep(0.1)

    watcher = asyncio.ensure_future(watch())
    crawl = asyncio.ensure_future(one.crawl(urls(300)))
    await asyncio.wait([crawl], timeout=3600)
    watcher.cancel()
    assert len(limits) > 2
    assert crawl.done(), "waiters are stranded"
    assert {row["error_kind"] for row in crawl.result().values()} == {None}
    assert len(crawl.result()) == 300


def test_1_a_limit_that_moves_strands_nobody(shard):
    check = every_url_ends_though_the_limit_moves
    shows(check, (shard, predecessor.Crawler), predecessor.StrandsWaiters, "waiters are stranded")


# -- 2: 404, 429 and 500 count as success and are not tried again -----------------------------------------------------


async def a_status_is_what_it_says(crawler):
    web = SlowWeb()
    for n, status in enumerate((404, 429, 500)):
        web.answer(f"h{n}.test", "/", *[Response(status)] * 3)
    web.answer("h3.test", "/", Response(500), PAGE)
    rows = list((await crawler(web).crawl(urls(4))).values())
    succeeded = [row["status_code"] for row in rows if row["error_kind"] is None]
    assert succeeded == [200], f"{succeeded} count as success"
    assert [row["status_code"] for row in rows] == [404, 429, 500, 200]
    assert [len(web.times(f"h{n}.test", robots=False)) for n in range(4)] == [1, 3, 3, 2]


def test_2_a_status_is_what_it_says_and_what_may_pass_is_tried_again(shard):
    check = a_status_is_what_it_says
    shows(check, (shard, predecessor.Crawler), predecessor.IgnoresStatus, "404, 429, 500.* count as success")


# -- 3: backoff is linear and holds its slot; the controller moves after successes only -------------------------------


async def who_waits_holds_no_slot(crawler):
    web = SlowWeb(latency_s=0.1)
    for n in range(30):
        web.answer(f"h{n}.test", "/", Response(500), PAGE)
    rows = await crawler(web, limit=1, most=1).crawl(urls(30))
    times = [web.times(f"h{n}.test", robots=False) for n in range(30)]
    first, second = min(times)  # whichever was asked first
    assert any(first < at < second for at, _ in times), "the wait held the only slot"
    assert {row["error_kind"] for row in rows.values()} == {None}


async def waits_double(crawler):
    web = SlowWeb()
    web.answer("h0.test", "/", Response(500), Response(500), Response(500), PAGE)
    await crawler(web, attempts=4).crawl(urls(1))
    waits = [later - earlier for earlier, later in pairwise(web.times("h0.test", robots=False))]
    assert len(waits) == 3
    assert all(later > 1.8 * earlier for earlier, later in pairwise(waits)), f"linear: {waits}"


async def failures_lower_the_limit(crawler):
    web = SlowWeb(default=Response(500))
    for n in range(60):
        web.answer(f"h{n}.test", "/", PAGE)
    one = crawler(web, limit=40, attempts=1)
    await one.crawl([url for n in range(6) for url in urls(60, f"/{n}" if n else "/")])
    assert one.limit < 40, f"the limit is {one.limit}"


@pytest.mark.parametrize(
    ("check", "defective", "words"),
    [
        (who_waits_holds_no_slot, predecessor.SleepsInItsSlot, "held the only slot"),
        (waits_double, predecessor.BacksOffInLine, "linear"),
        (failures_lower_the_limit, predecessor.LearnsFromSuccesses, "the limit is 4"),
    ],
)
def test_3_waits_double_without_a_slot_and_failures_lower_the_limit(check, defective, words, shard):
    shows(check, (shard, predecessor.Crawler), defective, words)


# -- 4: batches are barriers: one slow URL stalls the next hundred ----------------------------------------------------


async def a_slow_url_delays_no_other(crawler):
    web = SlowWeb(latency_s=0.05)
    web.slow["h0.test", "/"] = 25.0
    one = crawler(web, batch=100)
    rows = await one.crawl(urls(350))
    (slow,) = web.times("h0.test", robots=False)
    late = [n for n in range(1, 350) for at in web.times(f"h{n}.test", robots=False) if at > slow + 25]
    assert not late, f"{len(late)} waited for the slow one"
    assert len(rows) == 350


def test_4_a_slow_url_delays_no_other(shard):
    check = a_slow_url_delays_no_other
    shows(check, (shard, predecessor.Crawler), predecessor.Batches, "waited for the slow one")


# -- 5: pages are parsed on the event loop ----------------------------------------------------------------------------


def the_process_with_the_loop_has_no_parser(module):
    """In a thread or on the loop: a parser would be loaded where pages are fetched."""
    code = (
        f"import sys, {module}\n"
        "parsers = ('spacy', 'resiliparse', 'pypdfium2', 'PIL.Image', 'tinytag')\n"
        "print([name for name in parsers if name in sys.modules])"
    )
    tests = Path(__file__).parents[1]
    found = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tests
    )
    assert found.stdout.strip() == "[]", f"{module} parses: {found.stdout}"


def test_5_the_process_that_fetches_cannot_even_parse():
    the_process_with_the_loop_has_no_parser("engine.shard.main")
    with pytest.raises(AssertionError, match=r"parses: .*resiliparse"):
        the_process_with_the_loop_has_no_parser("defects.predecessor")


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
def row_of():
    """The engine's row of a body, under the default settings."""
    worker = PageWorker(Settings())

    def made(body, content_type):
        url = "http://h.test/"
        fetched = Fetched(url, url, 0, url, status_code=200, content_type=content_type)
        page = Page(1, alone=False, fetched=fetched, content_type=content_type, body=body)
        return orjson.loads(worker.work(page).row)

    return made


def the_default_settings_summarise_a_page(row_of):
    row = row_of(ARTICLE, "text/html")
    assert (row["error"], row["error_kind"]) == (None, None)
    assert "harbour" in row["content_summary"]
    assert row["keywords"]


def test_6_the_default_settings_summarise_a_page(row_of):
    assert Settings().nlp == NlpSettings()
    the_default_settings_summarise_a_page(row_of)
    with pytest.raises(AssertionError, match="not callable"):
        the_default_settings_summarise_a_page(predecessor.Enricher().row)


# -- 7: configuration keys that are read nowhere ----------------------------------------------------------------------


#: Read from run.json, which a merge has and no settings.
FROM_THE_MANIFEST = {"output.order"}


def every_key_is_read(keys, files):
    """Each key's name is asked for as an attribute."""
    read: set[str] = set()
    for file in files:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        read |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    unread = {key for key in keys if key.rpartition(".")[2] not in read}
    assert not unread, f"read nowhere: {sorted(unread)}"


def test_7_every_setting_is_read_outside_the_modules_that_define_and_check_settings():
    """What each short name of `stages:` brings about is shown in tests/stages/test_short_names.py."""
    own = [
        file
        for file in Path(engine.__file__).parent.rglob("*.py")
        if file.parent.name != "settings" or file.name in {"cores.py", "load.py"}
    ]
    every_key_is_read(set(known_keys()) - FROM_THE_MANIFEST, own)
    with pytest.raises(AssertionError, match=r"\['unread_batch_size', 'unread_max_workers'\]"):
        every_key_is_read({one.name for one in fields(predecessor.Config)}, [Path(predecessor.__file__)])


# -- 8: no robots.txt, no delay, no cap on a body, no final URL, no resume --------------------------------------------


async def robots_txt_is_obeyed(crawler):
    web = SlowWeb()
    web.answer("h0.test", "/robots.txt", reply(200, b"User-agent: *\nDisallow: /private\n"))
    rows = await crawler(web).crawl(["http://h0.test/private", "http://h0.test/open"])
    asked = [target for _, _, target in web.written]
    assert "/private" not in asked, "robots.txt forbids what was asked"
    assert rows["http://h0.test/private"]["error_kind"] == K.ROBOTS_DISALLOWED
    assert rows["http://h0.test/open"]["error_kind"] is None


async def a_host_has_a_delay(crawler):
    web = SlowWeb()
    await crawler(web, delay_s=1).crawl([f"http://h0.test/{n}" for n in range(9)])
    gap = min(later - earlier for earlier, later in pairwise(sorted(web.times("h0.test"))))
    assert gap >= 1, f"asked again after {gap} s"


async def a_body_has_a_cap(crawler):
    web = SlowWeb(default=Response(200, body=b"x" * 5000))
    rows = await crawler(web, max_body_bytes=1000).crawl(urls(1))
    assert [row["error_kind"] for row in rows.values()] == [K.BODY_TOO_LARGE], "the whole body was taken"


async def a_row_says_where_its_page_was(crawler):
    web = SlowWeb()
    web.answer("h0.test", "/", redirect("/there"))
    (row,) = (await crawler(web).crawl(urls(1))).values()
    assert row.get("final_url") == "http://h0.test/there", "no final URL"


async def a_killed_run_goes_on_where_it_was(crawler):
    web, later = SlowWeb(), SlowWeb()
    listed = [f"http://h{n}.test/{k}" for n in range(3) for k in range(9)]
    web.slow["h0.test", "/8"] = 60.0
    assert await crawler(web).crawl(listed, for_s=6) == {}
    rows = await crawler(later).crawl(listed)
    again = {(host, at) for _, host, at in web.written} & {(host, at) for _, host, at in later.written}
    assert {at for _, at in again} <= {"/robots.txt", "/8"}, f"{len(again)} asked for once more"
    assert rows.keys() == set(listed)


@pytest.mark.parametrize(
    ("check", "words"),
    [
        (robots_txt_is_obeyed, "robots.txt forbids"),
        (a_host_has_a_delay, "asked again after"),
        (a_body_has_a_cap, "the whole body"),
        (a_row_says_where_its_page_was, "no final URL"),
        (a_killed_run_goes_on_where_it_was, "asked for once more"),
    ],
)
def test_8_robots_delay_cap_final_url_and_a_resume(check, words, shard):
    shows(check, (shard,), predecessor.ReadsOn, words)


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


def what_is_known_of_files_is_in_their_rows(row_of):
    image = row_of(_png(), "image/png")
    assert image["error"] is None
    assert "media" in image, "its size is nowhere in the row"
    assert (image["media"]["width"], image["media"]["height"]) == (3, 2)
    sound = row_of(_wav(), "audio/wav")
    assert (sound["error"], sound["media"]["duration_s"]) == (None, 1.0)


def test_9_what_is_known_of_an_image_and_of_sound_is_in_the_row(row_of):
    what_is_known_of_files_is_in_their_rows(row_of)
    with pytest.raises(AssertionError, match="nowhere in the row"):
        what_is_known_of_files_is_in_their_rows(predecessor.Enricher().row)


# -- 10: the published speed-up compares with a Scrapy that was never run, set to one request a second ----------------


LOCAL = {"guard.allow_networks": ["127.0.0.0/8"], "politeness.delay_s": 0, "politeness.max_per_host": 8,
         "nlp.pipeline": "none", "extract.extractor": "none", "run.shards": 1, "fetch.max_concurrency": 50}  # fmt: skip


def both_sides_ask_for_every_page(measure, listed, web):
    """Each mode is measured once; the server's log says what became of it."""
    for mode in ("async", "scrapy"):
        before = len(politeness.load(web.log))
        measure(mode, listed)
        urlopen(f"http://127.0.0.1:{web.port}/html/999").close()  # once it is answered, all before it are logged
        asked = {entry["path"] for entry in politeness.load(web.log)[before:]}
        missing = [url for url in listed if urlsplit(url).path not in asked]
        assert not missing, f"{mode} asked for {len(listed) - len(missing)} of {len(listed)}"


def both_sides_have_the_same_manners(scrapy_settings):
    ours = load([], {}, LOCAL).settings
    theirs = scrapy_settings(ours)
    assert theirs["DOWNLOAD_DELAY"] == ours.politeness.delay_s, "Scrapy is held to a delay of its own"
    assert theirs["CONCURRENT_REQUESTS"] == ours.fetch.max_concurrency
    assert theirs["CONCURRENT_REQUESTS_PER_DOMAIN"] == ours.politeness.max_per_host


SCRAPY = """
import json, sys
from pathlib import Path
from engine.settings import load
from engine.stages.scrapy_mode.run import run_scrapy
from engine.supervisor.plan import RunRequest

sys.exit(run_scrapy(RunRequest(Path("scrapy"), load([], {}, json.loads(sys.argv[1])), "run", ("urls.jsonl",))))
"""


@pytest.mark.skipif(find_spec("scrapy") is None, reason="needs the extra scrapy")
def test_10_scrapy_really_runs_under_the_same_manners(web, tmp_path):
    from engine.stages.scrapy_mode.mapped import scrapy_settings  # noqa: PLC0415 - needs the extra

    listed = [f"http://127.0.0.1:{web.port}/html/{n}" for n in range(12)]
    (tmp_path / "urls.jsonl").write_text("".join(f"{json.dumps({'url': url})}\n" for url in listed))

    def ours(mode, listed):
        if mode == "async":
            assert engine.run(listed, tmp_path / "async", LOCAL) is engine.ExitCode.COMPLETE
        else:
            command = [sys.executable, "-c", SCRAPY, json.dumps(LOCAL)]
            subprocess.run(command, cwd=tmp_path, check=True)  # noqa: S603 - our own interpreter

    def ask(listed):
        for url in listed:
            urlopen(url).close()  # noqa: S310 - the local web

    both_sides_ask_for_every_page(ours, listed, web)
    both_sides_have_the_same_manners(scrapy_settings)
    with pytest.raises(AssertionError, match="scrapy asked for 0 of 12"):
        both_sides_ask_for_every_page(partial(predecessor.measure, ask), listed, web)
    with pytest.raises(AssertionError, match="a delay of its own"):
        both_sides_have_the_same_manners(predecessor.scrapy_settings)
