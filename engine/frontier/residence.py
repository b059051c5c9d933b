"""Which hosts are in memory: they come off the disk in order of due time, and leave when done or when they must wait.

A host leaves only with nothing in flight and nothing uncommitted, so its row on disk says all there is to say.
"""

from __future__ import annotations

from itertools import islice
from math import inf
from typing import TYPE_CHECKING, Final, Protocol

from engine.frontier.hosts import HostMemory
from engine.frontier.hoststate import Gate
from engine.frontier.results import Waiting
from engine.model.outcome import Failure, FailureKind
from engine.model.url import host_id, site_of
from engine.policy.breaker import State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.frontier.hosts import HostRow, HostTable
    from engine.frontier.hoststate import HostState
    from engine.frontier.store import Store

#: Hosts taken from disk at once.
ACTIVATE_BATCH: Final = 64

#: A host's tasks on disk are counted for the time estimate up to so many, and for so many hosts a heartbeat.
COUNT_AT_MOST: Final = 100_000
COUNTS_A_BEAT: Final = 200


#: Why a host is given up for good; other condemnations follow from the settings or the host's name each time.
GIVEN_UP: Final = frozenset({
    FailureKind.CIRCUIT_OPEN, FailureKind.DNS_NOT_FOUND, FailureKind.RATE_LIMITED, FailureKind.ROBOTS_DISALLOWED
})  # fmt: skip


class HostFactory(Protocol):
    """Makes a host's state from the settings (`sites:` rules, breaker, limits) and what is remembered of it."""

    def host(self, number: int, name: str, site: Gate, memory: HostMemory, now: float) -> HostState:
        """The state with its breaker and its pauses as they were left."""

    def site_limit(self, host: str) -> int:
        """Requests in flight that all hosts of the host's site may share; 0 = no limit."""


