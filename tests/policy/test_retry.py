"""Delays are bounded whatever the settings, the count and the server say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.policy.retry import LONGEST_RETRY_AFTER_S, RetryRules, parse_retry_after, retry_delay
from engine.policy.verdict import RetryClass

#: Sun, 06 Nov 1994 08:49:37 GMT, the moment of RFC 9110's examples.
MOMENT = 784_111_777.0


def delays(rules, retry_class, *, u=0.0):
    return [retry_delay(rules, retry_class, made, None, 300, u) for made in range(1, rules.max_attempts + 1)]


def test_delays_double_up_to_the_maximum_and_end_with_the_attempts():
    rules = RetryRules(max_attempts=6, base_delay_s=1, max_delay_s=5)
    assert delays(rules, RetryClass.TRANSIENT) == [1, 2, 4, 5, 5, None]


def test_rate_limits_have_a_base_of_their_own():
    assert delays(RetryRules(max_attempts=3), RetryClass.RATE_LIMITED) == [5, 10, None]


def test_one_attempt_means_no_retry():
    assert delays(RetryRules(max_attempts=1), RetryClass.TRANSIENT) == [None]


def test_no_base_delay_is_a_retry_at_once():
    assert delays(RetryRules(max_attempts=2, base_delay_s=0), RetryClass.TRANSIENT) == [0, None]


def test_a_thousand_attempts_do_not_overflow():
    rules = RetryRules(max_attempts=10_001)
    assert retry_delay(rules, RetryClass.RATE_LIMITED, 10_000, None, 300, 0.0) == 60


@pytest.mark.parametrize(("asked", "most", "expected"), [(30, 300, 30), (3600, 300, 300), (0, 300, 1), (3600, 0, 3600)])
def test_retry_after_is_a_lower_bound_that_is_bounded(asked, most, expected):
    assert retry_delay(RetryRules(), RetryClass.TRANSIENT, 1, asked, most, 0.0) == expected


@given(
    st.builds(
        RetryRules,
        max_attempts=st.integers(1, 10**6),
        base_delay_s=st.floats(0, 1e6),
        max_delay_s=st.floats(0, 1e6),
        rate_limit_delay_s=st.floats(0, 1e6),
        jitter=st.floats(0, 1),
    ),
    st.sampled_from(RetryClass),
    st.integers(1, 10**6),
    st.none() | st.floats(0, 1e9),
    st.floats(0, 1, exclude_max=True),
)
def test_a_delay_is_never_below_what_was_asked_nor_above_the_bounds(rules, retry_class, made, asked, u):
    delay_s = retry_delay(rules, retry_class, made, asked, 300, u)
    if made >= rules.max_attempts:
        assert delay_s is None
    else:
        assert delay_s >= min(asked or 0, 300)
        assert delay_s <= max(rules.max_delay_s, 300) * (1 + rules.jitter)
        assert delay_s >= retry_delay(rules, retry_class, made, asked, 300, 0.0)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("120", 120),
        (" 120 ", 120),
        ("0", 0),
        ("-5", 0),
        ("007", 7),
        ("Sun, 06 Nov 1994 08:49:47 GMT", 10),
        ("Sunday, 06-Nov-94 08:49:47 GMT", 10),
        ("Sun Nov  6 08:49:47 1994", 10),
        ("Sun, 06 Nov 1994 08:49:27 GMT", 0),
        ("Sat, 06 Nov 2094 08:49:27 GMT", LONGEST_RETRY_AFTER_S),
        ("9" * 30, LONGEST_RETRY_AFTER_S),
        ("9" * 5000, None),
        ("", None),
        ("-", None),
        ("soon", None),
        ("1.5", None),
        ("1e3", None),
        ("٣", None),
        ("Fri, 31 Feb 2025 00:00:00 GMT", None),
        ("Sun, 06 Nov 99999 08:49:37 GMT", None),
        ("06 Nov 1994 08:49:37 GMT", None),
    ],
)
def test_retry_after_as_servers_write_it(value, expected):
    assert parse_retry_after(value, MOMENT) == expected


@given(st.text(max_size=80) | st.from_regex(r"[A-Z][a-z]{2}, [0-9]{1,3} [A-Z][a-z]{2} [0-9]{1,6} [0-9:]{1,9} GMT"))
def test_no_retry_after_raises_or_escapes_its_bounds(value):
    seconds = parse_retry_after(value, MOMENT)
    assert seconds is None or 0 <= seconds <= LONGEST_RETRY_AFTER_S
