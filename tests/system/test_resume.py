"""What is left, and what failed, is taken up again; nothing else is asked for twice."""

from __future__ import annotations

import json

from system.harness import rows
from web import politeness

FETCH_ONLY = {"extract__extractor": "none", "nlp__pipeline": "none"}


def test_retry_replaces_the_failed_rows_of_a_kind(enrich, web):
    urls = [
        "http://mends.test/flaky/1/500/x",
        "http://mends.test/html/1",
        "http://stays.test/status/404",
        "http://missing.test/flaky/1/404/x",
    ]
    listing = enrich.listing(urls)
    run = enrich(*enrich.run(listing, retry__max_attempts=1, **FETCH_ONLY))
    assert run.code == 0, run.err
    assert {url for url, row in rows(enrich.out).items() if row["error_kind"] == "http_status"} == set(urls) - {urls[1]}

    retried = enrich("retry", enrich.out, "--kind", "http_status")

    assert retried.code == 0, retried.err
    found = rows(enrich.out)
    assert {url: row["status_code"] for url, row in found.items()} == dict(zip(urls, (200, 200, 404, 200), strict=True))
    asked = politeness.count(politeness.load(web.log), "/html/1")
    assert asked["mends.test"] == 1
    counts = json.loads((enrich.out / "run.json").read_bytes())["counts"]
    assert (counts["done"], counts["failed"], counts["failed_by_kind"]) == (3, 1, {"http_status": 1})
    assert enrich.refused("verify", enrich.out).code == 0


def test_secrets_must_be_given_again(enrich):
    secret = {"fetch__headers": {"X-Key": "hunter2"}}
    urls = [f"http://slow-300-secret.test/echo?{n}" for n in range(9)]
    running = enrich.start(*enrich.run(enrich.listing(urls), extract__extractor="fast", nlp__pipeline="none", **secret))
    running.until(enrich.committed)
    running.interrupt()
    assert running.ended() == 3, running.err
    assert "hunter2" not in (enrich.out / "run.json").read_text()
    refused = enrich.refused("resume", enrich.out)
    assert (refused.code, "fetch.headers" in refused.line) == (2, True)
    resumed = enrich("resume", enrich.out, environ={"ENRICH_FETCH__HEADERS": '{"X-Key": "hunter2"}'})
    assert resumed.code == 0, resumed.err
    assert all("hunter2" in row["text_content"] for row in rows(enrich.out).values())


def test_redirects_across_shards_obey_the_other_sites_rules(enrich, web):
    """Twenty-four sites over two shards, each leading to the next: some hops cross; each is permitted or refused."""
    names = [f"x{n}.test" for n in range(24)]
    there = [f"http://{after}/html/1" for after in names[1:]] + ["http://robots-deny-x.test/html/1"]
    urls = [f"http://{name}/redirect-to?url={to}" for name, to in zip(names, there, strict=True)]
    done = enrich(*enrich.run(enrich.listing(urls), "--shards", "2", **FETCH_ONLY, politeness__delay_s=0.2))
    assert done.code == 0, done.err
    found = rows(enrich.out)
    assert {row["shard"] for row in found.values()} == {0, 1}
    assert [found[url]["final_url"] for url in urls[:-1]] == there[:-1]
    assert {found[url]["error_kind"] for url in urls[:-1]} == {None}
    assert found[urls[-1]]["error_kind"] == "robots_disallowed"
    log = [entry for entry in politeness.load(web.log) if entry["host"] in names]
    assert politeness.too_early(log, 0.2) == []
    assert set(politeness.count(log, "/robots.txt").values()) == {1}
    assert max(politeness.max_in_flight(log).values()) == 1


def test_config_says_where_a_value_came_from(enrich):
    path = enrich.root / "my.yml"
    path.write_text("fetch: {timeout_s: 7}\npoliteness: {delay_s: 3}\n")
    flags = ("--json", "--config", path, "--set", "politeness.delay_s=4")
    done = enrich("config", *flags, environ={"ENRICH_RETRY__MAX_ATTEMPTS": "9"})
    assert (done.code, done.err) == (0, "")
    found = json.loads(done.out)
    assert found["fetch.timeout_s"] == {"value": 7.0, "origin": str(path)}
    assert found["politeness.delay_s"] == {"value": 4.0, "origin": "--set"}
    assert found["retry.max_attempts"] == {"value": 9, "origin": "environment ENRICH_RETRY__MAX_ATTEMPTS"}
