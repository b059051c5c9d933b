"""Runs over one cache (RFC 9111): what is asked again, what is analysed again, and what the second run's rows say."""

from __future__ import annotations

import asyncio

import orjson
import pytest
from fake_time import run
from shard_rig import Shard, SlowWeb, kinds, redirect, reply

from engine.model.outcome import FailureKind
from engine.model.record import Fetched, base_row
from engine.policy.http_date import format_http_date
from engine.policy.placement import shard_of
from engine.settings import load
from engine.shard.caching import THIS_RUN, made_under
from engine.transport.base import Response
from engine.transport.cache import MemoryCache
from engine.transport.cache_disk import DiskCache

K = FailureKind
URL = "http://a.test/page"
BEGAN = 1_700_000_000.0
YEARS_AGO = format_http_date(BEGAN - 3e8)


class Web(SlowWeb):
    """Answers conditions as servers do: 304 where the page's validator is the one that was sent."""

    async def respond(self, request):
        answer = await super().respond(request)
        asked = dict(request.conditions)
        told = answer.headers
        same = asked.get("If-None-Match") == told.get("ETag", "") or (
            "ETag" not in told and asked.get("If-Modified-Since") == told.get("Last-Modified", "")
        )
        return Response(304, told) if same and answer.status == 200 else answer

    def asked(self, target="/page"):
        """The conditions of each request for a page, by their names."""
        return [tuple(name for name, _ in each.conditions) for each in self.requests if each.target == target]


class Pool:
    """Makes rows whose title is the body; what it was given is in `bodies`."""

    def __init__(self):
        self.bodies = []
        self.kind = None
        self.robots = None
        self.idle = True

    def submit(self, header, body, on_row, _on_failed):
        self.bodies.append(body)
        facts = {**header["fetched"], "input": orjson.loads(header["fetched"]["input"] or b"{}")}
        row = base_row(Fetched(**facts), "now") | {"title": body.decode(), "process_duration_ms": 5.0}
        row["error_kind"] = self.kind
        row["metadata"] = {"robots": self.robots} if self.robots else {}
        on_row(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE), self.kind and K(self.kind), 5.0)

    async def until_idle(self):
        """It always is."""


class Runs:
    """Runs one after another over one cache and one web, with the days between them."""

    def __init__(self, folder, cache=None):
        self.folder = folder
        self.web = Web()
        self.cache = cache or MemoryCache()
        self.pool = Pool()
        self.ahead_s = 0.0
        self.count = 0

    def __call__(self, *urls, after_s=0.0, **settings):
        """The rows of one more run, which begins so much later."""
        self.ahead_s += after_s
        self.count += 1
        self.web.requests.clear()
        self.pool.bodies.clear()
        place = self.folder / f"run-{self.count}"
        place.mkdir()

        async def main():
            loop = asyncio.get_running_loop()
            before_s = self.ahead_s - loop.time()
            shard = Shard(place, self.web, cache=self.cache, wall=lambda: BEGAN + before_s + loop.time(), **settings)
            shard.parts.endings._pool = self.pool
            rows = await shard.complete(*urls)
            assert shard.held == (0,) * 6
            self.ahead_s = before_s + loop.time()
            return rows

        return run(main())

    def page(self, body=b"page", status=200, url=URL, **headers):
        host, _, path = url.removeprefix("http://").partition("/")
        self.web.answer(host, f"/{path}", reply(status, body, **headers))


@pytest.fixture
def runs(tmp_path):
    return Runs(tmp_path)


def of_page(row):
    return {name: value for name, value in row.items() if name not in THIS_RUN}


