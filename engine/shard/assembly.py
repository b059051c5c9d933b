"""Puts a shard together from its settings: every part made once, each given the ones it needs."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import structlog

from engine.frontier.residence import Residence
from engine.frontier.robots import RobotsTable
from engine.frontier.schedule import Schedule
from engine.policy.aimd import ShardLimit
from engine.policy.outage import OutageDetector, OutageRules
from engine.policy.politeness import share
from engine.policy.retry import RetryRules
from engine.policy.robots import product_token
from engine.settings import needs_pool
from engine.shard.budget import Budget, PageLease
from engine.shard.caching import Caching, made_under, web_of
from engine.shard.discovery import DiscoveryRows
from engine.shard.dispatcher import Dispatcher, PauseRules
from engine.shard.endings import Endings
from engine.shard.factory import HostFactory, aimd_rules
from engine.shard.fetcher import Fetcher, FetchRules, Parts
from engine.shard.flight import Flight
from engine.shard.headers import HeaderRules
from engine.shard.hops import Hops
from engine.shard.links import Links
from engine.shard.nlp_client import NlpClient
from engine.shard.probing import Probing
from engine.shard.quarantine import Quarantine
from engine.shard.requester import Requester
from engine.shard.robots import RobotsFiles
from engine.shard.rows import EnrichmentRows
from engine.shard.validation import ValidationRows
from engine.transport.cookies import CookieJars

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable

    from engine.frontier.hosts import HostTable
    from engine.frontier.hoststate import HostState
    from engine.frontier.store import Store
    from engine.model.task import Task
    from engine.output.parts import PartWriter
    from engine.settings import Settings
    from engine.shard.fetcher import Asking
    from engine.shard.grants import Grant
    from engine.shard.hops import Spawn
    from engine.shard.quarantine import Suspects
    from engine.shard.rows import StageRows
    from engine.transport.base import Transport
    from engine.transport.cache import PageCache


_LOG: Final = structlog.get_logger("shard")


@dataclass(frozen=True, slots=True)
class Assembly:
    """One shard's parts."""

    store: Store
    residence: Residence
    schedule: Schedule
    limit: ShardLimit
    max_limit: int
    budget: Budget
    dispatcher: Dispatcher
    requester: Requester
    hops: Hops
    endings: Endings
    pool: NlpClient | None
    links: Links
    quarantine: Quarantine | None


def assemble(  # noqa: PLR0913 - the edges that a test replaces
    settings: Settings,
    shard: int,
    shards: int,
    loop: AbstractEventLoop,
    *,
    store: Store,
    table: HostTable,
    part: PartWriter,
    transport: Transport,
    send: Callable[[dict[str, Any]], None],
    spawn: Spawn,
    max_files: int,
    flight: Flight | None = None,
    suspects: Suspects | None = None,
    cache: PageCache | None = None,
    wall: Callable[[], float] = time.time,
) -> Assembly:
    """Make a shard's parts. `send` writes to the supervisor, `spawn` starts an observed task, `wall` is time of day.

    `max_files` is how many connections the process may hold: what goes beyond it is cut, with a warning. `flight`
    holds the URLs under way (None: in memory only), `suspects` those of them that a former process died of.
    """
    fetch, polite = settings.fetch, settings.politeness
    now = loop.time
    residence = Residence(
        store, table, HostFactory(settings), max_active=settings.run.max_active_hosts,
        wall_offset=wall() - now(), now=now(),
    )  # fmt: skip
    schedule, robots_table = Schedule(store, residence), RobotsTable(store)
    aimd = aimd_rules(settings, shards)
    max_connecting = share(fetch.max_connecting, shards)
    if aimd.max + max_connecting > max_files:
        aimd = replace(aimd, max=min(aimd.max, max_files // 2), initial=min(aimd.initial, max_files // 2))
        max_connecting = min(max_connecting, max_files - aimd.max)
        _LOG.warning(
            "few open files: fewer requests at once", files=max_files, limit=aimd.max, max_connecting=max_connecting
        )
    limit = ShardLimit(aimd, now())
    budget = Budget(share(settings.run.max_in_flight_pages, shards), share(settings.run.max_in_flight_bytes, shards))
    outage = OutageDetector(OutageRules())
    flight = flight or Flight.in_memory(budget.max_pages)

    def start(task: Task, host: HostState, grant: Grant) -> None:
        spawn(fetcher.run(task, host, grant, PageLease(budget)))  # leased here: the next decision counts it

    dispatcher = Dispatcher(
        schedule, residence, limit, budget, outage, max_connecting=max_connecting,
        jitter=polite.jitter, pauses=PauseRules.of(settings), random=random.random, start=start,
    )  # fmt: skip
    hops = Hops(
        shard, shards, schedule, dispatcher, send, spawn, longest_request_s=fetch.timeout_s + fetch.connect_timeout_s
    )
    requester = Requester(
        transport, dispatcher, hops.finished, max_body_bytes=fetch.max_body_bytes,
        max_per_ip=share(polite.max_per_ip, shards),
    )  # fmt: skip
    headers = HeaderRules(settings)
    token = product_token(fetch.user_agent)
    hops.robots = RobotsFiles(
        robots_table, requester, dispatcher, hops, token=token,
        headers=headers.of("", own_site=False), max_crawl_delay_s=polite.max_crawl_delay_s, obey=polite.obey_robots,
    )  # fmt: skip
    pool = NlpClient(settings.nlp.timeout_s) if needs_pool(settings) else None
    links = Links(shard, store, schedule, send, now)
    stage = settings.run.stage
    rows: StageRows = EnrichmentRows(token)
    ask_of = None
    if stage == "discovery":
        rows = DiscoveryRows(settings.discovery, store=store, table=robots_table, shards=shards, token=token, wall=wall)
        ask_of = rows.ask_of
    elif stage == "validation":
        rows = ValidationRows(settings.validation)
    endings = Endings(
        shard, store=store, schedule=schedule, part=part, pool=pool, stage=rows, links=links,
        budget=budget, now=now, wake=dispatcher.wake, commit_rows=settings.output.commit_rows,
    )  # fmt: skip
    asking: Asking | None = None
    if stage == "validation":  # the word of a cache says nothing of what is there now
        asking = Probing(hops, settings.validation.probe_bytes)
    elif cache is not None:
        asking = endings.caching = Caching(
            cache,
            requester,
            hops,
            made_under=made_under(settings),
            web=web_of(settings),
            max_body_bytes=fetch.max_body_bytes,
            wall=wall,
        )
    retry = settings.retry
    rules = FetchRules(
        shard, fetch.max_redirects,
        RetryRules(retry.max_attempts, retry.base_delay_s, retry.max_delay_s, retry.rate_limit_delay_s, retry.jitter),
        polite.max_retry_after_s, observe=stage == "validation",
    )  # fmt: skip
    parts = Parts(
        schedule, dispatcher, requester, hops.robots, hops, headers, outage, endings, flight, asking, ask_of,
        CookieJars() if fetch.cookie_jar else None,
    )  # fmt: skip
    fetcher = Fetcher(parts, rules, now, random.random)
    quarantine = None
    if suspects is not None:
        quarantine = Quarantine(
            suspects, shard, flight=flight, schedule=schedule, dispatcher=dispatcher, fetcher=fetcher, endings=endings,
            budget=budget, now=now,
        )  # fmt: skip
    return Assembly(
        store,
        residence,
        schedule,
        limit,
        aimd.max,
        budget,
        dispatcher,
        requester,
        hops,
        endings,
        pool,
        links,
        quarantine,
    )
