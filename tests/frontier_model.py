"""A frontier as the shard uses it, on a real file; its hosts follow a few plain rules, its time is the test's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.frontier.hosts import HostTable
from engine.frontier.hoststate import HostState
from engine.frontier.index import GENERATION
from engine.frontier.residence import Residence
from engine.frontier.results import Finished
from engine.frontier.schedule import Schedule
from engine.frontier.store import Store
from engine.model.entries import Entries
from engine.model.outcome import Failure, FailureKind
from engine.model.task import CommitRecord, position
from engine.policy.aimd import HostLimit, HostRules
from engine.policy.breaker import Breaker, BreakerRules
from engine.policy.politeness import Pause

if TYPE_CHECKING:
    from pathlib import Path

EPOCH = 1_700_000_000.0


class PlainFactory:
    """Every host alike, but for `delays` by name; sites have `site_limit` places."""

    def __init__(self, delay_s=1.0, max_per_host=1, site_limit=0, delays=None):
        self._delay_s = delay_s
        self._rules = HostRules(max_per_host)
        self._site_limit = site_limit
        self._delays = delays or {}

    def host(self, number, name, site, memory, now):
        breaker = Breaker(BreakerRules())
        if memory.breaker is not None:
            breaker = Breaker.restore(BreakerRules(), tuple(memory.breaker), now)
        pause = Pause.restore((memory.pauses, memory.pause_left_s), now)
        limit = HostLimit(self._rules, self._delays.get(name, self._delay_s))
        host = HostState(number, name, site, limit, breaker, pause)
        if not name:
            host.condemned = Failure(FailureKind.INVALID_URL, "not a URL")
        return host

    def site_limit(self, _host):
        return self._site_limit


class Frontier:
    """One opening of a frontier file. A page's row is taken to be ten bytes long."""

    def __init__(
        self,
        path: Path,
        now: float = 0.0,
        *,
        max_active: int = 100,
        factory: PlainFactory | None = None,
        generation: int = GENERATION,
    ):
        self.store = Store.open(path, create=True)
        self.store.index.generation = generation
        self.table = HostTable(self.store)
        self.table.reopen()
        self.store.commit()
        self.residence = Residence(
            self.store, self.table, factory or PlainFactory(), max_active=max_active, wall_offset=EPOCH, now=now
        )
        self.schedule = Schedule(self.store, self.residence)
        last = self.store.last_commit()
        self.end = last.offset + last.length if last else 0

    def kill(self):
        """As a SIGKILL leaves the file: what was not committed is gone."""
        if self.store.db.in_transaction:
            self.store.db.execute("ROLLBACK")
        self.store.db.close()

    def insert(self, *urls: tuple[str, str], now=0.0, priority=0):
        """Insert (host, path) with the next ordinals of input 0."""
        first = self.store.cursor[1] + 1
        entries = [entry(first + at, host, path, priority) for at, (host, path) in enumerate(urls)]
        self.schedule.insert(Entries.of(entries), (0, first + len(urls) - 1), now)

    def commit(self, ends, now):
        """Commit (task, kind or None) as the shard does: append, note, make durable, tell the schedule."""
        if ends:
            record = CommitRecord(self.end, 10 * len(ends), 10 * len(ends), 0, len(ends))
            self.end += record.length
            self.store.add_commit(record, [Finished(t.key, kind, 10 * at, 10) for at, (t, kind) in enumerate(ends)])
        self.store.commit()
        self.schedule.committed([task.key for task, _ in ends], now)

    def hand_out(self, now, limit=100):
        """(host, task) of the next request, granted; None where no host is to be asked now."""
        while (host := self.schedule.pop(now, limit)) is not None:
            if (task := self.schedule.next_task(host, now)) is not None:
                self.schedule.granted(host, now)
                return host, task
        return None

    def ask(self, now, limit=100):
        """Hand out, write and answer one request; its task."""
        if (found := self.hand_out(now, limit)) is None:
            return None
        host, task = found
        self.schedule.written(host, now + host.delay_s, now)
        self.schedule.released(host, None, now)
        return host, task

    def drain(self, now, max_steps=10_000):
        """Ask and commit until nothing is left, as time goes by: (time, URL) in order. Fails where work is stranded."""
        asked = []
        stuck = 0
        for _ in range(max_steps):
            found = self.ask(now)
            while (condemned := self.schedule.next_condemned(50, now)) is not None:
                self.commit([(task, FailureKind.CIRCUIT_OPEN) for task in condemned[1]], now)
            stuck = 0 if found is not None else stuck + 1
            if found is not None:
                asked.append((now, found[1].fetch_url))
                self.commit([(found[1], None)], now)
            elif (due := self.schedule.next_due()) is not None and due > now:
                now = due if self.residence.room > 0 else min(due, now + 1.0)  # the shard looks again on each tick
            elif self.left == 0:
                return asked
            elif stuck > 3:
                break
            else:
                now += 1.0
        raise AssertionError(f"{self.left} tasks are stranded")

    @property
    def left(self):
        counters = self.store.counters
        return counters.get("known", 0) - counters.get("done", 0) - counters.get("failed", 0)


def entry(ordinal, host, path="/", priority=0, input_index=0):
    """A TASKS entry; host "" makes a line that is no URL, with `path` as its text."""
    url = f"http://{host}{path}" if host else path
    return [position(input_index, ordinal), priority, url, None, host, None, None]
