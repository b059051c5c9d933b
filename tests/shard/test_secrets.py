"""What is secret, and cookies: to the site that they belong to, on every way of getting there, and to no other."""

from __future__ import annotations

from itertools import pairwise

import orjson
import pytest
from fake_time import run
from multidict import CIMultiDict, CIMultiDictProxy
from shard_rig import PAGE, Shard, SlowWeb, kinds, redirect

from engine.model.outcome import FailureKind
from engine.transport.base import Response
from engine.transport.request_head import request_head


def complete(folder, web, *urls, **settings):
    async def main():
        return await Shard(folder, web, politeness__delay_s=0, **settings).complete(*urls)

    return run(main())


def answer(status=200, *cookies, location=None):
    headers = CIMultiDict([("Content-Type", "text/html"), *(("Set-Cookie", line) for line in cookies)])
    if location is not None:
        headers["Location"] = location
    return Response(status, CIMultiDictProxy(headers), PAGE.body)


def asked(web, name):
    """The value of a field in each request but for robots.txt, by "scheme://host/path"; of several the last."""
    pages = (request for request in web.requests if request.target != "/robots.txt")
    return {f"{each.scheme}://{each.host}{each.target}": dict(each.headers).get(name) for each in pages}


# -- authorisation ----------------------------------------------------------------------------------------------------

RULES = [
    {"match": "a.test", "auth": "Bearer for-a", "headers": {"X-Key": "a"}},
    {"match": "b.test", "auth": "user:for-b", "headers": {"X-Key": "b"}},
]


def test_a_rules_authorisation_is_basic_or_bearer_and_for_its_site(tmp_path):
    web = SlowWeb()
    complete(tmp_path, web, "http://a.test/", "http://b.test/", "http://c.test/", sites=RULES)
    assert asked(web, "Authorization") == {
        "http://a.test/": "Bearer for-a", "http://b.test/": "Basic dXNlcjpmb3ItYg==", "http://c.test/": None,
    }  # fmt: skip


#: The way -> who is told the secrets of a.test, for which the URL was given.
WAYS = {
    ("http://a.test/", "http://a.test/2"): {"http://a.test/", "http://a.test/2"},
    ("http://a.test/", "http://b.test/2"): {"http://a.test/"},
    ("http://a.test/", "http://b.test/2", "http://a.test/3"): {"http://a.test/", "http://a.test/3"},
    ("http://a.test/", "https://a.test/2"): {"http://a.test/", "https://a.test/2"},
    ("https://a.test/", "http://a.test/2"): {"https://a.test/"},
    ("https://a.test/", "http://a.test/2", "https://a.test/3"): {"https://a.test/", "https://a.test/3"},
    ("http://a.test/", "http://a.test.b.test/2"): {"http://a.test/"},
    ("http://a.test/", "http://xa.test/2"): {"http://a.test/"},
    ("http://a.test/", "http://a.test@b.test/2"): {"http://a.test/"},
}


@pytest.mark.parametrize("way", WAYS, ids=" ".join)
def test_no_secret_of_a_site_crosses_to_another_or_to_an_open_line(tmp_path, way):
    web = SlowWeb()
    for place, onward in pairwise(way):
        host, _, path = place.rpartition("//")[2].partition("/")
        web.answer(host, f"/{path}", redirect(onward))
    rows = complete(tmp_path, web, way[0], sites=RULES, fetch__cookies={"sid": "1"}, fetch__headers={"X-Run": "r"})
    assert set(kinds(rows).values()) == {None}
    for field, secret in {"Authorization": "Bearer for-a", "X-Key": "a", "Cookie": "sid=1", "X-Run": "r"}.items():
        told = asked(web, field)
        assert {url for url, value in told.items() if value == secret} == WAYS[way], field
        assert {value for url, value in told.items() if url not in WAYS[way]} <= {None}, field


