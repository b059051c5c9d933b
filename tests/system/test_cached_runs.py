"""A second run over pages that have not changed, and pages that say what may be made of them."""

from __future__ import annotations

from collections import Counter

from system.harness import lines, rows

#: What belongs to each run, and what a run without any fetch leaves at its start.
OF_A_RUN = ("attempts", "fetch_duration_ms", "process_duration_ms", "enriched_at", "shard", "from_cache")

PATHS = [
    *(f"/etag/{n}" for n in range(3)),
    "/modified/3",
    *(f"/fresh/{n}/3600" for n in (4, 5)),
    "/no-store/6",
    "/private/7",
    "/vary/Accept-Language/8",
    "/html/9",
    "/status/404",
    "/redirect-to?url=/fresh/5/3600",
]


#: A pipeline that is sooner loaded than the default.
RULES = {"nlp__pipeline": "rules"}


def asked(web, host, after=0):
    """How often each path of a host was answered, and how: from the server's own log."""
    found = [entry for entry in lines(web.log)[after:] if entry["host"].split(":")[0] == host]
    return Counter((entry["path"], entry["status"]) for entry in found if entry["path"] != "/robots.txt")


def second(enrich, name):
    enrich.out = enrich.root / name


def test_a_second_run_fetches_and_analyses_only_what_may_have_changed(enrich, web):
    listing = enrich.listing(f"http://kept.test{path}" for path in PATHS)
    cache = {"cache__enabled": True, "cache__dir": str(enrich.root / "cache"), **RULES}
    assert enrich(*enrich.run(listing, **cache)).code == 0
    first = rows(enrich.out)
    assert not any(row["from_cache"] for row in first.values() if "redirect" not in row["url"])

    seen = len(lines(web.log))
    second(enrich, "second")
    assert enrich(*enrich.run(listing, **cache)).code == 0
    later = rows(enrich.out)
    assert asked(web, "kept.test", seen) == {
        **{(f"/etag/{n}", 304): 1 for n in range(3)},
        ("/modified/3", 304): 1,
        ("/no-store/6", 200): 1,
        ("/private/7", 200): 1,
        ("/html/9", 200): 1,
        ("/status/404", 404): 1,
        ("/redirect-to?url=/fresh/5/3600", 302): 1,
    }
    fetched = {row["url"].removeprefix("http://kept.test") for row in later.values() if not row["from_cache"]}
    assert fetched == {"/no-store/6", "/private/7", "/html/9", "/status/404"}
    for url, row in later.items():
        assert {key: row[key] for key in row if key not in OF_A_RUN} == {
            key: first[url][key] for key in row if key not in OF_A_RUN
        }
    assert later["http://kept.test/fresh/4/3600"]["attempts"] == 0
    assert later["http://kept.test/etag/1"]["attempts"] == 1

    # Other settings: the bodies of before, analysed anew.
    seen = len(lines(web.log))
    second(enrich, "third")
    assert enrich(*enrich.run(listing, **cache, nlp__top_keywords=2)).code == 0
    third = rows(enrich.out)["http://kept.test/fresh/4/3600"]
    assert ("/fresh/4/3600", 200) not in asked(web, "kept.test", seen)
    assert (third["from_cache"], len(third["keywords"])) == (True, 2)
    assert third["text_content"] == first[third["url"]]["text_content"]


def test_a_cache_that_cannot_be_used_is_refused_before_anything_is_done(enrich):
    listing = enrich.listing(["http://kept.test/html/1"])
    (enrich.root / "file").write_text("")
    done = enrich.refused(*enrich.run(listing, cache__enabled=True, cache__dir=str(enrich.root / "file")))
    assert (done.code, "cache.dir" in done.line) == (2, True)
    assert not enrich.out.exists()


def test_what_pages_say_of_their_use_is_obeyed_where_that_is_asked_for(enrich):
    """That it is noted in any case, and in what forms it may be said: tests/nlp/test_own_use.py."""
    urls = [
        "http://said.test/robots-tag/noindex",
        "http://said.test/robots-meta/nosnippet",
        "http://said.test/robots-tag/otherbot:%20noindex",
        "http://said.test/html/0",
    ]
    listing = enrich.listing(urls)
    assert enrich(*enrich.run(listing, **RULES, politeness__obey_page_directives=True)).code == 0
    noindex, nosnippet, other, plain = (rows(enrich.out)[url] for url in urls)
    assert (noindex["status_code"], noindex["error_kind"], noindex["metadata"]) == (200, None, {"robots": ["noindex"]})
    made = ("title", "text_content", "word_count", "entities", "keywords", "content_summary", "media")
    assert not any(noindex[name] for name in made)
    assert (nosnippet["content_summary"], nosnippet["metadata"]["robots"]) == ("", ["nosnippet"])
    assert not {"robots"} & {*plain["metadata"], *other["metadata"]}
    assert nosnippet["text_content"] == other["text_content"] == plain["text_content"] != ""
    assert plain["content_summary"]
