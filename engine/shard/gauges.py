"""What a shard tells of itself with each heartbeat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.frontier.results import FAILED_PREFIX
from engine.model.messages import Gauges
from engine.model.url import site_of
from engine.policy.breaker import State

if TYPE_CHECKING:
    from engine.frontier.residence import Residence
    from engine.frontier.store import Store
    from engine.shard.budget import Budget
    from engine.shard.dispatcher import Dispatcher
    from engine.shard.endings import Endings
    from engine.shard.requester import Requester

#: Sites named as holding the run back.
SLOW_SITES: Final = 5


def measure(  # noqa: PLR0913, PLR0917 - one reading of every part
    shard: int,
    store: Store,
    residence: Residence,
    dispatcher: Dispatcher,
    requester: Requester,
    endings: Endings,
    budget: Budget,
) -> Gauges:
    """One reading; see :class:`engine.model.messages.Gauges`."""
    counters = store.counters
    known, done, failed = (counters.get(name, 0) for name in ("known", "done", "failed"))
    waiting = counters.get("waiting", 0)
    slow = _slow_sites(residence)
    return Gauges(
        shard=shard,
        known=known,
        queued=known - done - failed - waiting,
        waiting=waiting,
        done=done,
        failed=failed,
        duplicates=counters.get("duplicates", 0),
        failed_by_kind={
            name.removeprefix(FAILED_PREFIX): count
            for name, count in counters.items()
            if name.startswith(FAILED_PREFIX) and count
        },
        requests=requester.requests,
        finished=endings.finished,
        bytes_received=requester.bytes_received,
        fetch_ms_sum=endings.fetch_ms_sum,
        process_ms_sum=endings.process_ms_sum,
        timed=endings.timed,
        in_flight=dispatcher.grants.on_network,
        connecting=dispatcher.grants.connecting,
        limit=dispatcher.grants.limit.limit,
        limit_cause=dispatcher.grants.limit.cause,
        waiting_for_nlp=endings.waiting_for_nlp,
        bytes_in_flight=budget.bytes,
        open_breakers=sum(host.breaker.state is not State.CLOSED for host in residence.hosts.values()),
        active_hosts=len(residence.hosts),
        tail_s=max((seconds for _, _, seconds in slow), default=0.0),
        slow_sites=slow,
    )


def _slow_sites(residence: Residence) -> list[tuple[str, int, float]]:
    """The sites whose delays need longest, as far as their queues are counted: (site, URLs left, seconds)."""
    found: dict[str, tuple[int, float]] = {}
    for seconds, left, host in residence.tails():
        name = site_of(host.name)
        before = found.get(name, (0, 0.0))
        found[name] = (before[0] + left, max(before[1], seconds))
    worst = sorted(found.items(), key=lambda item: item[1][1], reverse=True)[:SLOW_SITES]
    return [(name, left, round(seconds, 1)) for name, (left, seconds) in worst]
