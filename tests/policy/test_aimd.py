"""The two limits, step by step; test_aimd_simulation shows what they do together with servers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.policy.aimd import FIRST_DELAY_S, LONGEST_DELAY_S, AimdRules, HostLimit, HostRules, ShardLimit
from engine.policy.verdict import Signal

SUCCESS, IGNORE, DROP = Signal.SUCCESS, Signal.IGNORE, Signal.DROP


class Shard:
    """A shard limit fed with outcomes of distinct hosts, the limit being in full use."""

    def __init__(self, **rules):
        self.limit = ShardLimit(AimdRules(**rules), 0.0)
        self.host = 0

    def feed(  # noqa: PLR0913 -- the facts of an outcome, each with a default
        self, signal, times=1, *, now=0.0, sent_at=None, answered=True, in_flight=None, host=None
    ):
        for _ in range(times):
            self.host += 1
            self.limit.on_outcome(
                self.host if host is None else host,
                signal,
                answered,
                now if sent_at is None else sent_at,
                now,
                self.limit.limit if in_flight is None else in_flight,
            )

    @property
    def n(self):
        return self.limit.limit


def test_slow_start_adds_one_a_success_until_the_first_drop():
    shard = Shard(initial=10, max=200)
    shard.feed(SUCCESS, 30)
    assert shard.n == 40
    shard.feed(DROP)
    shard.feed(SUCCESS, 30)
    assert shard.n == 40


def test_slow_start_ends_at_the_load_that_brought_the_first_drop():
    shard = Shard(initial=10, max=200)
    shard.feed(SUCCESS, 40)
    shard.feed(DROP, in_flight=41)
    assert shard.n == 41
    shard.feed(DROP, in_flight=5)  # only the first one ends it
    assert shard.n == 41


def test_without_slow_start_it_rises_by_interval_only():
    shard = Shard(initial=10, slow_start=False)
    shard.feed(SUCCESS, 30)
    assert shard.n == 10
    shard.limit.tick(5.0, 10)
    assert shard.n == 12


def test_it_starts_within_its_bounds():
    assert Shard(initial=10, max=4).n == 4
    assert Shard(initial=1, min=2).n == 2
    assert Shard(initial=10, min=8, max=4).n == 4


def test_it_rises_each_interval_at_the_target_and_not_below():
    shard = Shard(initial=10, slow_start=False, interval_s=5, increase=2)
    shard.feed(DROP)
    shard.feed(SUCCESS, 18)
    shard.limit.tick(4.9, 10)
    shard.limit.tick(5.0, 10)
    assert shard.n == 10  # 18 of 19: below 95 %
    shard.feed(SUCCESS)
    shard.limit.tick(9.9, 10)
    assert shard.n == 10
    shard.limit.tick(10.0, 10)
    assert shard.n == 12  # 19 of 20 is 95 %
    assert "95.0 %" in shard.limit.cause.replace("95.0%", "95.0 %")


@pytest.mark.parametrize("slow_start", [True, False])
def test_it_does_not_rise_while_less_than_half_is_used(slow_start):
    shard = Shard(initial=10, slow_start=slow_start)
    shard.feed(SUCCESS, 50, in_flight=4)
    shard.limit.tick(5.0, 4)
    assert shard.n == 10


def test_a_short_lull_at_the_tick_does_not_hide_that_it_was_used():
    shard = Shard(initial=10, slow_start=False)
    shard.feed(SUCCESS, 5, in_flight=10)
    shard.limit.tick(5.0, 1)
    assert shard.n == 12


def test_no_rise_without_evidence():
    shard = Shard(initial=10, slow_start=False)
    shard.limit.tick(5.0, 10)
    shard.feed(IGNORE, 50)
    shard.limit.tick(10.0, 10)
    assert shard.n == 10


def test_it_falls_at_once_when_the_rate_is_below_the_target():
    shard = Shard(initial=100, slow_start=False)
    shard.feed(SUCCESS, 30, now=1)
    shard.feed(DROP, 7, now=1)
    assert shard.n == 100  # of 37 seven may be chance
    shard.feed(DROP, now=1)
    assert shard.n == 50
    assert "drops" in shard.limit.cause


def test_a_target_of_all_forgives_none_and_a_target_of_nothing_all():
    strict, lax = (Shard(initial=100, slow_start=False, target_success=target) for target in (1.0, 0.0))
    for shard in (strict, lax):
        shard.feed(SUCCESS, 30)
        shard.feed(DROP)
    assert strict.n == 50
    lax.feed(DROP, 100)
    assert lax.n == 100


def test_the_rate_is_not_looked_at_before_twenty_outcomes():
    shard = Shard(initial=100, slow_start=False)
    shard.feed(DROP, 19)
    assert shard.n == 100
    shard.feed(DROP)
    assert shard.n == 50


def test_outcomes_of_requests_sent_before_a_decrease_do_not_count_for_the_next():
    shard = Shard(initial=100, slow_start=False)
    shard.feed(DROP, 20, now=10, sent_at=9)
    shard.feed(DROP, 80, now=11, sent_at=9.9)
    assert shard.n == 50
    shard.feed(DROP, 20, now=12, sent_at=10.1)
    assert shard.n == 25


def test_it_never_falls_below_its_minimum():
    shard = Shard(initial=10, min=3)
    for now in range(10):
        shard.feed(DROP, 20, now=now)
    assert shard.n == 3


def test_hosts_that_never_answered_have_no_vote():
    shard = Shard(initial=10, max=50)
    for _ in range(100):
        shard.feed(SUCCESS)
        shard.feed(DROP, 3, answered=False)
    assert shard.n == 50


def test_one_host_is_one_vote():
    shard = Shard(initial=100, slow_start=False)
    shard.feed(SUCCESS, 30)
    shard.feed(DROP, 60, host=-1)
    assert shard.n == 100


def test_our_own_bound_holds_and_gives_way():
    shard = Shard(initial=40, slow_start=False)
    shard.limit.cap(8, "the loop lags")
    assert shard.n == 8
    assert shard.limit.cause == "capped: the loop lags"
    shard.feed(SUCCESS, 5)
    shard.limit.tick(5.0, 8)
    assert shard.n == 8
    shard.limit.cap(None, "")
    assert shard.n == 40  # and it did not rise meanwhile
    assert shard.limit.cause == "initial"


def test_drops_under_our_own_bound_halve_what_was_in_force():
    shard = Shard(initial=100, slow_start=False)
    shard.limit.cap(20, "few file descriptors")
    shard.feed(DROP, 20)
    shard.limit.cap(None, "")
    assert shard.n == 10


def test_our_own_bound_leaves_one():
    shard = Shard(min=2)
    shard.limit.cap(0, "no file descriptors")
    assert shard.n == 1


steps = st.lists(
    st.tuples(
        st.sampled_from(Signal), st.booleans(), st.integers(0, 5), st.floats(0, 3), st.floats(0, 5), st.integers(0, 60)
    ),
    max_size=200,
)


@given(
    st.builds(
        AimdRules,
        initial=st.integers(1, 60),
        min=st.integers(1, 20),
        max=st.integers(20, 60),
        slow_start=st.booleans(),
        window=st.integers(1, 40),
    ),
    steps,
)
def test_the_limit_stays_in_its_bounds_and_changes_only_as_the_law_allows(rules, steps):
    limit, now = ShardLimit(rules, 0.0), 0.0
    for signal, answered, host, later, ago, in_flight in steps:
        now += later
        before = limit.limit
        limit.on_outcome(host, signal, answered, now - ago, now, in_flight)
        assert limit.limit <= before + 1
        if limit.limit > before:
            assert signal is SUCCESS
            assert 2 * in_flight >= before
        if limit.limit < before:
            assert signal is DROP
            assert answered
        middle = limit.limit
        limit.tick(now, in_flight)
        assert middle <= limit.limit <= middle + rules.increase
        assert min(rules.min, rules.max) <= limit.limit <= rules.max


def feed_host(limit, signal, times=1, *, now=0.0, in_flight=1):
    for _ in range(times):
        limit.on_outcome(signal, now, now, in_flight)


def test_a_host_starts_at_its_maximum_and_halves_what_was_in_flight():
    limit = HostLimit(HostRules(max_per_host=20), 1.0)
    assert limit.limit == 20
    feed_host(limit, DROP, in_flight=12)
    assert (limit.limit, limit.delay_s) == (6, 1.0)


def test_a_host_without_a_bound_falls_from_what_was_in_flight():
    limit = HostLimit(HostRules(max_per_host=0), 0.0)
    feed_host(limit, DROP, in_flight=64)
    assert limit.limit == 32


def test_a_drop_at_one_doubles_the_delay_up_to_the_maximum_and_clean_windows_halve_it_back():
    limit = HostLimit(HostRules(max_per_host=1, max_delay_s=6, window=5), 1.0)
    seen = []
    for now in range(5):
        feed_host(limit, DROP, now=now)
        seen.append(limit.delay_s)
    assert seen == [2, 4, 6, 6, 6]
    for _ in range(3):
        feed_host(limit, SUCCESS, 4, now=9)
        before = limit.delay_s
        feed_host(limit, SUCCESS, now=9)
        seen.append((before, limit.delay_s))
    assert seen[5:] == [(6, 4), (4, 2), (2, 1)]
    feed_host(limit, SUCCESS, 50, now=9)
    assert (limit.limit, limit.delay_s) == (1, 1.0)


def test_a_window_with_a_drop_in_it_is_not_clean():
    limit = HostLimit(HostRules(window=5), 1.0)
    feed_host(limit, DROP, 3)
    for _ in range(20):
        feed_host(limit, SUCCESS, 4)
        feed_host(limit, DROP)
    assert limit.delay_s == 60


def test_a_clean_window_of_a_wide_limit_is_twice_the_limit():
    limit = HostLimit(HostRules(max_per_host=20, window=5), 0.0)
    feed_host(limit, DROP, in_flight=20)
    feed_host(limit, SUCCESS, 19, in_flight=10)
    assert limit.limit == 10
    feed_host(limit, SUCCESS, in_flight=10)
    assert limit.limit == 11


def test_requests_sent_before_a_drop_do_not_count_again():
    limit = HostLimit(HostRules(max_per_host=16), 1.0)
    for _ in range(16):
        limit.on_outcome(DROP, 9.0, 10.0, 16)
    assert limit.limit == 8


def test_a_host_that_is_asked_without_delay_is_paced_when_it_drops():
    limit = HostLimit(HostRules(max_per_host=1), 0.0)
    feed_host(limit, DROP)
    assert limit.delay_s == FIRST_DELAY_S


@pytest.mark.parametrize(("maximum", "longest"), [(60, 60), (0, LONGEST_DELAY_S)])
def test_endless_drops_end_in_the_longest_delay(maximum, longest):
    limit = HostLimit(HostRules(max_per_host=1, max_delay_s=maximum), 0.0)
    for now in range(5000):
        feed_host(limit, DROP, now=now)
    assert limit.delay_s == longest


def test_a_delay_that_is_above_the_maximum_stays():
    limit = HostLimit(HostRules(max_delay_s=60), 90.0)
    feed_host(limit, DROP, 3)
    assert limit.delay_s == 90


def test_a_crawl_delay_that_becomes_known_is_what_is_doubled():
    limit = HostLimit(HostRules(), 1.0)
    feed_host(limit, DROP)
    limit.base_delay_s = 10.0
    assert limit.delay_s == 20


def test_ignored_outcomes_change_nothing():
    limit = HostLimit(HostRules(), 1.0)
    feed_host(limit, DROP)
    feed_host(limit, IGNORE, 100)
    assert limit.delay_s == 2