def test_credentials_in_a_location_are_neither_used_nor_written(tmp_path):
    web = SlowWeb()
    web.answer("a.test", "/", redirect("http://joe:hunter2@a.test/2"))
    web.answer("b.test", "/", redirect("http://joe:hunter2@[nothing"))
    web.answer("c.test", "/", redirect("ftp://joe:hunter2@a.test/"))
    rows = complete(tmp_path, web, *(f"http://{host}.test/" for host in "abc"))
    assert asked(web, "Authorization")["http://a.test/2"] is None
    assert rows["http://a.test/"]["final_url"] == "http://a.test/2"
    assert b"hunter2" not in orjson.dumps(rows)


# -- the jar ----------------------------------------------------------------------------------------------------------


def test_without_a_jar_what_a_site_sets_is_not_kept(tmp_path):
    web = SlowWeb()
    web.answer("a.test", "/", answer(302, "sid=1; Path=/", location="/2"))
    complete(tmp_path, web, "http://a.test/")
    assert set(asked(web, "Cookie").values()) == {None}


def test_with_a_jar_it_goes_back_to_its_site_on_hops_and_later_pages(tmp_path):
    web = SlowWeb()
    web.answer("a.test", "/0", answer(302, "sid=1; Path=/", "own=2", location="http://www.a.test/1"))
    web.answer("www.a.test", "/1", answer(302, "wide=3; Domain=a.test; Path=/", location="http://b.test/2"))
    web.answer("b.test", "/2", answer(302, "b=4; Path=/", "x=5; Domain=a.test", location="http://a.test/3"))
    complete(tmp_path, web, "http://a.test/0", "http://b.test/9", fetch__cookie_jar=True, politeness__max_per_host=1)
    told = asked(web, "Cookie")
    assert told["http://www.a.test/1"] is None
    assert told["http://b.test/2"] is None
    assert set(told["http://a.test/3"].split("; ")) == {"sid=1", "own=2", "wide=3"}


def test_a_page_that_sets_a_cookie_and_leads_back_to_itself_is_no_loop(tmp_path):
    web = SlowWeb()
    web.answer("wall.test", "/", answer(302, "seen=1; Path=/", location="/"), PAGE)
    web.answer("loop.test", "/", answer(302, "seen=1; Path=/", location="/"))
    web.answer("plain.test", "/", redirect("/"))
    urls = [f"http://{name}.test/" for name in ("wall", "loop", "plain")]
    rows = complete(tmp_path, web, *urls, fetch__cookie_jar=True, fetch__max_redirects=4)
    many = FailureKind.TOO_MANY_REDIRECTS
    assert list(kinds(rows).values()) == [None, many, many]
    assert [web.targets(f"{name}.test").count("/") for name in ("wall", "loop", "plain")] == [2, 5, 1]


def test_what_the_site_sets_replaces_what_the_settings_give_and_one_field_has_all(tmp_path):
    web = SlowWeb()
    web.answer("a.test", "/", answer(302, "sid=new; Path=/", location="/2"))
    cookies = {"sid": "old", "lang": "en"}
    complete(tmp_path, web, "http://a.test/", fetch__cookie_jar=True, fetch__cookies=cookies)
    told = asked(web, "Cookie")
    assert told["http://a.test/"] == "sid=old; lang=en"
    assert told["http://a.test/2"] == "sid=new; lang=en"
    request = next(each for each in web.requests if each.target == "/2")
    assert [name for name, _ in request.headers].count("Cookie") == 1


HOSTILE = [
    "a=\x01\x02",
    "b=\udcff\udcfe; Path=/",
    f"c={'x' * 5000}",
    "d=é; Domain=..; Path=/",
    '"=";',
    "\x00",
    "=" * 99,
]
HOSTILE += ["e=1; Path=/\tx", "f\xa0=\x7f; Path=/", "g=1\r\nX-Evil: 1; Path=/", "h=\n; Path=/", "i=\u2028; Path=/"]


def test_hostile_cookies_end_no_page(tmp_path):
    web = SlowWeb()
    web.answer("a.test", "/0", answer(302, *HOSTILE, location="/1"))
    rows = complete(tmp_path, web, "http://a.test/0", fetch__cookie_jar=True)
    assert set(kinds(rows).values()) == {None}
    head = request_head(web.requests[-1])  # what the transport writes, or refuses to
    assert head.count(b"\r\nCookie: ") == 1
    assert b"X-Evil:" not in head
