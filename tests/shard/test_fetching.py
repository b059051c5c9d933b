"""URLs in a whole shard, on a fake web in fake time: delays, retries, redirects, robots.txt, and hosts given up."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from fake_time import FakeTimeLoop, MillisecondLoop, run
from shard_rig import PAGE, Shard, SlowWeb, kinds, redirect, reply

from engine.model.outcome import FailureKind
from engine.transport.base import Response

K = FailureKind


def complete(folder, web, *urls, loop_factory=FakeTimeLoop, **settings):
    """The rows that a shard makes of these, and nothing held at the end."""

    async def main():
        shard = Shard(folder, web, **settings)
        rows = await shard.complete(*urls)
        assert shard.held == (0,) * 6
        assert web.open_exchanges == 0
        counters = shard.store.counters
        assert counters["known"] == counters.get("done", 0) + counters.get("failed", 0) == len(rows)
        return rows

    return run(main(), loop_factory)


def paths(host, count, scheme="http"):
    return [f"{scheme}://{host}/{n}" for n in range(count)]


def gaps(times):
    return [round(after - before, 6) for before, after in pairwise(sorted(times))]


def test_timers_that_ring_early_or_at_once_leave_nothing_waiting(tmp_path):
    """Delays between the milliseconds: a dispatcher that takes such a timer for one that is still to come hangs."""
    urls = [url for host in "abcde" for url in paths(f"{host}.test", 6)]
    rows = complete(
        tmp_path, SlowWeb(latency_s=0.0103), *urls, loop_factory=MillisecondLoop,
        politeness__delay_s=0.0104, politeness__jitter=0.1,
    )  # fmt: skip
    assert kinds(rows) == dict.fromkeys(urls)


# -- delay and limits -------------------------------------------------------------------------------------------------


def test_between_two_writings_to_a_host_lies_its_delay_whatever_they_are(tmp_path):
    """Pages, robots.txt, redirect hops to and within it, retries."""
    web = SlowWeb()
    web.answer("a.test", "/0", redirect("/moved"))
    web.answer("b.test", "/0", redirect("http://a.test/from-b"))
    web.answer("a.test", "/1", Response(500), PAGE)
    web.answer("a.test", "/2", reply(429, Retry_After="2"), PAGE)
    rows = complete(tmp_path, web, *paths("a.test", 5), *paths("b.test", 2), politeness__max_per_host=4)
    assert set(kinds(rows).values()) == {None}
    assert len(web.times("a.test")) == 10
    assert min(gaps(web.times("a.test"))) >= 1.0
    assert min(gaps(web.times("b.test"))) >= 1.0


def test_a_timer_that_is_due_at_once_may_be_none_as_uvloop_has_it(tmp_path):
    """For less than half a millisecond uvloop gives a plain handle, which knows no time."""
    web = SlowWeb()

    async def main():
        loop = asyncio.get_running_loop()
        call_at, plain = loop.call_at, []

        def sometimes_plain(when, callback, *args, context=None):
            if getattr(callback, "__name__", "") == "_ring" and len(plain) < 5:
                plain.append(loop.call_soon(callback, *args, context=context))
                return plain[-1]
            return call_at(when, callback, *args, context=context)

        loop.call_at = sometimes_plain
        failed = []
        loop.set_exception_handler(lambda _, context: failed.append(context))
        rows = await Shard(tmp_path, web).complete(*paths("a.test", 3), *paths("b.test", 3))
        assert (len(plain), failed) == (5, [])
        return rows

    assert set(kinds(run(main())).values()) == {None}


def test_a_slow_answer_does_not_count_as_delay(tmp_path):
    web = SlowWeb(latency_s=3.0)
    complete(tmp_path, web, *paths("a.test", 3), politeness__delay_s=1, politeness__max_per_host=2)
    robots_txt, *pages = sorted(web.times("a.test"))
    assert pages[0] - robots_txt == pytest.approx(3.0)  # without it nothing may be asked
    assert gaps(pages) == pytest.approx(
        [1.0, 2.0], abs=0.002
    )  # the second at its time, the third when one of two has ended


@pytest.mark.parametrize(("key", "limit"), [("max_per_host", 3), ("max_per_site", 2)])
def test_no_more_requests_at_once_than_a_host_or_a_site_may_have(tmp_path, key, limit):
    web = SlowWeb(latency_s=1.0)
    hosts = ("a.s.test", "b.s.test", "c.s.test")
    at_once = peak_of(web, hosts)
    settings = {"politeness__max_per_host": 0, "politeness__max_per_site": 0} | {f"politeness__{key}": limit}
    complete(tmp_path, web, *(url for host in hosts for url in paths(host, 8)), politeness__delay_s=0, **settings)
    if key == "max_per_site":
        assert at_once() == limit
    else:
        assert max(web.max_in_flight.values()) == limit


def peak_of(web, hosts):
    peak = 0
    before = web.respond

    async def respond(request):
        nonlocal peak
        peak = max(peak, sum(web.in_flight[host] for host in hosts))
        return await before(request)

    web.respond = respond
    return lambda: peak


def test_hosts_at_one_address_share_its_places(tmp_path):
    web = SlowWeb(latency_s=1.0)
    hosts = [f"h{n}.test" for n in range(6)]
    web.addresses = dict.fromkeys(hosts, "192.0.2.1")
    at_once = peak_of(web, hosts)
    rows = complete(
        tmp_path, web, *(url for host in hosts for url in paths(host, 3)), politeness__max_per_ip=2,
        politeness__delay_s=0,
    )  # fmt: skip
    assert len(rows) == 18
    assert at_once() == 2


def test_addresses_without_requests_are_forgotten_and_the_limit_holds_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr("engine.shard.requester.MAX_ADDRESSES", 5)
    web = SlowWeb(latency_s=1.0)
    shared, alone = [f"s{n}.test" for n in range(6)], [f"h{n}.test" for n in range(60)]
    web.addresses = dict.fromkeys(shared, "192.0.2.1") | {host: f"198.51.100.{n}" for n, host in enumerate(alone)}
    at_once = peak_of(web, shared)
    most = 0

    async def main():
        nonlocal most
        shard = Shard(tmp_path, web, politeness__max_per_ip=2, politeness__delay_s=0, aimd__max=10)
        await shard.feed(
            *(url for pair in zip(alone, shared * 10, strict=True) for host in pair for url in paths(host, 2))
        )
        while not shard.finished.is_set():
            most = max(most, len(shard.parts.requester._addresses))
            await asyncio.sleep(0.05)
        await shard.drain()
        return shard.rows()

    assert set(kinds(run(main())).values()) == {None}
    assert at_once() == 2
    assert most <= 5 + 10 + 1  # as many as are in use come on top


def test_a_site_of_many_hosts_none_of_which_has_much_is_fetched_to_the_end(tmp_path):
    web = SlowWeb()
    rows = complete(tmp_path, web, *(f"http://h{n}.s.test/" for n in range(60)), politeness__max_per_site=1)
    assert set(kinds(rows).values()) == {None}


# -- retries ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "asked", "kind"),
    [(404, 1, K.HTTP_STATUS), (403, 1, K.HTTP_STATUS), (500, 3, K.HTTP_STATUS), (429, 3, K.RATE_LIMITED),
     (503, 3, K.RATE_LIMITED), (502, 3, K.HTTP_STATUS), (304, 1, K.HTTP_STATUS)],
)  # fmt: skip
def test_what_is_no_success_is_never_one_and_is_asked_as_often_as_it_deserves(tmp_path, status, asked, kind):
    web = SlowWeb()
    web.answer("a.test", "/", Response(status))
    (row,) = complete(tmp_path, web, "http://a.test/").values()
    assert web.targets("a.test") == ["/robots.txt"] + ["/"] * asked
    assert (row["error_kind"], row["status_code"], row["attempts"]) == (kind, status, asked)


def test_the_slot_is_free_while_a_url_waits_for_its_retry(tmp_path):
    web = SlowWeb()
    web.answer("a.test", "/", Response(500), PAGE)
    rows = complete(
        tmp_path, web, "http://a.test/", *paths("b.test", 20), fetch__max_concurrency=1, retry__base_delay_s=60,
        politeness__delay_s=0,
    )  # fmt: skip
    assert kinds(rows)["http://a.test/"] is None
    first, second = web.times("a.test", robots=False)
    assert second - first >= 60
    assert max(web.times("b.test")) < first + 10


def test_retry_after_holds_for_all_of_the_host_and_is_capped(tmp_path):
    web = SlowWeb()
    web.answer("a.test", "/0", reply(429, Retry_After="100"), PAGE)
    web.answer("b.test", "/0", reply(503, Retry_After="99999"), PAGE)
    complete(tmp_path, web, *paths("a.test", 3), *paths("b.test", 2), politeness__max_retry_after_s=200)
    for host, wait in (("a.test", 100), ("b.test", 200)):
        _, refused, *later = web.times(host)
        assert wait <= min(later) - refused < wait + 2


@pytest.mark.parametrize("said", ["0", "-5", "Sun, 06 Nov 1994 08:49:37 GMT", "soon", ""])
def test_a_retry_after_of_nothing_is_a_pause_all_the_same(tmp_path, said):
    web = SlowWeb()
    web.answer("a.test", "/0", reply(429, Retry_After=said), PAGE)
    web.answer("b.test", "/0", reply(503, Retry_After=said), PAGE)
    urls = [*paths("a.test", 3), *paths("b.test", 3)]
    rows = complete(tmp_path, web, *urls, retry__rate_limit_delay_s=7, politeness__delay_s=0)
    assert set(kinds(rows).values()) == {None}
    for host in ("a.test", "b.test"):
        assert gaps(web.times(host, robots=False))[0] >= 7.0


def test_a_robots_txt_that_says_when_to_come_back_is_asked_for_then(tmp_path):
    web = SlowWeb()
    web.answer("a.test", "/robots.txt", reply(500, Retry_After="90"), Response(404))
    web.answer("b.test", "/robots.txt", reply(429, Retry_After="80"), Response(404))
    rows = complete(tmp_path, web, "http://a.test/", "http://b.test/")
    assert set(kinds(rows).values()) == {None}
    for host, wait in (("a.test", 90), ("b.test", 80)):
        assert wait <= gaps(web.times(host))[0] < wait + 5


def test_a_host_that_only_says_later_is_given_up_and_its_urls_end_in_bulk(tmp_path):
    web = SlowWeb(default=Response(429))
    rows = complete(
        tmp_path, web, *paths("a.test", 40), retry__max_attempts=3, politeness__max_pauses=4,
        politeness__delay_s=0,
    )  # fmt: skip
    assert set(kinds(rows).values()) == {K.RATE_LIMITED}
    assert len(web.times("a.test", robots=False)) == 4


def test_no_connection_attempts_are_made_faster_than_the_delay(tmp_path):
    web = SlowWeb()
    web.fail_connect("a.test", K.CONNECT_REFUSED)
    complete(
        tmp_path, web, *paths("a.test", 4), breaker__failure_threshold=100, retry__max_attempts=2,
        politeness__obey_robots=False,
    )  # fmt: skip
    assert len(web.connects) == 8
    assert min(gaps([at for at, _ in web.connects])) >= 1.0


# -- robots.txt -------------------------------------------------------------------------------------------------------


def robots(web, host, text, status=200):
    web.answer(host, "/robots.txt", Response(status, body=text))


def test_robots_txt_is_fetched_once_however_many_urls_wait_for_it(tmp_path):
    web = SlowWeb()
    web.slow["a.test", "/robots.txt"] = 20.0
    complete(tmp_path, web, *paths("a.test", 30), politeness__max_per_host=8, politeness__delay_s=0)
    assert web.targets("a.test").count("/robots.txt") == 1
    assert web.targets("a.test")[0] == "/robots.txt"


def asked_in_turn(folder, *hosts, **settings):
    """Of hosts with a page each and one request at a time: whose robots.txt ("r") or page ("p") was asked for."""
    folder.mkdir()
    web = SlowWeb()
    rows = complete(
        folder, web, *(f"http://{host}/" for host in hosts), fetch__max_concurrency=1, fetch__max_connecting=1,
        politeness__jitter=0, **settings,
    )  # fmt: skip
    assert set(kinds(rows).values()) == {None}
    return [("r" if request.target == "/robots.txt" else "p") + request.host[0] for request in web.requests]


def test_a_page_goes_right_after_its_robots_txt_where_its_host_is_due_and_shares_nothing(tmp_path):
    alone = asked_in_turn(tmp_path / "1", "a.test", "b.test", "c.test", politeness__delay_s=0)
    assert [a[1] == b[1] for a, b in zip(alone[::2], alone[1::2], strict=True)] == [True] * 3
    of_a_site = asked_in_turn(tmp_path / "2", "a.s.test", "b.s.test", "c.s.test", politeness__delay_s=0)
    with_delay = asked_in_turn(tmp_path / "3", "a.test", "b.test", "c.test", politeness__delay_s=0.5)
    for asked in (of_a_site, with_delay):
        assert [what[0] for what in asked] == ["r"] * 3 + ["p"] * 3


def test_a_url_that_its_robots_txt_refuses_was_not_tried(tmp_path):
    web = SlowWeb()
    robots(web, "a.test", b"User-agent: *\nDisallow: /")
    rows = complete(tmp_path, web, "http://a.test/x", "http://b.test/x", politeness__delay_s=0)
    found = {url: (row["error_kind"], row["attempts"]) for url, row in rows.items()}
    assert found == {"http://a.test/x": (K.ROBOTS_DISALLOWED, 0), "http://b.test/x": (None, 1)}


def test_what_robots_txt_disallows_is_never_asked_for(tmp_path):
    web = SlowWeb()
    robots(web, "a.test", b"User-agent: *\nDisallow: /no")
    rows = complete(tmp_path, web, "http://a.test/no/1", "http://a.test/yes", "http://a.test/no/2")
    assert kinds(rows) == {
        "http://a.test/no/1": K.ROBOTS_DISALLOWED, "http://a.test/yes": None, "http://a.test/no/2": K.ROBOTS_DISALLOWED,
    }  # fmt: skip
    assert web.targets("a.test") == ["/robots.txt", "/yes"]
    assert rows["http://a.test/no/1"]["attempts"] == 0


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_robots_txt_that_answers_4xx_allows_all(tmp_path, status):
    web = SlowWeb()
    robots(web, "a.test", b"User-agent: *\nDisallow: /", status)
    assert kinds(complete(tmp_path, web, "http://a.test/")) == {"http://a.test/": None}


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_robots_txt_that_cannot_be_had_pauses_the_host_and_at_last_disallows_all(tmp_path, status):
    web = SlowWeb()
    robots(web, "a.test", b"", status)
    rows = complete(tmp_path, web, *paths("a.test", 10), politeness__max_pauses=3)
    assert set(kinds(rows).values()) == {K.ROBOTS_DISALLOWED}
    assert web.targets("a.test") == ["/robots.txt"] * 3
    assert min(gaps(web.times("a.test"))) >= 5.0


def test_a_robots_txt_that_comes_back_lets_the_urls_go(tmp_path):
    web = SlowWeb()
    web.answer("a.test", "/robots.txt", Response(500), Response(404))
    assert set(kinds(complete(tmp_path, web, *paths("a.test", 3))).values()) == {None}


@pytest.mark.parametrize(
    ("kind", "asked"), [(K.DNS_NOT_FOUND, 1), (K.TLS_FAILED, 1), (K.CONNECT_TIMEOUT, 3), (K.READ_TIMEOUT, 3)]
)
def test_a_robots_txt_that_cannot_be_reached_fails_all_urls_that_wait_each_attempt_once(tmp_path, kind, asked):
    web = SlowWeb()
    if kind is K.READ_TIMEOUT:
        web.answer("dead.test", "/robots.txt", kind)
    else:
        web.fail_connect("dead.test", kind)
    rows = complete(tmp_path, web, *paths("dead.test", 12), "http://a.test/", politeness__delay_s=0)
    assert kinds(rows) == {**dict.fromkeys(paths("dead.test", 12), kind), "http://a.test/": None}
    assert {row["attempts"] for url, row in rows.items() if "dead" in url} == {asked}
    assert [host for _, host in web.connects].count("dead.test") == asked


def test_a_robots_txt_that_failed_is_asked_for_anew_by_who_was_told_and_after_a_while(tmp_path):
    web = SlowWeb()
    web.fail_connect("a.test", K.CONNECT_REFUSED, K.CONNECT_REFUSED, None)
    rows = complete(tmp_path, web, *paths("a.test", 30))
    assert set(kinds(rows).values()) == {None}
    assert web.targets("a.test").count("/robots.txt") == 1

    async def main():
        shard = Shard(tmp_path, web, retry__max_attempts=1)
        web.fail_connect("b.test", K.CONNECT_REFUSED, None)
        await shard.feed("http://b.test/0", done=False)
        await asyncio.sleep(5)
        await shard.feed("http://b.test/1", done=False)
        await asyncio.sleep(6)
        await shard.feed("http://b.test/2")
        await shard.until_finished()
        await shard.drain()
        return shard.rows()

    found = kinds(run(main()))
    assert [found[url] for url in paths("b.test", 3)] == [K.CONNECT_REFUSED, K.CONNECT_REFUSED, None]


def test_a_host_that_stays_away_is_given_up_after_few_requests_however_many_urls_it_has(tmp_path):
    web = SlowWeb()
    web.fail_connect("dead.test", K.CONNECT_TIMEOUT)
    found = kinds(complete(tmp_path, web, *paths("dead.test", 500)))
    assert set(found.values()) == {K.CONNECT_TIMEOUT, K.CIRCUIT_OPEN}
    assert len(web.connects) <= 10


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Response(404), None),
        (Response(200, body=b"User-agent: *\nDisallow: /"), K.ROBOTS_DISALLOWED),
        (K.TLS_FAILED, K.TLS_FAILED),
    ],
)
def test_redirects_that_wait_for_one_robots_txt_share_what_comes_of_it(tmp_path, answer, kind):
    web = SlowWeb()
    web.slow["z.test", "/robots.txt"] = 5.0
    web.answer("z.test", "/robots.txt", answer)
    for n in range(6):
        web.answer(f"h{n}.test", "/", redirect(f"http://z.test/{n}"))
    rows = complete(tmp_path, web, *(f"http://h{n}.test/" for n in range(6)), politeness__max_per_host=2)
    assert set(kinds(rows).values()) == {kind}
    assert web.targets("z.test").count("/robots.txt") == 1


def test_the_crawl_delay_counts_up_to_its_maximum_and_also_for_a_host_that_had_left_memory(tmp_path):
    web = SlowWeb()
    robots(web, "a.test", b"User-agent: *\nCrawl-delay: 7")
    robots(web, "b.test", b"User-agent: *\nCrawl-delay: 9999")

    async def main():
        shard = Shard(tmp_path, web)
        await shard.feed(*paths("a.test", 2), "http://b.test/", "http://b.test/2", done=False)
        await asyncio.sleep(500)
        assert not shard.parts.residence.hosts
        await shard.feed("http://a.test/5", "http://a.test/6", "http://a.test/7")
        await shard.until_finished()
        await shard.drain()

    run(main())
    assert min(gaps(web.times("a.test"))) >= 7.0
    assert min(gaps(web.times("b.test"))) >= 60.0


def test_a_redirected_robots_txt_is_followed_and_loops_allow_all(tmp_path):
    web = SlowWeb()
    web.answer("a.test", "/robots.txt", redirect("http://b.test/r.txt"))
    web.answer("b.test", "/r.txt", Response(200, body=b"User-agent: *\nDisallow: /no"))
    web.answer("c.test", "/robots.txt", redirect("http://c.test/robots.txt"))
    rows = complete(tmp_path, web, "http://a.test/no", "http://a.test/yes", "http://c.test/")
    assert list(kinds(rows).values()) == [K.ROBOTS_DISALLOWED, None, None]
    assert web.targets("c.test").count("/robots.txt") == 6


def test_origins_of_one_host_have_a_robots_txt_each_and_wait_for_it(tmp_path):
    web = SlowWeb()
    web.slow["a.test", "/robots.txt"] = 10.0
    urls = [*paths("a.test", 5), *paths("a.test", 5, "https"), *paths("a.test:8080", 5)]
    complete(tmp_path, web, *urls, politeness__max_per_host=8, politeness__delay_s=0)
    assert web.targets("a.test").count("/robots.txt") == 3
    assert len(web.written) == 18


# -- redirects --------------------------------------------------------------------------------------------------------


def test_redirects_are_followed_by_their_hosts_rules_and_end_where_they_must(tmp_path):
    web = SlowWeb()
    web.answer("a.test", "/ok", redirect("/1"))
    web.answer("a.test", "/1", redirect("http://b.test/end", 301))
    web.answer("a.test", "/loop", redirect("/loop2"))
    web.answer("a.test", "/loop2", redirect("/loop"))
    web.answer("a.test", "/none", reply(302))
    web.answer("a.test", "/ftp", redirect("ftp://b.test/"))
    web.answer("a.test", "/bad", redirect("http://[nothing"))
    web.answer("a.test", "/refused", redirect("http://b.test/no"))
    for n in range(12):
        web.answer("a.test", f"/long{n}", redirect(f"/long{n + 1}"))
    robots(web, "b.test", b"User-agent: *\nDisallow: /no")
    names = ("ok", "loop", "none", "ftp", "bad", "refused", "long0")
    rows = complete(tmp_path, web, *(f"http://a.test/{name}" for name in names), politeness__delay_s=0)
    assert list(kinds(rows).values()) == [
        None, K.TOO_MANY_REDIRECTS, K.BAD_REDIRECT, K.BAD_REDIRECT, K.BAD_REDIRECT, K.ROBOTS_DISALLOWED,
        K.TOO_MANY_REDIRECTS,
    ]  # fmt: skip
    assert rows["http://a.test/ok"]["final_url"] == "http://b.test/end"
    assert rows["http://a.test/ok"]["attempts"] == 1
    assert web.targets("b.test") == ["/robots.txt", "/end"]
    assert "/long10" in web.targets("a.test")
    assert "/long11" not in web.targets("a.test")


#: A Location as it stands in the header, what it leads to from http://a.test/dir/page; None = bad_redirect.
LOCATIONS = {
    "b": "http://a.test/dir/b", "../b": "http://a.test/b", "?q": "http://a.test/dir/page?q", "//b.test": "http://b.test/",
    "/x#fragment": "http://a.test/x", " \t/x ": "http://a.test/x", "/a b": "http://a.test/a%20b",
    "/\u00e9": "http://a.test/%C3%A9", "/\udce9": "http://a.test/%E9",
    "http://b\u00fccher.test/": "http://xn--bcher-kva.test/", "HTTP://B.TEST:80/": "http://b.test/",
    "\\\\b.test\\x": "http://b.test/x", "https:/b.test/": "https://b.test/", "https://b.test": "https://b.test/",
    "": None, "   ": None, "http://": None, "http://b.test:99999/": None, "http://\udcff.test/": None,
    "http://b.test:x/": None, "mailto:a@b.test": None, "ftp://b.test/": None, "javascript:1": None, "data:,x": None,
    "file:///etc/passwd": None, "http://a b/": None, "//": None,
}  # fmt: skip


@pytest.mark.parametrize("location", LOCATIONS)
def test_a_location_is_read_as_browsers_do(tmp_path, location):
    web = SlowWeb()
    web.answer("a.test", "/dir/page", redirect(location))
    (row,) = complete(tmp_path, web, "http://a.test/dir/page").values()
    leads_to = LOCATIONS[location]
    assert row["error_kind"] == (K.BAD_REDIRECT if leads_to is None else None), row["error"]
    assert row["final_url"] == (leads_to or "http://a.test/dir/page")


def test_a_redirect_to_a_host_whose_robots_txt_fails_leaves_that_hosts_own_urls_going(tmp_path):
    web = SlowWeb()
    web.answer("a.test", "/", redirect("http://b.test/from-a"))
    web.fail_connect("b.test", K.TLS_FAILED, None)
    web.answer("b.test", "/robots.txt", Response(404))
    rows = complete(tmp_path, web, "http://a.test/", *paths("b.test", 4), politeness__delay_s=3)
    assert len(rows) == 5


def test_a_redirect_refused_by_robots_txt_leaves_the_other_hosts_own_urls_going(tmp_path):
    web = SlowWeb()
    robots(web, "b.test", b"User-agent: *\nDisallow: /no")
    web.answer("a.test", "/0", redirect("http://b.test/no"))
    web.answer("a.test", "/1", redirect("http://b.test/no"))
    rows = complete(tmp_path, web, *paths("a.test", 2), *paths("b.test", 3), run__max_active_hosts=1)
    assert list(kinds(rows).values()) == [K.ROBOTS_DISALLOWED] * 2 + [None] * 3


def test_pages_that_all_wait_for_one_host_do_not_hold_the_budget_for_ever(tmp_path):
    """Every page redirects to a host with a delay; the budget is spent on their waiting, and others are due."""
    web = SlowWeb()
    for n in range(40):
        web.answer(f"h{n}.test", "/", redirect(f"http://login.test/{n}"))
    rows = complete(tmp_path, web, *(f"http://h{n}.test/" for n in range(40)), run__max_in_flight_pages=5)
    assert set(kinds(rows).values()) == {None}
    assert min(gaps(web.times("login.test"))) >= 1.0


def test_secrets_go_to_the_site_of_the_url_and_nowhere_else(tmp_path):
    web = SlowWeb()
    web.answer("a.test", "/", redirect("http://www.a.test/1"))
    web.answer("www.a.test", "/1", redirect("http://b.test/2"))
    complete(
        tmp_path, web, "http://user:pw@a.test/", fetch__cookies={"sid": "1"},
        fetch__headers={"Authorization": "Bearer x", "X-Plain": "y"}, sites=[{"match": "b.test", "auth": "b:b"}],
    )  # fmt: skip
    asked = {request.host: dict(request.headers) for request in web.requests if request.target != "/robots.txt"}
    assert asked["a.test"]["Authorization"].startswith("Basic ")
    assert asked["a.test"]["Cookie"] == "sid=1"
    assert asked["www.a.test"]["Authorization"] == "Bearer x"
    assert asked["www.a.test"]["X-Plain"] == "y"
    # Neither what is secret anywhere, nor what a rule entrusts to b.test itself: it is a.test that leads there.
    assert not {"Authorization", "Cookie", "X-Plain"} & asked["b.test"].keys()


# -- breakers, outages, budgets ---------------------------------------------------------------------------------------


def test_a_dead_host_is_probed_at_growing_intervals_and_its_urls_end_in_bulk(tmp_path):
    web = SlowWeb(default=Response(500))
    web.answer("a.test", "/robots.txt", Response(404))
    rows = complete(
        tmp_path, web, *paths("a.test", 100), "http://b.test/robots.txt", politeness__delay_s=0,
        breaker__cooldown_s=100, breaker__max_failed_probes=3, retry__max_attempts=1,
    )  # fmt: skip
    found = kinds(rows)
    found.pop("http://b.test/robots.txt")
    assert sorted(found.values()) == [K.CIRCUIT_OPEN] * 92 + [K.HTTP_STATUS] * 8
    assert [gap for gap in gaps(web.times("a.test")) if gap > 50] == [
        pytest.approx(at, abs=3) for at in (100, 200, 400)
    ]


def test_while_a_probe_is_out_nothing_else_is_asked_of_its_host_however_long_it_takes(tmp_path):
    web = SlowWeb(default=K.BAD_RESPONSE, latency_s=50.0)
    web.slow["a.test", "/robots.txt"] = 0.0
    complete(
        tmp_path, web, *paths("a.test", 30), politeness__delay_s=0, politeness__max_per_host=5,
        breaker__cooldown_s=10, breaker__max_cooldown_s=10, breaker__max_failed_probes=3,
    )  # fmt: skip
    _, *pages = web.times("a.test")
    assert gaps(pages) == pytest.approx([0, 0, 0, 0, 60, 60, 60], abs=1)


def test_a_host_that_recovers_is_fetched_to_the_end(tmp_path):
    web = SlowWeb()
    for n in range(6):
        web.answer("a.test", f"/{n}", Response(500), PAGE)
    rows = complete(tmp_path, web, *paths("a.test", 30), politeness__delay_s=0)
    assert set(kinds(rows).values()) == {None}


def test_our_own_outage_costs_no_url_its_row(tmp_path):
    """The network is gone for two minutes: no attempt is charged, and all go through afterwards."""
    web = SlowWeb()
    hosts = [f"h{n}.test" for n in range(10)]

    async def main():
        shard = Shard(tmp_path, web, retry__max_attempts=1, politeness__delay_s=2)
        await shard.feed(*(url for host in hosts for url in paths(host, 30)))
        await asyncio.sleep(10)
        for host in hosts:
            web.fail_connect(host, K.CONNECT_TIMEOUT)
        await asyncio.sleep(120)
        for host in hosts:
            web.fail_connect(host, None)
        await shard.until_finished()
        await shard.drain()
        return shard.rows()

    found = list(kinds(run(main())).values())
    assert found.count(None) >= 300 - 40  # the first seconds, when nobody can tell yet


@pytest.mark.parametrize("bound", [{"run__max_in_flight_pages": 3}, {"run__max_in_flight_bytes": 3000}])
def test_over_the_budget_nothing_is_begun_until_rows_are_committed(tmp_path, bound):
    web = SlowWeb(default=Response(200, body=b"x" * 1000), latency_s=0.5)
    hosts = [f"h{n}.test" for n in range(30)]
    at_once = peak_of(web, hosts)
    rows = complete(tmp_path, web, *(f"http://{host}/" for host in hosts), **bound)
    assert len(rows) == 30
    if "run__max_in_flight_pages" in bound:
        assert at_once() == 3


@pytest.mark.parametrize("bound", [{"run__max_in_flight_pages": 32}, {"run__max_in_flight_bytes": 40_000}])
def test_a_small_budget_is_given_back_as_soon_as_commits_can(tmp_path, bound):
    """What waits for its commit is held by the budget: pages would come by the budget's size a second."""
    web = SlowWeb(default=Response(200, body=b"x" * 1000), latency_s=0.02)
    complete(
        tmp_path, web, *paths("a.test", 800), politeness__delay_s=0, politeness__max_per_host=8,
        fetch__max_concurrency=8, aimd__initial=8, **bound,
    )  # fmt: skip
    first, *_, last = web.times("a.test", robots=False)
    at_least_s = 800 / 8 * 0.02
    assert last - first < (1.1 if "run__max_in_flight_pages" in bound else 5) * at_least_s


