"""What the settings say of a host: its limits and its breaker, with the `sites:` rules applied."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.frontier.hoststate import Gate, HostState
from engine.frontier.sitebudget import OVER_BUDGET, SiteBudget
from engine.model.outcome import Failure, FailureKind
from engine.policy.aimd import AimdRules, HostLimit, HostRules
from engine.policy.breaker import Breaker, BreakerRules
from engine.policy.politeness import Pause, SiteRules, share

if TYPE_CHECKING:
    from engine.frontier.hosts import HostMemory
    from engine.settings import Settings, SiteRule


def site_rules(settings: Settings) -> SiteRules[SiteRule]:
    """The `sites:` settings, compiled."""
    return SiteRules((rule.match, rule) for rule in settings.sites)


class HostFactory:
    """Makes the state of a host that becomes active."""

    def __init__(self, settings: Settings) -> None:
        self._polite = settings.politeness
        self._sites = site_rules(settings)
        breaker = settings.breaker
        self._breaker = BreakerRules(
            breaker.failure_threshold, breaker.success_threshold, breaker.cooldown_s, breaker.max_cooldown_s,
            breaker.max_failed_probes,
        )  # fmt: skip
        self._limits: dict[int, HostRules] = {}

    def host(self, number: int, name: str, site: Gate, memory: HostMemory, now: float) -> HostState:
        """The state with its breaker and its pauses as they were left. Name "" holds the lines that are no URL."""
        rule = self._sites.lookup(name)
        polite = self._polite
        delay_s = rule.delay_s if rule is not None and rule.delay_s is not None else polite.delay_s
        at_once = rule.max_per_host if rule is not None and rule.max_per_host is not None else polite.max_per_host
        rules = self._limits.get(at_once)
        if rules is None:
            rules = self._limits[at_once] = HostRules(at_once, polite.max_crawl_delay_s)
        if memory.breaker is None:
            breaker = Breaker(self._breaker)
        else:
            breaker = Breaker.restore(self._breaker, tuple(memory.breaker), now)  # type: ignore[arg-type]
        pause = Pause.restore((memory.pauses, memory.pause_left_s), now)
        host = HostState(number, name, site, HostLimit(rules, delay_s), breaker, pause)
        if not name:
            host.condemned = Failure(FailureKind.INVALID_URL, "not a URL")
        elif name == OVER_BUDGET:
            host.condemned = Failure(FailureKind.DEFERRED, "its site has more URLs than the run may ask of one")
        elif rule is not None and rule.skip:
            host.condemned = Failure(FailureKind.DEFERRED, f"the sites rule {rule.match} says skip")
        return host

    def site_limit(self, host: str) -> int:
        """Requests in flight that all hosts of the host's site may share; 0 = no limit."""
        rule = self._sites.lookup(host)
        return rule.max_per_site if rule is not None and rule.max_per_site is not None else self._polite.max_per_site


def site_budget(settings: Settings) -> SiteBudget:
    """How many URLs of a site the frontier takes."""
    limits = [settings.run.max_urls_per_site]
    if settings.run.stage == "discovery":
        limits.append(settings.discovery.max_pages_per_site)
    return SiteBudget(min(filter(None, limits), default=0))


def aimd_rules(settings: Settings, shards: int) -> AimdRules:
    """This shard's part of the run's adaptive limit."""
    aimd = settings.aimd
    highest = share(settings.fetch.max_concurrency if aimd.max == "auto" else aimd.max, shards)
    return AimdRules(
        initial=min(highest, max(1, aimd.initial // shards)), min=min(highest, max(1, aimd.min // shards)), max=highest,
        slow_start=aimd.slow_start, increase=aimd.increase, interval_s=aimd.interval_s, decrease=aimd.decrease,
        target_success=aimd.target_success, window=aimd.window,
    )  # fmt: skip
