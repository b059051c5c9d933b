from __future__ import annotations

from engine.policy.longtail import LongTail, LongTailRules


def test_without_bounds_a_run_never_gives_up():
    tail = LongTail(LongTailRules())
    assert all(tail.update(float(second), 0) is None for second in range(10_000))


def test_the_longest_duration_ends_a_run_whatever_its_rate():
    tail = LongTail(LongTailRules(max_duration_s=100))
    assert tail.update(99.9, 10_000) is None
    assert "run.max_duration_s (100 s)" in (tail.update(100.0, 10_100) or "")


def test_a_run_that_is_too_slow_for_the_whole_grace_gives_up():
    tail = LongTail(LongTailRules(min_rate=5, grace_s=10))
    rows = 0
    for second in range(30):
        rows += 10
        assert tail.update(float(second), rows) is None
    reasons = [tail.update(30.0 + second, rows + second) for second in range(20)]
    first = next(at for at, reason in enumerate(reasons) if reason)
    assert 3 <= first <= 10
    assert "run.min_rate (5)" in (reasons[first] or "")


def test_a_short_lull_is_borne():
    tail = LongTail(LongTailRules(min_rate=5, grace_s=10))
    rows = 0
    for second in range(200):
        rows += 0 if second % 20 < 5 else 20
        assert tail.update(float(second), rows) is None


def test_the_reason_stays_once_given():
    tail = LongTail(LongTailRules(max_duration_s=1))
    reason = tail.update(2.0, 0)
    assert reason is not None
    assert tail.update(3.0, 1_000_000) == reason