def test_a_fresh_page_is_neither_fetched_nor_analysed_and_its_row_is_the_earlier_one(runs):
    runs.page(Cache_Control="max-age=9000", Content_Type="text/plain")
    (first,) = runs(URL).values()
    assert (first["from_cache"], first["attempts"], runs.web.asked()) == (False, 1, [()])
    (second,) = runs("http://A.TEST:80/page#x", after_s=3600).values()
    assert (runs.web.asked(), runs.pool.bodies) == ([], [])
    assert of_page(second) == of_page(first)
    assert list(second) == list(first)
    assert second["title"] == "page"
    assert (second["url"], second["fetch_url"]) == ("http://A.TEST:80/page#x", URL)
    assert (second["from_cache"], second["attempts"], second["final_url"]) == (True, 0, URL)
    assert second["url_hash"] != first["url_hash"]
    assert (second["fetch_duration_ms"], second["process_duration_ms"]) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("validators", "conditions"),
    [
        ({"ETag": '"1"'}, ("If-None-Match",)),
        ({"ETag": 'W/"1"', "Last_Modified": YEARS_AGO}, ("If-None-Match", "If-Modified-Since")),
        ({"Last_Modified": YEARS_AGO, "Cache_Control": "no-cache"}, ("If-Modified-Since",)),
    ],
)
def test_a_stale_page_is_asked_about_and_unchanged_it_costs_no_analysis(runs, validators, conditions):
    runs.page(**validators)
    (first,) = runs(URL).values()
    (second,) = runs(URL, after_s=1e6).values()
    assert runs.web.asked() == [conditions]
    assert runs.pool.bodies == []
    assert of_page(second) == of_page(first)
    assert (second["from_cache"], second["attempts"], second["status_code"]) == (True, 1, 200)
    assert second["fetch_duration_ms"] > 0


def test_a_304_makes_the_page_fresh_again(runs):
    runs.page(ETag='"1"', Cache_Control="max-age=1000")
    runs(URL)
    runs(URL, after_s=2000)
    assert runs.web.asked() == [("If-None-Match",)]
    runs(URL, after_s=500)
    assert runs.web.asked() == []


def test_a_page_that_has_changed_is_analysed_and_kept_in_place_of_the_old_one(runs):
    runs.page(b"old", ETag='"1"')
    runs(URL)
    runs.page(b"new", ETag='"2"')
    (second,) = runs(URL).values()
    assert (second["title"], second["from_cache"], runs.web.asked()) == ("new", False, [("If-None-Match",)])
    (third,) = runs(URL).values()
    assert (third["title"], third["from_cache"], runs.pool.bodies) == ("new", True, [])


@pytest.mark.parametrize(
    "headers",
    [
        {"Cache_Control": "no-store, max-age=9000", "ETag": '"1"'},
        {"Cache_Control": "private, max-age=9000", "ETag": '"1"'},
        {"Cache_Control": "max-age=9000", "Vary": "*", "ETag": '"1"'},
        {},
    ],
)
def test_what_may_not_be_kept_or_is_of_no_use_is_asked_for_each_time(runs, headers):
    runs.page(**headers)
    for _ in range(2):
        (row,) = runs(URL).values()
        assert (row["from_cache"], runs.web.asked(), runs.pool.bodies) == (False, [()], [b"page"])


def test_what_was_asked_for_with_authorisation_is_kept_only_where_the_server_allows_it(runs):
    runs.page(Cache_Control="max-age=9000")
    for _ in range(2):
        runs("http://user:pw@a.test/page")
        assert runs.web.asked() == [()]
    runs.page(Cache_Control="public, max-age=9000")
    runs("http://user:pw@a.test/page")
    runs("http://user:pw@a.test/page")
    assert runs.web.asked() == []
    runs("http://other:pw@a.test/page")
    assert runs.web.asked() == [()]


def test_vary_tells_variants_apart(runs):
    runs.page(Cache_Control="max-age=9000", Vary="Accept-Language, X-Other")
    runs(URL, fetch__headers={"Accept-Language": "de"})
    runs(URL, fetch__headers={"Accept-Language": "en"})
    assert runs.web.asked() == [()]
    runs(URL, fetch__headers={"Accept-Language": "de", "X-Unnamed": "1"})
    assert runs.web.asked() == []


