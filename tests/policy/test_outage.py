"""Our own outage is told from dead hosts, and never lasts for ever."""

from __future__ import annotations

import pytest

from engine.model.outcome import FailureKind, Outcome
from engine.policy.outage import OutageDetector, OutageRules, network_sign

RULES = OutageRules()
ANSWERED, SILENT = True, False


class Line:
    """A detector with the hosts 0..9, all of which have answered at time 0 unless told otherwise."""

    def __init__(self, *, known=True):
        self.detector = OutageDetector(RULES)
        self.known = known
        if known:
            for host in range(10):
                self.answer(host, 0)

    def answer(self, host, now):
        self.detector.record(ANSWERED, host, now, host_has_answered=True, sent_at=now - 0.1)

    def fail(self, host, now, *, after_s=0.0, known=None, unreachable=False):
        known = self.known if known is None else known
        self.detector.record(SILENT, host, now, host_has_answered=known, sent_at=now - after_s, unreachable=unreachable)


def test_silence_of_several_hosts_for_half_a_minute_is_an_outage():
    line = Line()
    for host in range(5):
        line.fail(host, 10 + host, after_s=10)
    assert not line.detector.is_out(29)
    assert line.detector.is_out(30)


def test_one_host_that_fails_is_its_own_affair():
    line = Line()
    for now in range(100):
        line.fail(1, now)
        line.fail(2, now)
    assert not line.detector.is_out(100)
    assert not line.detector.is_suspected(100)


def test_any_answer_ends_the_silence():
    line = Line()
    for now in range(0, 100, 5):
        line.fail(now % 7, now)
        line.fail(now % 5 + 10, now)
        line.fail(now % 3 + 20, now)
        line.answer(0, now + 1)
        assert not line.detector.is_out(now + 4)


def test_an_idle_shard_is_not_silent():
    line = Line()
    assert not line.detector.is_out(1000)
    for host in range(5):
        line.fail(host, 1000)
    assert not line.detector.is_out(1001)


def test_hosts_that_never_answered_are_no_witnesses_once_others_have():
    line = Line()
    for now in range(0, 200, 2):
        line.fail(100 + now, now, known=False)
    assert not line.detector.is_out(200)


def test_a_network_that_cannot_be_reached_is_known_within_seconds():
    line = Line()
    for host in range(3):
        line.fail(host, 10, unreachable=True)
    assert line.detector.is_suspected(10)
    assert line.detector.is_out(12)


def test_a_host_without_a_route_among_hosts_that_answer_is_no_outage():
    line = Line()
    for now in range(1, 50):
        line.fail(now % 3, now, unreachable=True)
        line.answer(9, now)
    assert not line.detector.is_out(50)


def test_failures_are_charged_to_nobody_while_an_outage_lasts_or_is_suspected():
    line = Line()
    line.fail(0, 10)
    assert not line.detector.is_suspected(40)
    line.fail(1, 10)
    line.fail(2, 10)
    assert not line.detector.is_suspected(14)
    assert line.detector.is_suspected(15)
    assert line.detector.is_suspected(45)


def test_a_probe_goes_out_now_and_then_and_its_answer_ends_the_outage():
    line = Line()
    for host in range(3):
        line.fail(host, 10)
    assert line.detector.is_out(41)
    assert not line.detector.may_probe(42)
    assert line.detector.next_probe_at == 46
    assert line.detector.may_probe(46)
    assert not line.detector.may_probe(47)
    assert line.detector.may_probe(51)
    line.answer(4, 52)
    assert not line.detector.is_out(52)
    assert not line.detector.is_suspected(52)


@pytest.mark.parametrize(("known", "bound_s"), [(True, RULES.max_outage_s), (False, RULES.max_at_start_s)])
def test_an_outage_is_given_up_so_that_a_run_of_dead_hosts_ends(known, bound_s):
    line = Line(known=known)
    begin = 10.0
    for host in range(5):
        line.fail(host, begin)
    assert line.detector.is_out(begin + 30)
    assert line.detector.is_out(begin + 29 + bound_s)
    end = begin + 30 + bound_s
    assert not line.detector.is_out(end)
    for now in range(1000):  # and it does not begin again
        line.fail(now % 10, end + now)
        assert not line.detector.is_out(end + now)
        assert not line.detector.is_suspected(end + now)


def test_after_it_was_given_up_an_answer_makes_it_watch_again():
    line = Line()
    for host in range(3):
        line.fail(host, 10)
    assert line.detector.is_out(40)
    assert not line.detector.is_out(40 + RULES.max_outage_s)
    line.answer(1, 700)
    for host in range(3):
        line.fail(host, 701)
    assert line.detector.is_out(731)


@pytest.mark.parametrize(
    ("outcome", "sign"),
    [
        (Outcome(200), True),
        (Outcome(503, FailureKind.HTTP_STATUS), True),
        (Outcome(200, FailureKind.READ_TIMEOUT), True),
        (Outcome(0, FailureKind.CONNECT_REFUSED), True),
        (Outcome(0, FailureKind.DNS_NOT_FOUND), True),
        (Outcome(0, FailureKind.DNS_FAILED), False),
        (Outcome(0, FailureKind.CONNECT_TIMEOUT), False),
        (Outcome(0, FailureKind.ROBOTS_DISALLOWED), None),
    ],
)
def test_what_an_outcome_says_of_the_network(outcome, sign):
    assert network_sign(outcome) is sign
