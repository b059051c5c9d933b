from __future__ import annotations

import pytest

from engine.leads.setup import make_gate
from engine.providers.base import Answer
from engine.providers.caller import Lost, NotSent
from engine.settings import Settings


@pytest.fixture
def gate():
    return make_gate(Settings(), 60.0, 0, 0.0)


def test_answers_of_one_pause_are_one_pause(gate):
    passes = [gate.enter(0.0) for _ in range(9)]
    for given in passes:
        gate.leave(given, Answer(429), 1.0, 5.0, 0.0)
    assert gate.hopeless() is None
    assert not gate.ready(5.9)
    assert gate.retry_at(2.0) == 6.0
    assert gate.ready(6.0)


def test_a_429_without_a_word_waits_for_the_window(gate):
    gate.leave(gate.enter(0.0), Answer(429), 1.0, None, 0.0)
    assert gate.retry_at(1.0) == 61.0


def test_a_provider_that_turns_all_away_is_hopeless_until_it_answers(gate):
    now = 0.0
    for _ in range(5):
        assert gate.hopeless() is None
        gate.leave(gate.enter(now), Answer(503), now + 1, None, 0.0)
        now = gate.retry_at(now + 1)
    assert "turns every request away" in gate.hopeless()
    gate.leave(gate.enter(now), Answer(200), now, None, 0.0)
    assert gate.hopeless() is None


@pytest.mark.parametrize("got", [Answer(500), NotSent("refused"), Lost("cut")])
def test_failures_in_a_row_open_the_breaker(gate, got):
    for _ in range(5):
        gate.leave(gate.enter(0.0), got, 0.0, None, 0.0)
    assert not gate.ready(0.0)
    assert gate.retry_at(0.0) == 60.0
    gate.enter(60.0)
    assert not gate.ready(60.0)  # one probe at a time
    assert gate.retry_at(60.0) is None


def test_a_cancelled_request_teaches_nothing(gate):
    for _ in range(20):
        gate.leave(gate.enter(0.0), None, 0.0, None, 0.0)
    assert gate.ready(0.0)
    assert gate.in_flight == 0


def test_the_providers_limit_is_taken_where_it_is_lower(gate):
    for odd in ("0", "-1", "1.5", "²", "9" * 5_000):
        gate.leave(gate.enter(0.0), Answer(200, {"x-ratelimit-limit": odd}), 0.0, None, 0.0)
    gate.leave(gate.enter(60.0), Answer(200, {"x-ratelimit-limit": "2"}), 60.0, None, 0.0)
    gate.enter(60.0)
    assert not gate.ready(60.0)
