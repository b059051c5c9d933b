"""The table covers everything, and says of each outcome what the issue and RFC 9110 ask for."""

from __future__ import annotations

import pytest

from engine.model.outcome import FailureKind, Outcome
from engine.policy.retry import RetryRules
from engine.policy.verdict import TABLE, RetryClass, Signal, is_answer_below_500, verdict


@pytest.mark.parametrize("kind", list(FailureKind))
@pytest.mark.parametrize("status", [0, 200])
def test_every_kind_has_a_verdict(kind, status):
    assert verdict(Outcome(status, kind)).signal in Signal


def test_no_kind_stands_in_the_table_twice():
    kinds = [key for key, _ in TABLE if isinstance(key, FailureKind)]
    assert len(kinds) == len(set(kinds))


@pytest.mark.parametrize("status", [200, 204, 206, 301, 302, 304])
def test_a_good_answer_is_a_success(status):
    found = verdict(Outcome(status))
    assert (found.signal, found.breaker, found.retry, found.pause) == (Signal.SUCCESS, False, None, False)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 418, 451])
def test_a_refusal_is_no_load_and_no_failure_of_the_host(status):
    found = verdict(Outcome(status, FailureKind.HTTP_STATUS))
    assert (found.signal, found.breaker, found.retry, found.pause) == (Signal.IGNORE, False, None, False)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("kind", [FailureKind.HTTP_STATUS, FailureKind.RATE_LIMITED])
def test_not_now_pauses_the_host_and_opens_no_breaker(status, kind):
    found = verdict(Outcome(status, kind))
    assert (found.signal, found.breaker, found.retry, found.pause) == (
        Signal.DROP,
        None,
        RetryClass.RATE_LIMITED,
        True,
    )


@pytest.mark.parametrize("status", [500, 501, 502, 504, 520, 599, 600, 999])
def test_a_server_error_is_load_and_failure_and_is_tried_again(status):
    found = verdict(Outcome(status, FailureKind.HTTP_STATUS))
    assert (found.signal, found.breaker, found.retry, found.pause) == (Signal.DROP, True, RetryClass.TRANSIENT, False)


@pytest.mark.parametrize("status", [408, 425])
def test_answers_that_ask_for_the_same_request_again(status):
    found = verdict(Outcome(status, FailureKind.HTTP_STATUS))
    assert (found.signal, found.retry) == (Signal.IGNORE, RetryClass.TRANSIENT)


@pytest.mark.parametrize(
    "kind",
    [
        FailureKind.CONNECT_TIMEOUT,
        FailureKind.CONNECT_REFUSED,
        FailureKind.CONNECTION_LOST,
        FailureKind.READ_TIMEOUT,
        FailureKind.TOTAL_TIMEOUT,
    ],
)
def test_trouble_with_a_connection_is_load_and_failure_and_is_tried_again(kind):
    found = verdict(Outcome(0, kind))
    assert (found.signal, found.breaker, found.retry) == (Signal.DROP, True, RetryClass.TRANSIENT)


def test_an_answer_that_stalls_is_judged_by_its_kind_not_its_status():
    assert verdict(Outcome(200, FailureKind.READ_TIMEOUT)).signal is Signal.DROP


def test_an_unknown_name_is_a_failure_of_the_host_but_no_load():
    found = verdict(Outcome(0, FailureKind.DNS_NOT_FOUND))
    assert (found.signal, found.breaker, found.retry) == (Signal.IGNORE, True, None)


@pytest.mark.parametrize(
    "kind",
    [FailureKind.ROBOTS_DISALLOWED, FailureKind.REFUSED_ADDRESS, FailureKind.NLP_CRASHED, FailureKind.NLP_TIMEOUT],
)
def test_what_was_not_asked_of_the_host_says_nothing_about_it(kind):
    found = verdict(Outcome(200, kind))
    assert (found.signal, found.breaker, found.retry, found.pause) == (Signal.IGNORE, None, None, False)


def test_every_retry_class_in_the_table_has_delays():
    for _, found in TABLE:
        assert found.retry is None or found.retry in RetryRules().delays_s


@pytest.mark.parametrize(("status", "expected"), [(0, False), (200, True), (404, True), (499, True), (500, False)])
def test_an_answer_below_500_shows_a_host_alive(status, expected):
    assert is_answer_below_500(Outcome(status)) is expected
