"""Which host may be asked next: the hosts in memory, ordered by due time, equal ones by least recently served.

Each active host is in one place at a time: in the heap under the time it is due; parked at its site's or its address's
limit; or in neither, while it waits for an event of its own (a request must first be written or end, a robots.txt
arrive). Every such event ends in :meth:`Schedule.push`, so nothing is ever scanned for.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush, nlargest
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from engine.frontier.hoststate import MAX_WAITING
from engine.frontier.residence import ACTIVATE_BATCH
from engine.frontier.store import Waiting

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Iterable, Sequence

    from engine.frontier.hoststate import Gate, HostState
    from engine.frontier.residence import Residence
    from engine.frontier.store import Store
    from engine.model.messages import TaskEntry
    from engine.model.outcome import Failure
    from engine.model.task import Task, TaskKey

#: Tasks kept in memory over all active hosts; each holds a refill batch of its share of them.
TASKS_IN_MEMORY: Final = 40_000
MIN_REFILL: Final = 4
MAX_REFILL: Final = 64

#: Hosts in memory for each slot, below which more are brought although some are due: so many take turns.
WARM_HOSTS_A_SLOT: Final = 4

#: Entries that earlier ones have superseded stay in the heap until their time; at more than this they are dropped.
MAX_ENTRIES_A_HOST: Final = 4

#: A host that may not be asked for so long makes room for one that waits on disk.
PARK_AFTER_S: Final = 10.0

#: With no room, all hosts in memory are looked through for such hosts, so often at the most.
MAKE_ROOM_EVERY_S: Final = 1.0


class Schedule:
    """The active hosts of one shard; `now` is monotonic seconds throughout."""

    def __init__(self, store: Store, residence: Residence) -> None:
        self._store = store
        self._residence = residence
        self.hosts = residence.hosts
        self._heap: list[tuple[float, int, int, HostState]] = []
        self._sequence = 0
        self._condemned: dict[int, HostState] = {}
        self._turning: dict[int, HostState] = {}  # hosts with turns
        self._make_room_at = 0.0

    # -- ingest ---------------------------------------------------------------------------------------------------

    def insert(
        self, entries: Sequence[TaskEntry], cursor: tuple[int, int], now: float, *, found: bool = False,
        made: bytearray | None = None,
    ) -> None:  # fmt: skip
        """Take a slice of an ingest batch, with the prints that were `made`, or `found` links, into the frontier."""
        inserted = self._store.insert(entries, cursor, found=found, made=made)
        active = inserted.names.keys() & self.hosts.keys()
        for number, bands in inserted.bands_of(active).items():
            host = self.hosts[number]
            host.open.update(bands)
            for band in set(bands):
                host.cursors.setdefault(band, -1)  # not among its bands when it came to memory: nothing of it was read
            if host.pending >= 0:
                host.pending += len(bands)
            if host.queue and min(bands) < host.queue[0].key.band:
                self._residence.unload(host)  # what came in goes before what was read
            if host.condemned is not None:
                self._condemned[number] = host
            self.push(host, now)
        if len(active) < len(inserted.names):
            self._residence.found(item for item in inserted.names.items() if item[0] not in active)

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

    def named(self, name: str, now: float) -> HostState:
        """The host that a redirect leads to. If it comes off the disk for that, its own tasks have come along."""
        host = self._residence.named(name, now)
        if host.condemned is not None:
            self._condemned[host.id] = host
        return host

    def take_by_name(self, key: TaskKey, now: float) -> tuple[HostState, Task] | None:
        """Hand out a task that waits, or was put back, whenever its time is; None where it is not to be fetched."""
        host = self._residence.numbered(key.host_id, now)
        if host.condemned is not None:
            self._condemned[host.id] = host
            return None
        task = host.pop_by_name(key)
        host.uncommitted += task is not None
        self.push(host, now)  # its other tasks have come off the disk with it; it may go back there if nothing is out
        return None if task is None else (host, task)

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

    def next_due(self) -> float | None:
        """When :meth:`pop` may next have a host, None while that needs an event."""
        heap = self._heap
        while heap and heap[0][3].entry_at != heap[0][0]:
            heappop(heap)
        first = heap[0][0] if heap else float("inf")
        if self._residence.room > 0:
            first = min(first, self._residence.disk_due)
        return None if first == float("inf") else first

    def next_task(self, host: HostState, now: float) -> Task | None:
        """A task of a host that was popped; None where it turns out to have none left."""
        if (task := host.pop_waiting(now)) is None:
            if host.returned:
                task = host.returned.popleft()
            else:
                if not host.queue and len(host.waiting) < MAX_WAITING:
                    self._refill(host)
                task = host.queue.popleft() if host.queue else None
        if task is None:
            self.revisit(host, now)
            self._pass_on(host, now)
        else:
            host.uncommitted += 1
        return task

    def _refill(self, host: HostState) -> None:
        limit = max(MIN_REFILL, min(MAX_REFILL, TASKS_IN_MEMORY // max(1, len(self.hosts))))
        while host.open:
            band = min(host.open)
            tasks = self._store.take(host.id, band, host.cursors.get(band, -1), limit)
            if len(tasks) < limit:
                host.open.discard(band)
            if tasks:
                host.cursors[band] = tasks[-1].key.n
                host.queue.extend(tasks)
                host.pending = max(host.pending - len(tasks), -1 if host.pending < 0 else 0)
                return

    # -- events ---------------------------------------------------------------------------------------------------

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
        if len(self._heap) > MAX_ENTRIES_A_HOST * len(self.hosts) + MIN_REFILL:
            self._drop_superseded()

    def revisit(self, host: HostState, now: float) -> None:
        """An event of the host's own is over: it goes where it belongs, on disk if nothing is left of it."""
        self.push(host, now)
        self._residence.retire_if_settled(host, now)

    def add_turn(self, host: HostState, turn: Future[Any], now: float) -> None:
        """A request that goes before the host's tasks; its future is given what the one who pops the host decides."""
        host.turns.append(turn)
        self._turning[host.id] = host
        self.push(host, now)

    def take_turn(self, host: HostState) -> Future[Any]:
        """The oldest turn of a host that was popped, or is to have none."""
        turn = host.turns.popleft()
        if not host.turns:
            del self._turning[host.id]
        return turn

    def granted(self, host: HostState, now: float) -> Gate | None:
        """A request to a popped host begins; the address gate that it is counted at is returned."""
        self._sequence += 1
        host.served = self._sequence
        host.in_flight += 1
        host.unwritten += 1
        host.site.in_flight += 1
        if host.address is not None:
            host.address.in_flight += 1
        if host.delay_s <= 0:
            host.next_due = max(host.next_due, now)  # in turn with the others, although no delay holds it
        self.push(host, now)
        return host.address

    def written(self, host: HostState, next_due: float, now: float) -> None:
        """The request was written to its socket, or will not be: the delay runs."""
        host.unwritten -= 1
        host.next_due = max(host.next_due, next_due)
        if host.delay_s > 0:  # else nothing has waited for it
            self.push(host, now)

    def released(self, host: HostState, address: Gate | None, now: float) -> None:
        """The request ended; `address` is the gate that it was counted at."""
        host.in_flight -= 1
        for gate in (host.site, address):
            if gate is not None:
                gate.in_flight -= 1
                self._unpark(gate, now)
        self.revisit(host, now)

    def moved(self, old: Gate | None, new: Gate, now: float) -> None:
        """A request turned out to go to another address than its host's last one."""
        new.in_flight += 1
        if old is not None:
            old.in_flight -= 1
            self._unpark(old, now)

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

    def put_back(self, host: HostState, task: Task, now: float) -> None:
        """A task that was handed out comes back as if it had not been."""
        host.uncommitted -= 1
        host.returned.append(task)
        if host.condemned is not None:
            self._condemned[host.id] = host
        self.push(host, now)

    def retry(self, host: HostState, task: Task, not_before: float, now: float) -> None:
        """A task comes back to be tried again."""
        self._store.add_waiting([Waiting(task.key, self._residence.epoch(not_before), task.attempts)])
        host.uncommitted -= 1
        host.push_waiting(not_before, task)
        if host.condemned is not None:
            self._condemned[host.id] = host
        self.push(host, now)

    def committed(self, keys: Iterable[TaskKey], now: float) -> None:
        """The ends of these tasks are on disk."""
        for key in keys:
            host = self.hosts[key.host_id]
            host.uncommitted -= 1
            if not host.uncommitted:
                self._residence.retire_if_settled(host, now)

    # -- condemned hosts ------------------------------------------------------------------------------------------

    def condemn(self, host: HostState, failure: Failure) -> None:
        """All URLs of a host end with this failure: nothing more is asked of it."""
        host.condemned = failure
        host.entry_at = None
        self._condemned[host.id] = host
        while host.turns:
            turn = self.take_turn(host)
            if not turn.done():
                turn.set_result(None)

    def defer(self, failure: Failure) -> None:
        """Give up all hosts, those on disk and those to come too: every URL that is left ends with this failure."""
        self._residence.deferred = failure
        for host in list(self.hosts.values()):
            if host.condemned is None:
                self.condemn(host, failure)

    def next_condemned(self, limit: int, now: float) -> tuple[HostState, list[Task]] | None:
        """Some tasks of a condemned host, handed out to be ended in bulk; None where there is none left."""
        if not self._condemned and self._residence.deferred is not None:
            self._condemned.update((host.id, host) for host in self._residence.activate_any(now))
        while self._condemned:
            host = next(iter(self._condemned.values()))
            tasks = [task for _, _, task in host.waiting]
            host.waiting.clear()
            while len(tasks) < limit:
                if not host.queue and not host.returned:
                    self._refill(host)
                if host.returned:
                    tasks.append(host.returned.popleft())
                elif host.queue:
                    tasks.append(host.queue.popleft())
                else:
                    del self._condemned[host.id]
                    break
            host.uncommitted += len(tasks)
            if tasks:
                return host, tasks
            self._residence.retire_if_settled(host, now)
        return None

    # -- places ---------------------------------------------------------------------------------------------------

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
