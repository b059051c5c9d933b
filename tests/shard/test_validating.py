"""Validation in a whole shard, on a fake web in fake time: what is asked, at whose turn, and what is settled by it."""

from __future__ import annotations

from itertools import pairwise

from fake_time import run
from shard_rig import Shard, SlowWeb, kinds, redirect, reply

from engine.model.outcome import FailureKind
from engine.transport.base import Response

K = FailureKind
HTML = {"Content_Type": "text/html"}


class Heads(SlowWeb):
    """HEAD is answered by `heads` where a host is in it, else as GET is."""

    def __init__(self, **heads):
        super().__init__(default=reply(200, b"x" * 100, **HTML))
        self.heads = heads

    async def respond(self, request):
        found = await super().respond(request)
        answer = self.heads.get(request.host.partition(".")[0]) if request.method == "HEAD" else None
        return answer or (reply(found.status, b"", **HTML) if request.method == "HEAD" else found)

    def asked(self, host):
        told = [
            (one.method, dict(one.conditions).get("Range"), one.target) for one in self.requests if one.host == host
        ]
        return [(method, bounds) for method, bounds, target in told if target != "/robots.txt"]


def complete(folder, web, *urls, **settings):
    async def main():
        shard = Shard(folder, web, run__stage="validation", validation__probe_bytes=50, **settings)
        rows = await shard.complete(*urls)
        assert shard.held == (0,) * 6
        return rows

    return run(main())


def test_a_good_head_is_all_that_is_asked(tmp_path):
    web = Heads()
    rows = complete(tmp_path, web, "http://a.test/1", "http://a.test/2")
    assert web.asked("a.test") == [("HEAD", None)] * 2
    assert {(row["is_valid"], row["validation_method"]) for row in rows.values()} == {(True, "HEAD")}
    assert {dict(one.headers)["Accept-Encoding"] for one in web.requests if one.method == "HEAD"} == {"identity"}


def test_a_refused_head_is_followed_by_a_get_at_the_hosts_next_turn_and_is_not_tried_again(tmp_path):
    web = Heads(a=Response(501))
    rows = complete(tmp_path, web, *(f"http://a.test/{n}" for n in range(4)), politeness__delay_s=2)
    ranged = ("GET", "bytes=0-49")
    assert web.asked("a.test") == [("HEAD", None), *[ranged] * 4]
    assert min(after - before for before, after in pairwise(web.times("a.test"))) >= 2
    assert {row["validation_method"] for row in rows.values()} == {"GET (range)"}
    assert {row["attempts"] for row in rows.values()} == {1}


def test_a_page_that_is_gone_is_told_by_get_and_head_goes_on_being_asked(tmp_path):
    web = Heads(a=Response(404))
    web.answer("a.test", "/gone", Response(404))
    rows = complete(tmp_path, web, "http://a.test/gone", "http://a.test/there")
    assert [method for method, _ in web.asked("a.test")] == ["HEAD", "GET", "HEAD", "GET"]
    assert kinds(rows) == {"http://a.test/gone": K.HTTP_STATUS, "http://a.test/there": None}


def test_robots_txt_redirects_and_retries_hold_as_for_pages(tmp_path):
    web = Heads()
    web.answer("a.test", "/robots.txt", reply(200, b"User-agent: *\nDisallow: /no\n"))
    web.answer("c.test", "/", Response(503), Response(503), reply(200, **HTML))
    web.heads = {"b": redirect("http://d.test/there")}
    rows = complete(tmp_path, web, "http://a.test/no", "http://b.test/", "http://c.test/")
    assert kinds(rows)["http://a.test/no"] is K.ROBOTS_DISALLOWED
    moved = rows["http://b.test/"]
    assert (moved["is_valid"], moved["final_url"]) == (True, "http://d.test/there")
    assert moved["redirect_chain"] == [{"url": "http://b.test/", "status": 302}]
    assert (rows["http://c.test/"]["is_valid"], rows["http://c.test/"]["attempts"]) == (True, 3)


def test_what_does_not_fit_is_not_valid(tmp_path):
    web = Heads(a=reply(200, Content_Type="text/html; charset=x", Content_Length="900"))
    settings = {"validation__content_types": ["text/html"], "validation__max_content_length": 500}
    rows = complete(tmp_path, web, "http://a.test/", "http://b.test/", **settings)
    assert rows["http://a.test/"]["error_kind"] == K.BODY_TOO_LARGE
    assert (rows["http://a.test/"]["content_length"], rows["http://a.test/"]["content_type"]) == (900, "text/html")
    assert rows["http://b.test/"]["is_valid"]
    (tmp_path / "x").mkdir()
    others = complete(tmp_path / "x", web, "http://b.test/", validation__content_types=["image/*"])
    assert others["http://b.test/"]["error_kind"] == K.UNSUPPORTED_CONTENT
