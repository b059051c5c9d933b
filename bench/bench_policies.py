"""What each policy costs a request when 100,000 hosts have one: a round asks every host once."""

from __future__ import annotations

import random

import pytest

from engine.model.outcome import FailureKind, Outcome
from engine.policy.aimd import AimdRules, HostLimit, HostRules, ShardLimit
from engine.policy.breaker import Breaker, BreakerRules
from engine.policy.outage import OutageDetector, OutageRules
from engine.policy.placement import shard_of
from engine.policy.politeness import Pause, SiteRules, effective_delay, next_due
from engine.policy.retry import RetryRules, retry_delay
from engine.policy.robots import MAX_BODY_BYTES, parse
from engine.policy.verdict import RetryClass, Signal, verdict

HOSTS = 100_000


@pytest.fixture
def per_host(benchmark):
    """Run a function once a host, in rounds; extra_info has microseconds a call."""

    def measure(function):
        def round_():
            for host in range(HOSTS):
                function(host)

        benchmark.pedantic(round_, rounds=3, warmup_rounds=1)
        benchmark.extra_info["us_per_call"] = round(benchmark.stats.stats.min / HOSTS * 1e6, 3)

    return measure


def bench_shard_limit(per_host):
    """An outcome of each host in turn, 2 % of them drops, and a tick every 1,000."""
    limit = ShardLimit(AimdRules(), 0.0)

    def outcome(host):
        signal = Signal.SUCCESS if host % 50 else Signal.DROP
        now = host / 1000
        limit.on_outcome(host, signal, host_has_answered=True, sent_at=now - 0.2, now=now, in_flight=limit.limit)
        if not host % 1000:
            limit.tick(now, limit.limit)

    per_host(outcome)


def bench_host_limit(per_host):
    limits = [HostLimit(HostRules(max_per_host=16), 1.0) for _ in range(HOSTS)]

    def outcome(host):
        limits[host].on_outcome(Signal.SUCCESS if host % 50 else Signal.DROP, 0.0, 1.0, 4)
        return limits[host].delay_s

    per_host(outcome)


def bench_breaker(per_host):
    rules = BreakerRules()
    breakers = [Breaker(rules) for _ in range(HOSTS)]

    def request(host):
        breaker = breakers[host]
        permit = breaker.admit(1.0)
        if permit is not None:
            breaker.record(permit, host % 10 == 0, 1.0)
        breaker.retry_at(1.0)

    per_host(request)


def bench_politeness(per_host):
    """The delay, the pause and its end, as each request meets them."""
    pauses = [Pause() for _ in range(HOSTS)]

    def request(host):
        next_due(1.0, effective_delay(1.0, None, 60.0), 0.1, 0.5)
        pause = pauses[host]
        if host % 50:
            pause.success(1.0)
        else:
            pause.pause(1.0, 5.0, 0.5)

    per_host(request)


def bench_site_rules(per_host):
    """A thousand rules by suffix; a host three labels below."""
    rules = SiteRules((f"*.site{n}.test", n) for n in range(1000))
    names = [f"a.b.c.site{n % 2000}.test" for n in range(HOSTS)]
    per_host(lambda host: rules.lookup(names[host]))


@pytest.mark.parametrize("rules", [10, 1000])
def bench_robots_match(per_host, rules):
    lines = "".join(f"Disallow: /private{n}/*.php$\nAllow: /public{n}/\n" for n in range(rules // 2))
    robots = parse(f"User-agent: *\n{lines}".encode(), "bench")
    paths = [f"/public{n % rules}/articles/{n}.html?id={n}" for n in range(HOSTS)]
    per_host(lambda host: robots.allows(paths[host]))


@pytest.mark.parametrize("rule", ["/folder{n}/page", "/folder{n}/*.php$", "/*/{n}.php$"])
def bench_robots_match_500_kib(benchmark, rule):
    """What a URL costs under the largest file that is read: prefixes, wildcards after prefixes, wildcards alone."""
    lines = b"".join(f"Disallow: {rule.format(n=n)}\n".encode() for n in range(30_000))[:MAX_BODY_BYTES]
    robots = parse(b"User-agent: *\n" + lines, "bench")
    paths = [f"/folder{n * 37}/articles/{n}.html?id={n}" for n in range(100)]
    benchmark(lambda: [robots.allows(path) for path in paths])
    benchmark.extra_info["us_per_url"] = round(benchmark.stats.stats.min / len(paths) * 1e6, 2)


def bench_robots_parse(benchmark):
    """A file of 500 KiB, the most that is read."""
    body = b"User-agent: *\n" + b"".join(b"Disallow: /private%d/*.php$\n" % n for n in range(17_000))
    benchmark(parse, body, "bench")


def bench_verdict(per_host):
    outcomes = [Outcome(status=200), Outcome(status=404), Outcome(status=503), Outcome(kind=FailureKind.READ_TIMEOUT)]
    per_host(lambda host: verdict(outcomes[host % 4]))


def bench_retry(per_host):
    rules = RetryRules(3, 1.0, 60.0, 5.0, 0.1)
    per_host(lambda host: retry_delay(rules, RetryClass.TRANSIENT, 1 + host % 3, None, 300.0, 0.5))


def bench_outage(per_host):
    detector = OutageDetector(OutageRules())

    def request(host):
        now = host / 1000
        answered = host % 20 > 0
        detector.record(answered, host, now, host_has_answered=True, sent_at=now - 0.2, unreachable=False)
        detector.is_out(now)

    per_host(request)


def bench_placement(per_host):
    sites = [f"site{random.Random(n).getrandbits(32)}.test" for n in range(HOSTS)]  # noqa: S311 - names
    per_host(lambda host: shard_of(sites[host], 8))