def test_few_hosts_fit_into_memory_and_all_are_fetched_also_with_pauses(tmp_path):
    web = SlowWeb()
    urls = []
    for n in range(30):
        web.answer(f"h{n}.test", "/0", reply(429, Retry_After="50"), PAGE)
        urls += paths(f"h{n}.test", 3)

    async def main():
        shard = Shard(tmp_path, web, run__max_active_hosts=4, politeness__delay_s=15)
        await shard.feed(*urls)
        await shard.until_finished(within_s=3600)
        await shard.drain()
        return shard.rows()

    assert set(kinds(run(main())).values()) == {None}
    assert all(min(gaps(web.times(f"h{n}.test"))) >= 15 for n in range(30))


def test_lines_that_are_no_urls_end_as_such_with_their_line(tmp_path):
    rows = complete(tmp_path, SlowWeb(), "http://a.test/", "no url", "ftp://a.test/", "no url")
    assert kinds(rows) == {"http://a.test/": None, "no url": K.INVALID_URL, "ftp://a.test/": K.REFUSED_SCHEME}
    assert "line 2" in rows["no url"]["error"]


def test_a_fault_of_the_engine_costs_one_row_and_nothing_else(tmp_path):
    web = SlowWeb()
    before = web.respond

    async def respond(request):
        if request.target == "/1":
            raise ZeroDivisionError
        return await before(request)

    web.respond = respond
    rows = complete(tmp_path, web, *paths("a.test", 3), politeness__delay_s=0)
    assert list(kinds(rows).values()) == [None, K.INTERNAL_ERROR, None]
