"""The breaker as a state machine: whatever comes in whatever order, it is never wedged and never fooled."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from engine.policy.breaker import Breaker, BreakerRules, State

RULES = BreakerRules(failure_threshold=3, success_threshold=2, cooldown_s=10, max_cooldown_s=35, max_failed_probes=4)

FAILED, WORKED = True, False


def opened(rules=RULES):
    breaker = Breaker(rules)
    for _ in range(rules.failure_threshold):
        breaker.record(breaker.admit(0), FAILED, 0)
    return breaker


def test_consecutive_failures_open_it_and_a_success_between_does_not():
    breaker = Breaker(RULES)
    for failed in (True, True, False, True, True):
        breaker.record(breaker.admit(0), failed, 0)
    assert breaker.state is State.CLOSED
    breaker.record(breaker.admit(0), FAILED, 5)
    assert breaker.state is State.OPEN
    assert breaker.admit(14.9) is None
    assert breaker.retry_at(6) == 15


def test_outcomes_without_a_say_change_nothing():
    breaker = Breaker(RULES)
    for failed in (True, None, True, None, True):
        breaker.record(breaker.admit(0), failed, 0)
    assert breaker.state is State.OPEN


def test_one_probe_at_a_time_and_two_successes_close_it():
    breaker = opened()
    probe = breaker.admit(10)
    assert probe is not None
    assert breaker.state is State.HALF_OPEN
    assert breaker.admit(10) is None
    breaker.record(probe, WORKED, 11)
    assert breaker.state is State.HALF_OPEN
    breaker.record(breaker.admit(11), WORKED, 12)
    assert breaker.state is State.CLOSED


def test_the_cooling_time_grows_up_to_its_maximum_while_probes_fail_and_then_it_is_exhausted():
    breaker, now, waits = opened(), 0.0, []
    while not breaker.exhausted:
        waits.append(breaker.retry_at(now) - now)
        now = breaker.retry_at(now)
        breaker.record(breaker.admit(now), FAILED, now)
    assert waits == [10, 20, 35, 35]


def test_a_success_among_the_probes_starts_their_count_again():
    breaker = opened()
    breaker.record(breaker.admit(10), FAILED, 10)
    breaker.record(breaker.admit(30), WORKED, 30)
    breaker.record(breaker.admit(30), FAILED, 30)
    assert breaker.failed_probes == 1
    assert not breaker.exhausted


def test_a_probe_that_is_given_back_or_has_no_say_lets_the_next_one_go():
    breaker = opened()
    breaker.release(breaker.admit(10), 11)
    assert breaker.retry_at(11) == 11
    second = breaker.admit(11)
    breaker.record(second, None, 12)
    assert breaker.admit(12) is not None


def test_late_answers_of_an_older_state_are_ignored():
    breaker = Breaker(RULES)
    early = breaker.admit(0)
    for _ in range(3):
        breaker.record(breaker.admit(0), FAILED, 0)
    breaker.record(early, WORKED, 1)
    assert breaker.state is State.OPEN
    probe = breaker.admit(10)
    breaker.record(early, FAILED, 10)
    assert breaker.state is State.HALF_OPEN
    breaker.release(probe, 10)
    breaker.record(probe, FAILED, 10)  # it was given back
    assert breaker.state is State.HALF_OPEN
    assert breaker.failed_probes == 0


def test_while_a_probe_is_out_there_is_no_time_to_ask_again():
    breaker = opened()
    probe = breaker.admit(10)
    assert breaker.retry_at(11) is None
    assert breaker.retry_at(10_000) is None
    breaker.release(probe, 10_000)
    assert breaker.retry_at(10_000) == 10_000


def test_thresholds_of_zero_mean_never():
    breaker = Breaker(BreakerRules(failure_threshold=0))
    for _ in range(100):
        breaker.record(breaker.admit(0), FAILED, 0)
    assert breaker.state is State.CLOSED
    breaker = opened(BreakerRules(max_failed_probes=0))
    for _ in range(100):
        now = breaker.retry_at(0)
        breaker.record(breaker.admit(now), FAILED, now)
    assert not breaker.exhausted


@pytest.mark.parametrize(("stored_at", "left_s"), [(4, 6), (10, 0), (100, 0)])
def test_an_open_breaker_outlives_its_process_and_its_clock(stored_at, left_s):
    restored = Breaker.restore(RULES, opened().snapshot(stored_at), 1000)
    assert restored.retry_at(1000) == 1000 + left_s
    assert restored.admit(1000 + left_s) is not None


def test_a_probe_that_died_with_its_process_is_made_again():
    breaker = opened()
    breaker.admit(10)
    assert Breaker.restore(RULES, breaker.snapshot(10), 0).admit(0) is not None


def test_failures_and_failed_probes_survive_a_restart():
    breaker = Breaker(RULES)
    for _ in range(2):
        breaker.record(breaker.admit(0), FAILED, 0)
    restored = Breaker.restore(RULES, breaker.snapshot(0), 0)
    restored.record(restored.admit(0), FAILED, 0)
    assert restored.state is State.OPEN
    restored.record(restored.admit(10), FAILED, 10)
    assert Breaker.restore(RULES, restored.snapshot(10), 0).retry_at(0) == 20


def test_rules_that_became_shorter_shorten_a_stored_cooling_time():
    stored = opened(BreakerRules(failure_threshold=1, cooldown_s=10_000, max_cooldown_s=10_000)).snapshot(0)
    assert Breaker.restore(RULES, stored, 0).retry_at(0) == 35


class BreakerMachine(RuleBasedStateMachine):
    """Permits taken, recorded, given back and reported late in any order, with time and restarts between."""

    def __init__(self):
        super().__init__()
        self.breaker = Breaker(RULES)
        self.now = 0.0
        self.out = []  # permits not yet reported
        self.probe = None  # the permit of the probe that is out
        self.spent = []  # permits reported before

    @rule(seconds=st.floats(0, 40))
    def wait(self, seconds):
        self.now += seconds

    @rule()
    def admit(self):
        before, at = self.breaker.state, self.breaker.retry_at(self.now)
        permit = self.breaker.admit(self.now)
        assert (permit is not None) == (at is not None and at <= self.now)
        assert (at is None) == (self.probe is not None)
        assert permit is not None or before is not State.CLOSED
        if permit is not None:
            self.out.append(permit)
            if before is not State.CLOSED:
                self.probe = permit

    @precondition(lambda self: self.out)
    @rule(data=st.data(), failed=st.sampled_from([True, False, None]), cancelled=st.booleans())
    def report(self, data, failed, cancelled):
        permit = self.out.pop(data.draw(st.integers(0, len(self.out) - 1)))
        before, probes = self.breaker.state, self.breaker.failed_probes
        if cancelled:
            self.breaker.release(permit, self.now)
        else:
            self.breaker.record(permit, failed, self.now)
        self.spent.append(permit)
        if permit == self.probe:
            self.probe = None
            assert self.breaker.failed_probes == probes + 1 or not failed or cancelled
        elif before is not State.CLOSED:
            assert self.breaker.state is before

    @precondition(lambda self: self.spent and self.breaker.state is not State.CLOSED)
    @rule(data=st.data(), failed=st.booleans())
    def report_twice(self, data, failed):
        before = (self.breaker.state, self.breaker.failed_probes)
        self.breaker.record(data.draw(st.sampled_from(self.spent)), failed, self.now)
        assert (self.breaker.state, self.breaker.failed_probes) == before

    @rule()
    def restart(self):
        closed = self.breaker.state is State.CLOSED
        exhausted = self.breaker.exhausted
        self.breaker = Breaker.restore(RULES, self.breaker.snapshot(self.now), 7.0)
        self.now, self.probe = 7.0, None
        self.out.clear()
        self.spent.clear()
        assert (self.breaker.state is State.CLOSED) == closed
        assert self.breaker.exhausted == exhausted

    @invariant()
    def it_always_opens_a_way(self):
        """Without a probe out, waiting until retry_at is enough, and that is never longer than the maximum."""
        if self.probe is None:
            assert self.now <= self.breaker.retry_at(self.now) <= self.now + RULES.max_cooldown_s


TestBreakerMachine = BreakerMachine.TestCase
TestBreakerMachine.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
