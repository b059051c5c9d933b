"""A host while it is in memory: its tasks at hand, and all that decides when it may next be asked."""

from __future__ import annotations

from collections import deque
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from asyncio import Future

    from engine.model.outcome import Failure
    from engine.model.task import Task, TaskKey
    from engine.policy.aimd import HostLimit
    from engine.policy.breaker import Breaker
    from engine.policy.politeness import Pause

#: Tasks of one host that wait for a retry in memory: at so many it takes no new ones.
MAX_WAITING: Final = 64


class Gate:
    """Requests in flight to what several hosts share, a site or an address, and the hosts parked at its limit."""

    __slots__ = ("in_flight", "limit", "members", "name", "parked")

    def __init__(self, name: str, limit: int) -> None:
        self.name = name
        self.limit = limit  # 0 = no limit
        self.in_flight = 0
        self.members = 0
        self.parked: deque[HostState] = deque()

    @property
    def full(self) -> bool:
        """Whether one more request would be beyond the limit."""
        return 0 < self.limit <= self.in_flight


class HostState:
    """One active host. Times are monotonic seconds. The schedule alone moves it between its queues."""

    __slots__ = (
        "address", "answered", "breaker", "breaker_open", "condemned", "crawl_delay_s", "cursors", "entry_at", "id",
        "in_flight", "limit", "name", "next_due", "open", "parked_at", "pause", "pending", "queue", "returned",
        "robots_pending", "served", "silent", "site", "turns", "uncommitted", "unwritten", "waiting",
    )  # fmt: skip

    def __init__(  # noqa: PLR0913, PLR0917 - the parts that a host is made of
        self, number: int, name: str, site: Gate, limit: HostLimit, breaker: Breaker, pause: Pause
    ) -> None:
        self.id = number
        self.name = name
        self.site = site
        self.address: Gate | None = None  # known once connected, where politeness.max_per_ip is set
        self.limit = limit
        self.breaker = breaker
        self.breaker_open = False  # as it was last seen in this process
        self.pause = pause
        self.answered = False  # has answered below 500 in this run
        self.silent = False  # when last asked there was no answer, from wherever
        self.condemned: Failure | None = None  # all its URLs end with this
        self.cursors: dict[int, int] = {}  # band -> the sequence number up to which its tasks were read from disk
        self.open: set[int] = set()  # bands that may have more on disk
        self.pending = -1  # tasks on disk behind the cursors, about; -1: not counted yet
        self.queue: deque[Task] = deque()  # the last refill, in order
        self.returned: deque[Task] = deque()  # handed out and put back, served first
        self.waiting: list[tuple[float, int, Task]] = []  # a heap of (not before, n, task)
        self.turns: deque[Future[Any]] = deque()  # redirect hops and robots.txt, served before tasks
        self.robots_pending = 0  # robots.txt under way, one an origin at the most: its tasks wait until all are there
        self.crawl_delay_s = 0.0  # what its robots.txt asks for, as far as it is heeded
        self.in_flight = 0
        self.unwritten = 0  # of those, not yet written to the socket: the delay is not running yet
        self.uncommitted = 0  # tasks handed out whose end is not committed
        self.next_due = 0.0
        self.served = 0  # when last handed out, as a sequence number
        self.entry_at: float | None = None  # the time of its one valid heap entry
        self.parked_at: Gate | None = None

    @property
    def delay_s(self) -> float:
        """The least time from one request's writing to the next one's."""
        return self.limit.delay_s

    @property
    def has_tasks(self) -> bool:
        """Whether a task could be handed out but for time."""
        return bool(self.returned or self.queue or self.open or self.waiting)

    @property
    def at_rest(self) -> bool:
        """Nothing of it is under way."""
        return not (self.in_flight or self.uncommitted or self.turns or self.robots_pending)

    @property
    def settled(self) -> bool:
        """Nothing is left of it but what is on disk."""
        return not self.has_tasks and self.at_rest

    def open_at(self, now: float) -> float | None:
        """When its delay, its pause and its breaker let it be asked; None until the probe that is out has ended."""
        admitted_at = self.breaker.retry_at(now)
        return None if admitted_at is None else max(self.next_due, self.pause.until, admitted_at)

    def ready_at(self, now: float) -> float | None:
        """The earliest time that its next request may be written; None while something else must happen first."""
        at = self.open_at(now)
        if at is None:
            return None
        if self.turns:
            return at
        if self.robots_pending:
            return None
        if self.returned or self.queue or (self.open and len(self.waiting) < MAX_WAITING):
            return at
        if self.waiting:
            return max(at, self.waiting[0][0])
        return None

    def crawl_delay(self, delay_s: float) -> None:
        """Its robots.txt asks for so many seconds between requests; our own delay is never shortened."""
        before_s = self.delay_s
        self.crawl_delay_s = delay_s
        self.limit.base_delay_s = max(self.limit.base_delay_s, delay_s)
        self.next_due += self.delay_s - before_s  # it holds from the last request on, the robots.txt itself

    def push_waiting(self, not_before: float, task: Task) -> None:
        """Take back a task to be tried again."""
        heappush(self.waiting, (not_before, task.key.n, task))

    def pop_by_name(self, key: TaskKey) -> Task | None:
        """A task that waits, whenever its time is, or was put back."""
        for at, entry in enumerate(self.waiting):
            if entry[2].key == key:
                del self.waiting[at]
                heapify(self.waiting)
                return entry[2]
        for at, task in enumerate(self.returned):
            if task.key == key:
                del self.returned[at]
                return task
        return None

    def pop_waiting(self, now: float) -> Task | None:
        """A task whose waiting time is over."""
        if self.waiting and self.waiting[0][0] <= now:
            return heappop(self.waiting)[2]
        return None