class Residence:
    """The active hosts and their sites. `wall_offset` added to monotonic seconds gives seconds since the epoch."""

    def __init__(  # noqa: PLR0913 - keyword-only but for the three parts
        self, store: Store, table: HostTable, factory: HostFactory, *, max_active: int, wall_offset: float, now: float
    ) -> None:
        self._store = store
        self._table = table
        self._factory = factory
        self._max_active = max_active
        self._wall = wall_offset
        self._opened_at = now
        self.hosts: dict[int, HostState] = {}
        self.sites: dict[str, Gate] = {}
        self.deferred: Failure | None = None  # every host that becomes active ends with this
        self.disk_due = -inf  # when the first host on disk is due, monotonic; -inf: not looked at; inf: none there

    @property
    def room(self) -> int:
        """How many more hosts may be active."""
        return self._max_active - len(self.hosts)

    def found(self, hosts: Mapping[int, str]) -> None:
        """Tasks came in for hosts (names by id) that are not active."""
        self._table.found(hosts)
        self.disk_due = -inf

    def activate(self, now: float) -> list[HostState]:
        """Hosts that are due, as far as there is room."""
        limit = min(self.room, ACTIVATE_BATCH)
        if limit <= 0:
            return []
        rows = self._table.activate(limit, now + self._wall)
        due = self._table.next_due()
        self.disk_due = inf if due is None else due - self._wall
        return [self._add(row, now) for row in rows if row.id not in self.hosts]

    def activate_any(self, now: float) -> list[HostState]:
        """Hosts with work on disk, whenever they are due, as far as there is room."""
        rows = self._table.activate(max(0, min(self.room, ACTIVATE_BATCH)), inf)
        self.disk_due = -inf
        return [self._add(row, now) for row in rows]

    def named(self, name: str, now: float) -> HostState:
        """The state of a host that a redirect leads to, whether or not it has tasks of its own."""
        number = host_id(name)
        if number not in self.hosts:
            self._table.enter(number, name)
        return self.numbered(number, now)

    def numbered(self, number: int, now: float) -> HostState:
        """The state of a host that the frontier has, whenever it is due."""
        host = self.hosts.get(number)
        return self._add(self._table.activate_one(number), now) if host is None else host

    def _add(self, row: HostRow, now: float) -> HostState:
        site_name = site_of(row.name)
        site = self.sites.get(site_name)
        if site is None:
            site = self.sites[site_name] = Gate(site_name, self._factory.site_limit(row.name))
        site.members += 1
        memory = row.memory
        memory.age(now + self._wall)
        host = self._factory.host(row.id, row.name, site, memory, now)
        host.open = set(self._store.bands(row.id))
        host.cursors = {band: memory.cursors.get(str(band), row.cursor) for band in host.open}
        host.crawl_delay(memory.crawl_delay_s)
        host.next_due = max(now, row.due - self._wall)
        if row.stale:  # another process may have asked it up to its death: treated as asked just now
            host.next_due = max(host.next_due, self._opened_at + host.delay_s)
        host.answered = memory.answered
        if memory.condemned is not None:
            host.condemned = Failure(FailureKind(memory.condemned[0]), memory.condemned[1])
        host.condemned = host.condemned or self.deferred
        for not_before, task in self._store.waiting_of(row.id):
            host.push_waiting(not_before - self._wall, task)
        self.hosts[row.id] = host
        return host

    # -- leaving --------------------------------------------------------------------------------------------------

    def retire_if_settled(self, host: HostState, now: float) -> None:
        """A host with nothing left to do, all of it committed, becomes idle on disk."""
        if host.id in self.hosts and host.settled:
            self._leave(host, now, due=host.next_due, cursor=self._store.last_n, idle=True)

    def park(self, host: HostState, at: float, now: float) -> bool:
        """A host that must wait until `at` goes to disk with its queue; False where something of it is under way."""
        if not host.at_rest or host.condemned is not None:
            return False
        self.unload(host)
        # What was handed out and put back lies behind a cursor that later tasks have passed: it waits by name.
        self._store.add_waiting([Waiting(task.key, at + self._wall, task.attempts) for task in host.returned])
        host.returned.clear()
        host.waiting.clear()
        self._leave(host, now, due=at, cursor=min(host.cursors.values(), default=-1), idle=False)
        self.disk_due = min(self.disk_due, at)
        return True

    def shorten_queue(self, until: float, now: float) -> None:
        """Hosts at the end of the longest queue before a gate go to disk: those of one site may fill all places."""
        gates = {id(host.parked_at): host.parked_at for host in self.hosts.values() if host.parked_at is not None}
        gate = max(gates.values(), key=lambda gate: len(gate.parked), default=None)
        if gate is not None:
            for host in list(islice(reversed(gate.parked), min(ACTIVATE_BATCH, len(gate.parked) // 2))):
                self.park(host, until, now)

    def epoch(self, at: float) -> float:
        """Monotonic seconds as seconds since the epoch, which is what the disk holds."""
        return at + self._wall

    @staticmethod
    def unload(host: HostState) -> None:
        """Give the tasks of the last refill back to the disk: their band's cursor returns to before them."""
        if host.queue:
            if host.pending >= 0:
                host.pending += len(host.queue)
            first = host.queue[0].key
            host.cursors[first.band] = first.n - 1
            host.open.add(first.band)
            host.queue.clear()

    def _leave(self, host: HostState, now: float, *, due: float, cursor: int, idle: bool) -> None:
        self._table.park(host.id, self._memory(host, now, idle=idle), cursor=cursor, due=due + self._wall, idle=idle)
        host.entry_at = None
        if host.parked_at is not None:
            host.parked_at.parked.remove(host)
            host.parked_at = None
        del self.hosts[host.id]
        host.site.members -= 1
        if not host.site.members:
            del self.sites[host.site.name]

    def save(self, host: HostState, now: float) -> None:
        """Write what is remembered of an active host, for a successor of this process."""
        if host.id in self.hosts:
            self._table.save(host.id, self._memory(host, now, idle=True), due=host.next_due + self._wall)

    def _memory(self, host: HostState, now: float, *, idle: bool) -> HostMemory:
        """`idle`: the row's one cursor says it all, or the successor reads from the start."""
        banded = not idle and len(host.cursors) > 1
        pauses, pause_left_s = host.pause.snapshot(now)
        given_up = host.condemned if host.condemned and host.condemned.kind in GIVEN_UP else None
        closed = host.breaker.state is State.CLOSED
        return HostMemory(
            cursors={str(band): after for band, after in host.cursors.items()} if banded else {},
            pause_left_s=pause_left_s,
            pauses=pauses,
            breaker=None if closed else list(host.breaker.snapshot(now)),
            condemned=[given_up.kind.value, given_up.message] if given_up else None,
            answered=host.answered,
            crawl_delay_s=host.crawl_delay_s,
            written_at=now + self._wall,
        )

    # -- figures --------------------------------------------------------------------------------------------------

    def tails(self) -> list[tuple[float, int, HostState]]:
        """(seconds, URLs left, host) of the active hosts that a delay holds back; counts are estimates."""
        found: list[tuple[float, int, HostState]] = []
        counted = 0
        for host in self.hosts.values():
            delay = host.delay_s
            if delay <= 0:
                continue
            if host.pending < 0 and counted < COUNTS_A_BEAT:
                counted += 1
                cursors = {band: host.cursors.get(band, -1) for band in host.open}
                host.pending = self._store.ahead(host.id, cursors, COUNT_AT_MOST)
            left = max(host.pending, 0) + len(host.queue) + len(host.returned) + len(host.waiting)
            if left:
                found.append((left * delay, left, host))
        return found
