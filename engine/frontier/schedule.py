"""A shard's schedule: tasks come in, are handed out by host, and come back. :mod:`.order` says which host is next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from engine.frontier.hoststate import MAX_WAITING
from engine.frontier.order import Order
from engine.frontier.results import Waiting

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Iterable

    from engine.frontier.hoststate import Gate, HostState
    from engine.frontier.residence import Residence
    from engine.frontier.store import Store
    from engine.model.entries import Entries
    from engine.model.outcome import Failure
    from engine.model.task import Task, TaskKey

#: Tasks kept in memory over all active hosts; each holds a refill batch of its share of them.
TASKS_IN_MEMORY: Final = 40_000
MIN_REFILL: Final = 4
MAX_REFILL: Final = 64


class Schedule(Order):
    """The active hosts of one shard and their tasks; `now` is monotonic seconds throughout."""

    def __init__(self, store: Store, residence: Residence) -> None:
        super().__init__(residence)
        self._store = store

    # -- ingest ---------------------------------------------------------------------------------------------------

    def insert(self, entries: Entries, cursor: tuple[int, int], now: float, *, found: bool = False) -> None:
        """Take a slice of an ingest batch, or `found` links, into the frontier."""
        inserted = self._store.insert(entries, cursor, found=found)
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
        for number in active:
            del inserted.names[number]
        if inserted.names:
            self._residence.found(inserted.names)

    # -- handing out ----------------------------------------------------------------------------------------------

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
