"""Poisoned pages among good ones, answers that fail at random: the short forms of bench/poison and bench/net_faults."""

from __future__ import annotations

import json
from collections import Counter
from urllib.parse import urlsplit

from system.harness import rows
from web import faulty, politeness
from web.poison import POISONS

GOOD = [f"http://good{page % 5}.test/html/{page}" for page in range(25)]

HOSTS = [f"failing{number}.test" for number in range(24)]

#: What a poisoned page may be told as: read, or refused by what reads it.
SAID = {None, "extract_failed", "decode_failed"}


def test_every_page_has_its_row_whatever_its_neighbours_hold(enrich):
    poison = {f"http://{name}.test/poison/{name}/5": name for name in POISONS}
    urls = [url for pair in zip(GOOD, list(poison)[: len(GOOD)], strict=True) for url in pair]
    done = enrich(*enrich.run(enrich.listing([*urls, *poison]), "--shards", "1", run__nlp_processes=1))
    assert done.code == 0, done.err
    assert "started again" not in done.err  # no page ended its process
    found = rows(enrich.out)
    assert found.keys() == {*GOOD, *poison}
    assert [url for url in GOOD if found[url]["error_kind"] or not found[url]["title"]] == []
    assert {name: kind for url, name in poison.items() if (kind := found[url]["error_kind"]) not in SAID} == {}


def test_requests_that_fail_at_random_are_made_again_within_bounds(enrich, web):
    urls = [f"http://{HOSTS[page % len(HOSTS)]}/faulty/250/{page}" for page in range(120)]
    settings = {
        "politeness__delay_s": 0.02, "fetch__timeout_s": 1, "retry__max_attempts": 3, "retry__base_delay_s": 0.2,
        "retry__rate_limit_delay_s": 0.2, "politeness__max_pauses": 50, "breaker__failure_threshold": 50,
        "extract__extractor": "none", "nlp__pipeline": "none",
    }  # fmt: skip
    done = enrich(*enrich.run(enrich.listing(urls), "--shards", "2", **settings))
    assert done.code == 0, done.err
    found = rows(enrich.out)
    assert found.keys() == set(urls)
    asked = [entry for entry in politeness.load(web.log) if entry["host"].startswith("failing")]
    assert faulty.judge(asked, found, attempts=3, base_s=0.2) == []
    assert len(asked) > len(urls) + len(HOSTS)  # some failed
    assert max(politeness.max_in_flight(asked).values()) == 1
    told = json.loads(enrich.refused("status", enrich.out, "--json").out)
    failed = Counter((row["error_kind"], urlsplit(url).hostname) for url, row in found.items() if row["error_kind"])
    assert {(group["kind"], group["site"]): group["count"] for group in told["failures"]} == failed
