"""Which host may be asked next: the hosts in memory, ordered by due time, equal ones by least recently served.

Each active host is in one place at a time: in the heap under the time it is due; parked at its site's or its address's
limit; or in neither, while it waits for an event of its own (a request must first be written or end, a robots.txt
arrive). Every such event ends in :meth:`Order.push`, so nothing is ever scanned for.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush, nlargest
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from engine.frontier.residence import ACTIVATE_BATCH

if TYPE_CHECKING:
    from engine.frontier.hoststate import Gate, HostState
    from engine.frontier.residence import Residence

#: Hosts in memory for each slot, below which more are brought although some are due: so many take turns.
WARM_HOSTS_A_SLOT: Final = 4

#: Entries that earlier ones have superseded stay in the heap until their time; at more than this they are dropped.
MAX_ENTRIES_A_HOST: Final = 4
FEW_ENTRIES: Final = 4

#: A host that may not be asked for so long makes room for one that waits on disk.
PARK_AFTER_S: Final = 10.0

#: With no room, all hosts in memory are looked through for such hosts, so often at the most.
MAKE_ROOM_EVERY_S: Final = 1.0


class Order:
    """The order of one shard's active hosts; `now` is monotonic seconds throughout."""

    def __init__(self, residence: Residence) -> None:
        self._residence = residence
        self.hosts = residence.hosts
        self._heap: list[tuple[float, int, int, HostState]] = []
        self._sequence = 0
        self._condemned: dict[int, HostState] = {}
        self._turning: dict[int, HostState] = {}  # hosts with turns
        self._make_room_at = 0.0

    # -- choosing -------------------------------------------------------------------------------------------------

    def pop(self, now: float, limit: int) -> HostState | None:
        """The host to ask now, or None; `limit` is what the shard may have on the network.

        No host gets more than a quarter of it in flight while another is due. Hosts come off the disk as they are
        needed to keep the slots busy: those in memory go first, or half a million robots.txt would come before the
        first page.
        """
        if len(self.hosts) < WARM_HOSTS_A_SLOT * limit and self._residence.disk_due <= now:
            self._admit(now)
        deferred: list[HostState] = []
        chosen = self._first(now, max(1, limit // 4), deferred)
        while chosen is None and self._residence.disk_due <= now and self._admit(now):
            chosen = self._first(now, max(1, limit // 4), deferred)
        if chosen is None and deferred:
            chosen = deferred.pop(0)  # nobody else is due: no slot stays idle for fairness' sake
        for host in deferred:
            self.push(host, now)
        return chosen

    def _first(self, now: float, share: int, deferred: list[HostState]) -> HostState | None:
        """Take the first host off the heap that is due and below its limits; those above their share are `deferred`."""
        heap = self._heap
        while heap and heap[0][0] <= now:
            at, _, _, host = heappop(heap)
            if host.entry_at != at:
                continue  # superseded by an earlier entry, or the host is gone
            host.entry_at = None
            ready = host.ready_at(now)
            if ready is None or self._at_limit(host):
                self._pass_on(host, now)
            elif ready > now:
                self.push(host, now)
                self._pass_on(host, now)
            elif host.site.full:
                self._park_at(host, host.site)
            elif host.address is not None and host.address.full:
                self._park_at(host, host.address)
                self._unpark(host.site, now)
            elif host.in_flight >= share:
                deferred.append(host)
            else:
                return host
        return None

    def pop_turn(self, now: float) -> HostState | None:
        """A host to ask now whose next request is a turn. There are no more of them than pages under way."""
        for host in self._turning.values():
            ready, gates = host.ready_at(now), (host.site, host.address)
            if ready is None or ready > now or self._at_limit(host) or any(gate and gate.full for gate in gates):
                continue
            host.entry_at = None
            if host.parked_at is not None:  # another host was to take the place, but is no turn
                host.parked_at.parked.remove(host)
                host.parked_at = None
            return host
        return None

    def next_due(self) -> float | None:
        """When :meth:`pop` may next have a host, None while that needs an event."""
        heap = self._heap
        while heap and heap[0][3].entry_at != heap[0][0]:
            heappop(heap)
        first = heap[0][0] if heap else float("inf")
        if self._residence.room > 0:
            first = min(first, self._residence.disk_due)
        return None if first == float("inf") else first

    # -- coming and going -----------------------------------------------------------------------------------------

    def _admit(self, now: float) -> bool:
        """Bring hosts that are due from disk; where there is no room, hosts that must wait long give theirs."""
        if self._residence.room <= 0:
            self._make_room(now)
        hosts = self._residence.activate(now)
        for host in hosts:
            if host.condemned is not None:
                self._condemned[host.id] = host
            self.push(host, now)
        return bool(hosts)

    def _make_room(self, now: float) -> None:
        """Hosts that must wait long go to disk: those that wait longest for their time, then the last of a queue."""
        if now < self._make_room_at:
            return
        self._make_room_at = now + MAKE_ROOM_EVERY_S
        after = now + PARK_AFTER_S
        late = [host for host in self.hosts.values() if host.entry_at is not None and host.entry_at > after]
        for host in nlargest(ACTIVATE_BATCH, late, key=attrgetter("entry_at")):
            self._residence.park(host, host.entry_at or after, now)
        if self._residence.room <= 0:
            self._residence.shorten_queue(after, now)
        self._drop_superseded()

    def _drop_superseded(self) -> None:
        """Leave each host one entry, the valid one."""
        valid = {entry[3].id: entry for entry in self._heap if entry[3].entry_at == entry[0]}
        self._heap[:] = valid.values()  # in place: whoever is in the midst of it goes on with this one
        heapify(self._heap)

    # -- places ---------------------------------------------------------------------------------------------------

    def push(self, host: HostState, now: float) -> None:
        """Put a host where it belongs after anything about it changed."""
        if host.parked_at is not None or self._at_limit(host):
            return
        at = host.ready_at(now)
        if at is None or (host.entry_at is not None and host.entry_at <= at):
            return
        residence = self._residence
        crowded = residence.room <= 0 and residence.disk_due < at
        if at - now > PARK_AFTER_S and crowded and residence.park(host, at, now):
            return
        host.entry_at = at
        self._sequence += 1
        heappush(self._heap, (at, host.served, self._sequence, host))
        if len(self._heap) > MAX_ENTRIES_A_HOST * len(self.hosts) + FEW_ENTRIES:
            self._drop_superseded()

    def _pass_on(self, host: HostState, now: float) -> None:
        """A host that may have been to take a free place does not: the next one may."""
        for gate in (host.site, host.address):
            if gate is not None:
                self._unpark(gate, now)

    def _unpark(self, gate: Gate, now: float) -> None:
        while gate.parked and not gate.full:
            host = gate.parked.popleft()
            host.parked_at = None
            self.push(host, now)
            if host.entry_at is not None and host.entry_at <= now:
                return  # it will take the place, or pass it on; the next event unparks the next

    @staticmethod
    def _at_limit(host: HostState) -> bool:
        """Whether the host's next request must wait for one of its own to be written or to end."""
        if host.condemned is not None or (host.unwritten and host.delay_s > 0):
            return True
        return host.in_flight >= host.limit.limit

    @staticmethod
    def _park_at(host: HostState, gate: Gate) -> None:
        host.parked_at = gate
        gate.parked.append(host)
