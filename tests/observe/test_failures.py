from __future__ import annotations

from collections import Counter

import orjson
from hypothesis import given
from hypothesis import strategies as st

from engine.observe.failures import Tally, collect
from engine.observe.report import FailureGroup


def error_line(kind, url, error="it failed"):
    return orjson.dumps({"url": url, "fetch_url": url, "error_kind": kind, "error": error if kind else None}) + b"\n"


def test_failures_are_grouped_by_kind_and_site_commonest_first():
    lines = [
        error_line("http_status", "https://www.a.example/1", "404"),
        error_line("dns_failed", "https://b.example/"),
        error_line(None, "https://a.example/fine"),
        error_line("http_status", "https://shop.a.example:8080/2", "500"),
        error_line("invalid_url", "no url at all"),
    ]
    failures = collect(lines)
    assert failures.exact
    assert failures.by_kind == {"http_status": 2, "dns_failed": 1, "invalid_url": 1}
    assert failures.groups == [
        FailureGroup("http_status", "a.example", 2, "https://www.a.example/1", "404"),
        FailureGroup("dns_failed", "b.example", 1, "https://b.example/", "it failed"),
        FailureGroup("invalid_url", "", 1, "no url at all", "it failed"),
    ]


@given(st.lists(st.integers(0, 20), max_size=200), st.integers(1, 12))
def test_bounded_counts_are_lower_bounds_and_miss_nothing_common(sites, capacity):
    failures = collect((error_line("http_status", f"https://s{site}.example/") for site in sites), capacity)
    true = Counter(f"s{site}.example" for site in sites)
    slack = len(sites) // (capacity + 1)
    counted = {group.site: group.count for group in failures.groups if group.site}
    assert len(counted) <= capacity
    for site, count in true.items():
        assert count - slack <= counted.get(site, 0) <= count
    assert failures.exact == (len(true) <= capacity)
    assert sum(failures.by_kind.values()) == len(sites)
    assert [group.count for group in failures.groups] == sorted(
        (group.count for group in failures.groups), reverse=True
    )


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 9)), max_size=60), st.integers(1, 12))
def test_groups_of_several_are_counted_as_so_many_failures(groups, capacity):
    tally = Tally(capacity)
    true: Counter[str] = Counter()
    for site, count in groups:
        tally.add("http_status", f"s{site}", f"http://s{site}/", count=count)
        true[f"s{site}"] += count
    failures = tally.result()
    slack = true.total() // (capacity + 1)
    counted = {group.site: group.count for group in failures.groups if group.site}
    assert len(counted) <= capacity
    assert all(count - slack <= counted.get(site, 0) <= count for site, count in true.items())
    assert sum(failures.by_kind.values()) == true.total()


def test_a_kind_whose_failures_lie_thin_keeps_an_example():
    failures = collect(
        [error_line("dns_failed", "https://a.example/"), error_line("tls_failed", "https://b.example/")], 1
    )
    assert failures.groups == [
        FailureGroup("dns_failed", "", 1, "https://a.example/", "it failed"),
        FailureGroup("tls_failed", "", 1, "https://b.example/", "it failed"),
    ]
    assert not failures.exact


def test_examples_are_bounded():
    (group,) = collect([error_line("invalid_url", "x" * 100_000, "y" * 100_000)]).groups
    assert len(group.url) + len(group.error) < 2000
