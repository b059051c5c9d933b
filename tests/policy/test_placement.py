"""Placement is a promise to every run folder that exists."""

from __future__ import annotations

from collections import Counter

from engine.policy.placement import shard_of


def test_a_site_stays_where_earlier_versions_put_it():
    assert [shard_of(site, 7) for site in ("example.com", "münchen.de", "[::1]")] == [2, 1, 1]


def test_sites_spread_evenly():
    counts = Counter(shard_of(f"site{n}.example", 8) for n in range(8000))
    assert set(counts) == set(range(8))
    assert max(counts.values()) < 1.15 * 1000


def test_one_shard_has_everything():
    assert shard_of("example.com", 1) == 0
