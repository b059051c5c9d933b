"""The running sums equal a count from scratch."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from engine.policy.votes import Votes


def counted(outcomes):
    by_host = defaultdict(list)
    for host, dropped in outcomes:
        by_host[host].append(dropped)
    shares = [sum(drops) / len(drops) for drops in by_host.values()]
    return 1 - sum(shares) / len(shares) if shares else 1.0


@given(st.integers(1, 12), st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=120))
def test_success_is_one_vote_a_host_over_the_last_outcomes(window, outcomes):
    votes = Votes(window)
    for n, (host, dropped) in enumerate(outcomes, 1):
        votes.add(host, dropped=dropped)
        held = outcomes[max(0, n - window) : n]
        assert votes.count == len(held)
        assert votes.hosts == len({host for host, _ in held})
        assert abs(votes.success - counted(held)) < 1e-9


def test_a_host_that_drops_everything_is_one_vote_however_often_it_is_asked():
    votes = Votes(100)
    for _ in range(80):
        votes.add(0, dropped=True)
    for host in range(1, 20):
        votes.add(host, dropped=False)
    assert abs(votes.success - 0.95) < 1e-9