@pytest.mark.parametrize("status", [404, 410, 500, 503])
def test_errors_are_never_kept(runs, status):
    runs.page(status=status, Cache_Control="max-age=9000", ETag='"1"')
    for _ in range(2):
        (row,) = runs(URL, retry__max_attempts=1).values()
        assert (row["status_code"], row["from_cache"], runs.web.asked()) == (status, False, [()])


@pytest.mark.parametrize(
    ("answer", "forgotten"),
    [
        (reply(404), True),
        (redirect("http://b.test/"), True),
        (reply(200, b"x", Cache_Control="no-store"), True),
        (reply(503), False),
        (reply(429), False),
        (K.CONNECTION_LOST, False),
    ],
)
def test_a_page_is_forgotten_for_an_answer_that_replaces_it_and_not_for_a_failure(runs, answer, forgotten):
    runs.page(ETag='"1"')
    runs(URL)
    runs.web.answer("a.test", "/page", answer)
    (row,) = runs(URL, retry__max_attempts=1).values()
    assert not row["from_cache"]
    runs.page(ETag='"1"')
    (row,) = runs(URL).values()
    assert row["from_cache"] is not forgotten


def test_a_304_that_takes_the_leave_to_keep_away_is_used_once(runs):
    runs.page(ETag='"1"')
    runs(URL)
    runs.page(ETag='"1"', Cache_Control="no-store")
    (row,) = runs(URL).values()
    assert row["from_cache"]
    runs(URL)
    assert runs.web.asked() == [()]


def test_a_304_about_another_page_is_followed_by_a_request_without_conditions(runs):
    runs.page(b"old", ETag='"1"')
    runs(URL)
    runs.web.answer("a.test", "/page", reply(304, ETag='"2"'), reply(200, b"new", ETag='"2"'))
    (row,) = runs(URL).values()
    assert runs.web.asked() == [("If-None-Match",), ()]
    assert (row["title"], row["from_cache"], row["attempts"]) == ("new", False, 1)
    first, second = runs.web.times("a.test", robots=False)[-2:]
    assert second - first >= 1.0  # under a grant of its own


def test_a_304_that_nobody_asked_for_is_an_error(runs):
    runs.web.answer("a.test", "/page", reply(304, ETag='"1"'))
    assert kinds(runs(URL)) == {URL: K.HTTP_STATUS}


def test_each_hop_is_looked_up_by_its_own_url(runs):
    runs.web.answer("b.test", "/", redirect(URL))
    runs.page(Cache_Control="max-age=9000")
    runs(URL)
    (row,) = runs("http://b.test/").values()
    assert runs.web.targets("b.test")[-1] == "/"
    assert runs.web.asked() == []
    assert (row["from_cache"], row["final_url"], row["url"], row["attempts"]) == (True, URL, "http://b.test/", 1)


def test_other_settings_use_the_body_alone_and_keep_their_row_in_turn(runs):
    runs.page(Cache_Control="max-age=9000", ETag='"1"')
    runs(URL)
    (row,) = runs(URL, nlp__top_keywords=3).values()
    assert (runs.web.asked(), runs.pool.bodies) == ([], [b"page"])
    assert (row["from_cache"], row["content_length"], row["attempts"]) == (True, 4, 0)
    runs(URL, nlp__top_keywords=3)
    assert (runs.web.asked(), runs.pool.bodies) == ([], [])
    runs(URL, after_s=1e5, nlp__top_keywords=4)
    assert (runs.web.asked(), runs.pool.bodies) == ([("If-None-Match",)], [b"page"])


@pytest.mark.parametrize("after_s", [0, 1e5])
def test_a_body_that_has_gone_is_fetched(runs, after_s):
    runs.page(Cache_Control="max-age=9000", ETag='"1"')
    runs(URL)
    runs.cache.body = lambda _: None
    (row,) = runs(URL, after_s=after_s, nlp__top_keywords=3).values()
    assert runs.web.asked()[-1] == ()
    assert (row["from_cache"], runs.pool.bodies) == (False, [b"page"])


