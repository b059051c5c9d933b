"""A page that ends the shard that fetches it, by a signal that no code of ours can catch, in real processes."""

from __future__ import annotations

import re

from system.harness import rows

GOOD = [f"http://host{n % 6}.test/html/{n}" for n in range(60)]
DEADLY = ["http://host2.test/html/1?deadly"]


def test_one_costs_its_own_row_and_the_restart_bounds_hold(enrich):
    listing = enrich.listing(GOOD[:30] + DEADLY + GOOD[30:])
    done = enrich(
        *enrich.run(listing, run__shards=1, nlp__pipeline="none", extract__extractor="none"),
        environ={"ENGINE_FAULT": "page_came=deadly"},
    )
    assert done.code == 0, done.err
    found = rows(enrich.out)
    assert {url: row["error_kind"] for url, row in found.items()} == {
        **dict.fromkeys(GOOD), **dict.fromkeys(DEADLY, "internal_error")
    }  # fmt: skip
    for url in DEADLY:
        assert "SIGSEGV, twice" in found[url]["error"]
    deaths = len(re.findall("a shard ended and is started again", done.err))
    assert deaths == 2 * len(DEADLY)
    assert enrich.refused("verify", enrich.out).code == 0
