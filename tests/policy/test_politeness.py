"""Gaps are never shortened, pauses are counted once, the most specific site rule wins."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.policy.politeness import Pause, SiteRules, effective_delay, next_due, share

seconds = st.floats(0, 1e6)


@pytest.mark.parametrize(
    ("delay", "crawl_delay", "most", "expected"),
    [(1, None, 60, 1), (1, 5, 60, 5), (1, 500, 60, 60), (90, 500, 60, 90), (2, 0, 60, 2), (1, 500, 0, 500)],
)
def test_the_longer_delay_counts_and_crawl_delay_is_bounded(delay, crawl_delay, most, expected):
    assert effective_delay(delay, crawl_delay, most) == expected


@given(seconds, seconds, st.floats(0, 1), st.floats(0, 1, exclude_max=True))
def test_jitter_only_adds(written_at, delay_s, jitter, u):
    assert written_at + delay_s <= next_due(written_at, delay_s, jitter, u) <= written_at + delay_s * (1 + jitter)


@pytest.mark.parametrize(("n", "shards", "expected"), [(8, 3, 2), (2, 3, 1), (0, 3, 0), (1000, 1, 1000)])
def test_a_shard_has_its_share_of_a_limit(n, shards, expected):
    assert share(n, shards) == expected


def test_answers_of_requests_in_flight_together_are_one_pause():
    pause = Pause()
    for now in (10.0, 10.1, 10.2):
        pause.pause(now, 5, sent_at=9.0)
    assert (pause.count, pause.until) == (1, 15.2)


def test_a_slow_answer_from_before_the_pause_does_not_count_after_it():
    pause = Pause()
    pause.pause(10, 5, sent_at=9)
    pause.pause(20, 5, sent_at=8)
    assert (pause.count, pause.until) == (1, 25)


def test_pauses_of_no_length_count_each():
    pause = Pause()
    for now in (1.0, 1.0, 1.0):
        pause.pause(now, 0, sent_at=now)
    assert pause.count == 3


def test_a_longer_demand_within_a_pause_is_respected_and_a_shorter_one_shortens_nothing():
    pause = Pause()
    pause.pause(0, 100)
    pause.pause(1, 5)
    assert pause.until == 100
    pause.pause(2, 300)
    assert (pause.count, pause.until) == (1, 302)


def test_a_host_is_given_up_after_so_many_pauses_without_a_success():
    pause = Pause()
    for n in range(5):
        assert not pause.exhausted(5)
        pause.pause(n * 10.0, 5)
    assert pause.exhausted(5)
    assert not pause.exhausted(0)
    pause.success(sent_at=39)  # sent before the last pause began
    assert pause.exhausted(5)
    pause.success(sent_at=46)
    assert not pause.exhausted(5)


def test_a_pause_outlives_its_process_and_its_clock():
    pause = Pause()
    pause.pause(1000, 60)
    restored = Pause.restore(pause.snapshot(1020), 3)
    assert (restored.count, restored.until) == (1, 43)
    assert Pause.restore((2, 0.0), 3).until == -inf


RULES = SiteRules(
    [
        ("*", "any"),
        ("*.example.com", "suffix"),
        ("*.shop.example.com", "longer suffix"),
        ("www.shop.example.com", "exact"),
        ("EXAMPLE.org.", "written oddly"),
        ("*.München.de", "umlaut"),
        ("a.example.net", "earlier"),
        ("a.example.net", "later"),
    ]
)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("example.com", "suffix"),
        ("www.example.com", "suffix"),
        ("badexample.com", "any"),
        ("shop.example.com", "longer suffix"),
        ("www.shop.example.com", "exact"),
        ("x.www.shop.example.com", "longer suffix"),
        ("example.org", "written oddly"),
        ("www.example.org", "any"),
        ("xn--mnchen-3ya.de", "umlaut"),
        ("a.example.net", "later"),
        ("[::1]", "any"),
        ("www.example.com.", "suffix"),
    ],
)
def test_the_most_specific_rule_wins(host, expected):
    assert RULES.lookup(host) == expected


def test_no_rule_is_none():
    assert SiteRules([]).lookup("example.com") is None
    assert SiteRules([("*.example.com", 1)]).lookup("example.org") is None
    assert SiteRules([("www.example.com", 1)]).lookup("example.com") is None