def test_an_error_row_is_not_kept_but_its_body_is(runs):
    runs.page(Cache_Control="max-age=9000")
    runs.pool.kind = "extract_failed"
    runs(URL)
    runs.pool.kind = None
    (row,) = runs(URL).values()
    assert (row["from_cache"], row["error_kind"], runs.web.asked(), runs.pool.bodies) == (True, None, [], [b"page"])


def test_robots_txt_comes_first(runs):
    runs.page(Cache_Control="max-age=9000")
    runs(URL)
    runs.web.answer("a.test", "/robots.txt", reply(200, b"User-agent: *\nDisallow: /"))
    assert kinds(runs(URL)) == {URL: K.ROBOTS_DISALLOWED}


def test_what_a_304_changes_of_the_page_s_directives_is_seen(runs):
    runs.page(ETag='"1"', X_Robots_Tag="all")
    runs(URL)
    runs.page(ETag='"1"', X_Robots_Tag="noindex")
    (row,) = runs(URL).values()
    assert (row["from_cache"], runs.pool.bodies) == (True, [b"page"])


@pytest.mark.parametrize("failure", [reply(500), reply(503), K.CONNECTION_LOST])
@pytest.mark.parametrize("allowed", [True, False])
def test_a_stale_page_serves_while_its_server_fails_where_it_allowed_that(runs, failure, allowed):
    extra = {"Cache_Control": "max-age=10, stale-if-error=9000"} if allowed else {"Cache_Control": "max-age=10"}
    runs.page(ETag='"1"', **extra)
    runs(URL)
    runs.web.answer("a.test", "/page", failure)
    (row,) = runs(URL, after_s=100, retry__max_attempts=1).values()
    assert row["from_cache"] is allowed
    assert (row["error_kind"] is None) is allowed


def test_a_page_larger_than_this_run_takes_is_as_if_it_were_not_there(runs):
    runs.page(b"x" * 2000, Cache_Control="max-age=9000")
    runs(URL)
    assert kinds(runs(URL, fetch__max_body_bytes=1000)) == {URL: K.BODY_TOO_LARGE}


def test_a_run_that_asks_other_servers_has_a_cache_of_its_own(runs):
    runs.page(b"real", Cache_Control="max-age=9000")
    runs(URL)
    runs.page(b"staged", Cache_Control="max-age=9000")
    for settings in ({"fetch__connect_to": ["a.test::staging.test:8080"]}, {"fetch__verify_tls": False}):
        (row,) = runs(URL, **settings).values()
        assert (row["title"], row["from_cache"]) == ("staged", False)
        (row,) = runs(URL, **settings).values()
        assert (row["title"], row["from_cache"]) == ("staged", True)
    (row,) = runs(URL).values()
    assert (row["title"], row["from_cache"]) == ("real", True)


def test_the_row_of_a_page_that_may_be_used_up_to_a_day_is_made_anew_each_time(runs):
    runs.page(Cache_Control="max-age=9000", X_Robots_Tag="unavailable_after: 2030-01-01")
    runs.pool.robots = ["unavailable_after:2030-01-01"]
    runs(URL)
    (row,) = runs(URL).values()
    assert (row["from_cache"], runs.web.asked(), runs.pool.bodies) == (True, [], [b"page"])


def test_a_users_own_conditions_leave_the_cache_out_of_it(runs):
    runs.page(Cache_Control="max-age=9000")
    runs(URL)
    runs(URL, fetch__headers={"Range": "bytes=0-"})
    assert runs.web.asked() == [()]
    runs(URL, fetch__headers={"Cache-Control": "no-cache"})
    assert runs.web.asked() == [()]


def test_fresh_pages_wait_for_no_delay_and_hold_no_slot(runs):
    urls = [f"http://a.test/{n}" for n in range(50)]
    for url in urls:
        runs.page(url=url, Cache_Control="max-age=9000")
    runs(*urls)
    assert len(runs.web.times("a.test")) == 51
    began = len(runs.web.written)
    rows = runs(*urls, politeness__delay_s=30)
    assert all(row["from_cache"] for row in rows.values())
    assert len(runs.web.written) - began == 1  # its robots.txt


