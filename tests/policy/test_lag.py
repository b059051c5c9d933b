from __future__ import annotations

from engine.policy.lag import LagBound, LagRules

TICK_S = 0.1


def run(bound: LagBound, lag_s: float, seconds: float, start: float) -> float:
    now = start
    for _ in range(int(seconds / TICK_S)):
        now += TICK_S
        bound.sample(lag_s, now, 100 if bound.bound is None else min(100, bound.bound), limit=200)
    return now


def test_a_loop_in_time_is_never_bound():
    bound = LagBound(LagRules(), 0.0)
    run(bound, 0.02, 60, 0.0)
    assert bound.bound is None


def test_a_late_loop_is_asked_to_do_less_step_by_step_but_never_nothing():
    bound = LagBound(LagRules(), 0.0)
    now = run(bound, 1.0, 2, 0.0)
    first = bound.bound
    assert first is not None
    assert first <= 75
    run(bound, 1.0, 60, now)
    assert bound.bound == 1


def test_the_bound_is_lifted_once_the_loop_keeps_time_again():
    bound = LagBound(LagRules(), 0.0)
    now = run(bound, 1.0, 5, 0.0)
    assert bound.bound is not None
    run(bound, 0.0, 60, now)
    assert bound.bound is None


def test_one_long_pause_alone_binds_nothing():
    bound = LagBound(LagRules(), 0.0)
    bound.sample(2.0, 0.1, 100, 200)
    run(bound, 0.0, 30, 0.1)
    assert bound.bound is None
