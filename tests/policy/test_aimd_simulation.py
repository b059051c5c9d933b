"""The shard's limit against made-up servers, with events instead of time: the figures of docs and design."""

from __future__ import annotations

from heapq import heappop, heappush
from random import Random
from statistics import fmean

import pytest

from engine.policy.aimd import AimdRules, ShardLimit
from engine.policy.verdict import Signal

INTERVAL_S = 5.0
CAPACITY = 40
BLACK_HOLE_S = 10.0


class Web:
    """Hosts 0..99: some dead (refused at once, or black-holed), the rest on one server of so much capacity."""

    def __init__(self, *, seed, refused=0, black_holed=0, capacity=None, broken=0.0):
        self.random = Random(seed)  # noqa: S311 -- a simulation
        self.broken = broken
        self.refused = refused
        self.black_holed = refused + black_holed
        self.capacity = capacity
        self.busy = 0

    def serve(self, host):
        """(seconds until the outcome, its signal, whether it held a place on the server)."""
        if host < self.refused:
            return 0.02, Signal.DROP, False
        if self.capacity is not None and self.busy >= self.capacity:
            return self.random.uniform(0.01, 0.04), Signal.DROP, False
        signal = Signal.DROP if self.random.random() < self.broken else Signal.SUCCESS
        return self.random.uniform(0.1, 0.3), signal, True


def simulate(web, rules, seconds):
    """Run; returns the limit at the end of each interval, and (successes, drops) of hosts that are alive."""
    limit = ShardLimit(rules, 0.0)
    events = []  # (time, n, host, signal, sent_at, held); n makes equal times comparable
    answered, history, done = set(), [], {Signal.SUCCESS: 0, Signal.DROP: 0}
    now, n, in_flight, connecting = 0.0, 0, 0, set()
    heappush(events, (1.0, -1, None, None, 0.0, False))
    while now < seconds:
        while in_flight < limit.limit:
            n += 1
            host = web.random.randrange(100)
            if web.refused <= host < web.black_holed:
                # A connection that never comes: against a budget of its own, one a host, no place on the network.
                if host not in connecting:
                    connecting.add(host)
                    heappush(events, (now + BLACK_HOLE_S, n, host, Signal.DROP, now, False))
                continue
            wait_s, signal, held = web.serve(host)
            web.busy += held
            in_flight += 1
            heappush(events, (now + wait_s, n, host, signal, now, held))
        now, n_event, host, signal, sent_at, held = heappop(events)
        if host is None:
            limit.tick(now, in_flight)
            if round(now) % INTERVAL_S == 0:
                history.append(limit.limit)
            heappush(events, (now + 1.0, n_event, None, None, 0.0, False))
            continue
        web.busy -= held
        if signal is Signal.SUCCESS:
            answered.add(host)
        if host >= web.black_holed:
            done[signal] += 1
        limit.on_outcome(host, signal, host in answered, sent_at, now, in_flight)
        if host in connecting:
            connecting.discard(host)
        else:
            in_flight -= 1
    return history, done[Signal.SUCCESS], done[Signal.DROP]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_overloaded_server_is_used_to_about_three_quarters_and_refuses_little(seed):
    history, successes, drops = simulate(Web(seed=seed, capacity=CAPACITY), AimdRules(), 120 * INTERVAL_S)
    shares = [limit / CAPACITY for limit in history[20:]]
    assert 0.65 <= fmean(shares) <= 0.9
    assert sum(0.45 <= share <= 1.15 for share in shares) >= 0.95 * len(shares)
    assert drops / (successes + drops) <= 0.05


@pytest.mark.parametrize(("broken", "seed"), [(0.01, 1), (0.02, 2), (0.02, 3)])
def test_pages_that_are_broken_for_good_do_not_throttle_the_rest(broken, seed):
    history, _, _ = simulate(Web(seed=seed, broken=broken), AimdRules(max=100), 100 * INTERVAL_S)
    assert history == sorted(history)
    assert history[-1] == 100


def test_it_adapts_when_the_capacity_halves_and_comes_back():
    web = Web(seed=4, capacity=CAPACITY)
    rules = AimdRules(slow_start=False, initial=35)
    web.capacity = 20
    history, _, _ = simulate(web, rules, 60 * INTERVAL_S)
    assert fmean(history[10:]) <= 1.0 * web.capacity


@pytest.mark.parametrize("dead", [{"refused": 20}, {"black_holed": 10}, {"refused": 10, "black_holed": 10}])
def test_dead_hosts_do_not_throttle_the_rest(dead):
    history, successes, _ = simulate(Web(seed=5, **dead), AimdRules(max=100), 6 * INTERVAL_S)
    assert history[-1] == 100
    assert successes > 0.75 * 100 / 0.2 * 4 * INTERVAL_S