def test_rows_without_a_pool_come_from_the_cache_too(runs):
    runs.pool = None
    runs.web.answer("a.test", "/page", reply(200, b"page", ETag='"1"', X_Robots_Tag="noarchive"))

    def once(folder):
        folder.mkdir()

        async def main():
            shard = Shard(folder, runs.web, cache=runs.cache)
            return await shard.complete(URL)

        return run(main())[URL]

    first, second = once(runs.folder / "1"), once(runs.folder / "2")
    assert (first["from_cache"], second["from_cache"]) == (False, True)
    assert first["metadata"] == {"robots": ["noarchive"]}
    assert of_page(second) == of_page(first)


def test_a_permit_for_a_fresh_page_is_given_back(tmp_path):
    here, there = (next(name for n in range(99) if shard_of(name := f"s{n}.test", 2) == k) for k in (0, 1))
    web, cache = Web(), MemoryCache()
    web.answer(here, "/", redirect(f"http://{there}/x"))
    web.answer(there, "/x", reply(200, b"page", Cache_Control="max-age=9000"))

    def once(folder):
        folder.mkdir()

        async def main():
            shards = []

            def relay(sender, header):
                told = {key: value for key, value in header.items() if key != "type"} | {"from": sender}
                loop = asyncio.get_running_loop()
                loop.call_later(0.01, lambda: shards[header["to"]].tell(header["type"], **told))

            shards += [Shard(folder, web, shard=k, shards=2, relay=relay, cache=cache) for k in (0, 1)]
            await shards[0].feed(f"http://{here}/")
            await shards[1].feed(f"http://{there}/own")
            for shard in shards:
                await shard.until_finished()
            await asyncio.sleep(1)
            assert not shards[1].parts.hops._given
            assert [shard.held for shard in shards] == [(0,) * 6] * 2
            for shard in shards:
                await shard.drain()
            return shards[0].rows()

        return run(main())

    once(tmp_path / "1")
    (row,) = once(tmp_path / "2").values()
    assert (row["from_cache"], web.targets(there).count("/x")) == (True, 1)


def test_it_works_on_disk_and_what_was_committed_outlives_a_kill(tmp_path):
    web = Web()
    for n in range(5):
        web.answer("a.test", f"/{n}", reply(200, b"page", ETag=f'"{n}"'))
    urls = [f"http://a.test/{n}" for n in range(5)]

    async def killed():
        cache = DiskCache(tmp_path / "cache", 1 << 20)
        shard = Shard(tmp_path, web, cache=cache)
        await shard.feed(*urls)
        await asyncio.sleep(3.5)
        await shard.kill()
        cache._db.close()  # as a kill would: nothing is flushed

    run(killed())
    fetched = len(web.times("a.test", robots=False))
    assert 0 < fetched < 5
    cache = DiskCache(tmp_path / "cache", 1 << 20)
    later = tmp_path / "later"
    later.mkdir()

    async def main():
        return await Shard(later, web, cache=cache).complete(*urls)

    rows = run(main())
    cache.close()
    assert [row["from_cache"] for row in rows.values()].count(True) in (fetched - 1, fetched)


def test_what_a_row_depends_on_and_nothing_else_is_in_the_hash():
    def of(**flags):
        return made_under(load([], {}, {key.replace("__", "."): value for key, value in flags.items()}).settings)

    base = of()
    for same in ({"input__limit": 3}, {"fetch__timeout_s": 3}, {"nlp__timeout_s": 3}, {"output__compression": "gz"}):
        assert of(**same) == base
    for other in (
        {"extract__max_text_length": 3},
        {"nlp__pipeline": "rules"},
        {"politeness__obey_page_directives": True},
    ):
        assert of(**other) != base
