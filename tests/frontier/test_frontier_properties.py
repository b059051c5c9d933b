"""The frontier against a model: whatever comes in whatever order, each URL ends once, none is out twice at a time."""

from __future__ import annotations

import tempfile
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

from frontier_model import Frontier, PlainFactory, entry
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from engine.model.entries import Entries
from engine.model.outcome import Failure, FailureKind
from engine.model.url import host_id

HOSTS = ("a.test", "b.test", "x.s.test", "y.s.test", "z.s.test", "fast.test", "")
FACTORY = PlainFactory(delay_s=1.0, max_per_host=2, site_limit=2, delays={"fast.test": 0.0})

lines = st.lists(
    st.tuples(st.sampled_from(HOSTS), st.integers(0, 30), st.sampled_from((0, 0, 0, 5, -3))), min_size=1, max_size=12
)


@dataclass
class Model:
    """What the file has to say of each URL, by its text."""

    order: dict[str, tuple[str, int, int]] = field(default_factory=dict)  # URL -> (host, band, position)
    ended: dict[str, FailureKind | None] = field(default_factory=dict)
    waiting: dict[str, tuple[float, int]] = field(default_factory=dict)  # not before, attempts
    condemned: set[str] = field(default_factory=set)


@settings(max_examples=40, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck))
class FrontierMachine(RuleBasedStateMachine):
    @initialize(max_active=st.integers(1, 5), generation=st.sampled_from((2, 7, 1000)))
    def start(self, max_active, generation):
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "f.sqlite"
        self.now = 0.0
        self.max_active = max_active
        self.generation = generation
        self.sent = []  # every entry of the input so far
        self.model = Model()
        self.open()
        self.remember()

    def open(self):
        self.frontier = Frontier(
            self.path, self.now, max_active=self.max_active, factory=FACTORY, generation=self.generation
        )
        self.in_flight = {}  # URL -> (host, task, written)
        self.ends = []  # (task, kind) that wait for the commit
        self.touched = set()  # handed out in this process: what is put back goes first, out of its order
        self.due = {}  # host -> the earliest time of its next request, by its own delay

    def remember(self):
        """What a kill from here on leaves."""
        self.durable = deepcopy(self.model)

    # -- what may happen ------------------------------------------------------------------------------------------

    @rule(found=lines)
    def ingest(self, found):
        first = len(self.sent) + 1
        self.send([entry(first + at, host, f"/{n}", priority) for at, (host, n, priority) in enumerate(found)])

    @precondition(lambda self: self.sent)
    @rule(back=st.integers(1, 40))
    def ingest_again(self, back):
        """A resume reads again from a lower cursor: nothing changes."""
        before = dict(self.frontier.store.counters)
        self.frontier.schedule.insert(Entries.of(self.sent[-back:]), (0, len(self.sent)), self.now)
        assert self.frontier.store.counters == before

    def send(self, entries):
        self.sent += entries
        self.frontier.schedule.insert(Entries.of(entries), (0, len(self.sent)), self.now)
        self.note(entries)

    def note(self, entries):
        for where, priority, url, _, host, _, _ in entries:
            self.model.order.setdefault(url, (host, -priority, where))

    @rule()
    def ask(self):
        found = self.frontier.hand_out(self.now)
        if found is None:
            return
        host, task = found
        url, model = task.fetch_url, self.model
        assert url not in model.ended
        assert url not in self.in_flight
        assert url not in {ended.fetch_url for ended, _ in self.ends}
        assert host.name not in model.condemned
        assert self.due.get(host.name, 0.0) <= self.now + 1e-6
        assert sum(name.name == host.name for name, _, _ in self.in_flight.values()) < 2
        assert sum(name.site is host.site for name, _, _ in self.in_flight.values()) < 2
        if url in model.waiting:
            not_before, attempts = model.waiting[url]
            assert not_before <= self.now + 1e-6
            assert task.attempts == attempts
        elif url not in self.touched:
            self.check_order(host.name, url)
        self.in_flight[url] = (host, task, False)
        self.touched.add(url)

    def check_order(self, name, url):
        """Of a host's URLs that nobody has touched: the smallest band first, then the order of the input."""
        busy = {task.fetch_url for task, _ in self.ends} | self.touched | set(self.model.waiting)
        fresh = {
            other: place
            for other, place in self.model.order.items()
            if place[0] == name and other not in busy and other not in self.model.ended
        }
        assert url == min(fresh, key=lambda other: fresh[other][1:])

    @precondition(lambda self: self.in_flight)
    @rule(data=st.data())
    def write(self, data):
        url = data.draw(st.sampled_from(sorted(self.in_flight)))
        host, task, written = self.in_flight[url]
        if not written:
            due = self.now + host.delay_s
            self.in_flight[url] = (host, task, True)
            self.due[host.name] = max(self.due.get(host.name, 0.0), due)
            self.frontier.schedule.written(host, due, self.now)

    @precondition(lambda self: self.in_flight)
    @rule(data=st.data(), how=st.sampled_from(("end", "end", "fail", "retry", "put back")), wait=st.floats(0, 60))
    def answer(self, data, how, wait):
        url = data.draw(st.sampled_from(sorted(self.in_flight)))
        host, task, written = self.in_flight.pop(url)
        schedule = self.frontier.schedule
        if not written:
            schedule.written(host, 0.0, self.now)
        schedule.released(host, None, self.now)
        if how == "put back":
            schedule.put_back(host, task, self.now)
        elif how == "retry" and host.condemned is None:
            task.attempts += 1
            self.model.waiting[url] = (self.now + wait, task.attempts)
            schedule.retry(host, task, self.now + wait, self.now)
        else:
            self.ends.append((task, FailureKind.HTTP_STATUS if how == "fail" else None))

    @rule()
    def commit(self):
        for task, kind in self.ends:
            self.model.ended[task.fetch_url] = kind
            self.model.waiting.pop(task.fetch_url, None)
        ends, self.ends = self.ends, []
        self.frontier.commit(ends, self.now)
        self.remember()

    @rule()
    def end_condemned(self):
        found = self.frontier.schedule.next_condemned(5, self.now)
        if found is not None:
            host, tasks = found
            assert host.name == "" or host.name in self.model.condemned
            for task in tasks:
                assert task.fetch_url not in self.in_flight
                assert task.fetch_url not in self.model.ended
            self.ends += [(task, host.condemned.kind) for task in tasks]

    @precondition(lambda self: self.frontier.residence.hosts)
    @rule(data=st.data(), for_s=st.floats(1, 60))
    def pause(self, data, for_s):
        """As a 429 does: the host is left alone, and its successor knows."""
        host = data.draw(st.sampled_from(sorted(self.frontier.residence.hosts.values(), key=lambda host: host.name)))
        host.pause.pause(self.now, for_s)
        self.due[host.name] = max(self.due.get(host.name, 0.0), host.pause.until)
        self.frontier.residence.save(host, self.now)

    @precondition(lambda self: self.frontier.residence.hosts)
    @rule(data=st.data(), dice=st.integers(0, 5))
    def condemn(self, data, dice):
        hosts = [host for host in self.frontier.residence.hosts.values() if host.condemned is None]
        if hosts and not dice:
            host = data.draw(st.sampled_from(sorted(hosts, key=lambda host: host.name)))
            self.model.condemned.add(host.name)
            self.frontier.schedule.condemn(host, Failure(FailureKind.CIRCUIT_OPEN, "given up"))
            self.frontier.residence.save(host, self.now)

    @rule(by=st.sampled_from((0.1, 1.0, 5.0, 30.0)))
    def time_goes_by(self, by):
        self.now += by

    @rule()
    def a_hop_looks_at_a_host(self):
        """As a redirect that robots.txt refuses does."""
        host = self.frontier.schedule.named("b.test", self.now)
        self.frontier.schedule.revisit(host, self.now)

    @rule(gracefully=st.booleans())
    def reopen(self, gracefully):
        if gracefully:
            self.commit()
            self.frontier.store.close()
        else:
            self.frontier.kill()
            self.model = deepcopy(self.durable)
        self.open()
        held = self.frontier.store.cursor[1]
        late = self.sent[max(0, held - 3) :]
        self.frontier.schedule.insert(Entries.of(late), (0, len(self.sent)), self.now)
        self.note(self.sent[held:])

    # -- what must hold -------------------------------------------------------------------------------------------

    @invariant()
    def counters_agree(self):
        counters, model = self.frontier.store.counters, self.model
        assert counters.get("known", 0) == len(model.order)
        assert counters.get("done", 0) == sum(kind is None for kind in model.ended.values())
        assert counters.get("failed", 0) == sum(kind is not None for kind in model.ended.values())
        waiting = self.frontier.store.db.execute("SELECT count(*) FROM waiting").fetchone()[0]
        assert counters.get("waiting", 0) == waiting >= len(model.waiting)  # with what was put back and then parked

    @invariant()
    def memory_is_bounded(self):
        hosts = self.frontier.residence.hosts
        assert len(hosts) <= self.max_active + 1  # one more where a redirect leads
        self.frontier.table.write()
        on_disk = dict(self.frontier.store.db.execute("SELECT id, status FROM host"))
        assert {number for number, status in on_disk.items() if status == 2} == set(hosts)
        blocks = self.frontier.store.db.execute("SELECT names FROM fresh")
        fresh = {host_id(name) for (names,) in blocks for name in names.split("\n")}
        for name in HOSTS:  # idle, and nothing came in since: nothing of it is left
            if on_disk.get(host_id(name)) == 0 and host_id(name) not in fresh:
                mine = {url for url, place in self.model.order.items() if place[0] == name}
                assert mine <= set(self.model.ended)

    def teardown(self):
        if not hasattr(self, "frontier"):
            return
        try:
            self.run_out()
        finally:
            self.frontier.store.close()
            self.folder.cleanup()

    def run_out(self):
        """With nothing but time, every URL ends, in one row each."""
        for url in sorted(self.in_flight):
            host, task, written = self.in_flight.pop(url)
            if not written:
                self.frontier.schedule.written(host, 0.0, self.now)
            self.frontier.schedule.released(host, None, self.now)
            self.ends.append((task, None))
        self.commit()
        self.frontier.drain(self.now)
        self.frontier.store.close()
        self.frontier = Frontier(self.path, self.now)
        known = len(self.model.order)
        by_completion = list(self.frontier.store.live_rows("completion"))
        by_input = list(self.frontier.store.live_rows("input"))
        assert [where for where, _, _ in by_input] == sorted(place[2] for place in self.model.order.values())
        assert sorted(by_completion) == sorted(by_input)
        places = [(place.commit, place.start) for _, place, _ in by_completion]
        assert places == sorted(set(places))
        assert len(places) == known


TestFrontier = FrontierMachine.TestCase
