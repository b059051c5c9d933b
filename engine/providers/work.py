"""The work of a run: submit what is planned, ask after what is out, take in what comes, until all has ended.

One coroutine decides, in rounds: which request may start now (:mod:`.gate`), which it is to be (a task whose time to be
asked after has come, and a planned lead, by turns), and when to look again. Each request is a task of one group and
ends by telling the store and waking the decider; a webhook does the same. There is no timer a job: a heap of due
times, however many jobs are out.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

from engine.observe.logs import get_logger
from engine.policy.job import State
from engine.policy.polls import deadline, first_poll_s, next_poll_s
from engine.policy.spending import Account, Allowance, allowance
from engine.providers.answers import Answers
from engine.providers.base import Answer, Fault, Refusal, Reply
from engine.providers.caller import Lost, NotSent
from engine.providers.due import DueTasks
from engine.providers.terms import Ending, Why, one_failure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.policy.success import SuccessWindow
    from engine.providers.base import Call, Provider
    from engine.providers.caller import Caller
    from engine.providers.gate import Gate, Pass
    from engine.providers.store import Ended, JobStore, Kept, Planned, Task
    from engine.providers.terms import Clock, WorkRules

_log = get_logger(__name__)

#: Planned leads read at once.
_REFILL: Final = 500

#: A task unknown to the provider so many times in a row is gone: one that has just been made may not be seen at once.
_GONE_ANSWERS: Final = 3

#: The adaptive limit is looked at so often, also while nothing happens.
_TICK_S: Final = 5.0


class Work:
    """One command's work on a store; `run` it once."""

    def __init__(  # noqa: PLR0913 - its parts, each made by the caller
        self,
        store: JobStore,
        provider: Provider,
        caller: Caller,
        *,
        gate: Gate,
        rules: WorkRules,
        account: Account,
        success: SuccessWindow,
        clock: Clock,
    ) -> None:
        self._store = store
        self._provider = provider
        self._caller = caller
        self._gate = gate
        self._rules = rules
        self._account = account
        self._success = success
        self._clock = clock
        self._answers = Answers(store, provider)
        self._wake = asyncio.Event()
        self._planned: deque[Planned] = deque()
        self._after_n = 0
        self._all_read = False
        self._due = DueTasks()
        self._cancels: deque[Call] = deque()
        self._gone: dict[int, int] = {}
        self._doubts: dict[int, float] = {}  # uncertain tasks that a webhook may yet speak of: until when
        self._leased = 0
        self._lease_until = 0.0
        self._poll_turn = False
        self._no_more: Ending | None = None  # nothing more is submitted, and why
        self._halted = False  # and nothing asked either

    # -- what others say ----------------------------------------------------------------------------------------------

    def interrupt(self) -> None:
        """Start no further request, and end when those that are out have."""
        self._halt(Ending(Why.INTERRUPTED))

    def event(self, event: Kept) -> None:
        """A webhook's call is in the store."""
        self._answers.queue(event)
        self._wake.set()

    # -- the decider --------------------------------------------------------------------------------------------------

    async def run(self) -> Ending:
        """Work until all is done, or until there is a reason to stop. Raises OutputError where the store cannot be."""
        try:
            return await self._decide()
        except ExceptionGroup as group:
            raise one_failure(group) from group

    async def _decide(self) -> Ending:
        now, wall = self._clock.now(), self._clock.wall()
        for task in self._store.open_tasks():
            self._due.ask_at(task, now + max(0.0, (task.next_poll or wall) - wall))
        self._answers.load()
        async with asyncio.TaskGroup() as group:
            while True:
                self._wake.clear()
                self._take_events()
                self._start(group)
                self._store.commit()  # requests of this round begin when this coroutine waits
                if self._finished():
                    break
                await self._sleep()
        return self._no_more or Ending(Why.DONE)

    def _finished(self) -> bool:
        if self._gate.in_flight:
            return False
        if self._halted:
            return True
        self._refill()
        now = self._clock.now()
        self._doubts = {task: until for task, until in self._doubts.items() if until > now}
        out = self._due or self._doubts or self._cancels
        return not out and (self._no_more is not None or not self._planned)

    async def _sleep(self) -> None:
        now = self._clock.now()
        at = now + _TICK_S
        gate_at = self._gate.retry_at(now)
        if not self._halted and gate_at is not None:
            if (due_at := self._due.first()) is not None:
                at = min(at, max(gate_at, due_at))
            if self._planned and self._no_more is None and self._allowance()[0] is Allowance.GO:
                at = min(at, gate_at)
        try:
            async with asyncio.timeout(max(0.0, at - now)):
                await self._wake.wait()
        except TimeoutError:
            pass  # it is time to look again
        self._gate.tick(self._clock.now())

    def _start(self, group: asyncio.TaskGroup) -> None:
        """Start every request that may start now; what is submitted is put on disk first, all in one commit."""
        now = self._clock.now()
        submits: list[tuple[list[Planned], Pass]] = []
        if not self._halted and (why := self._gate.hopeless()):
            self._halt(Ending(Why.THRESHOLD, why))
        while not self._halted and self._gate.ready(now):
            self._poll_turn = not self._poll_turn
            task = self._due.take(now) if self._poll_turn else None
            leads = [] if task is not None else self._next_leads()
            if task is None and not leads:
                task = self._due.take(now)
            if leads:
                submits.append((leads, self._gate.enter(now)))
                self._account.submitted += len(leads)
                self._account.out += len(leads)
            elif task is not None:
                group.create_task(self._poll(task, self._gate.enter(now)))
            elif self._cancels:
                group.create_task(self._call(self._cancels.popleft(), self._gate.enter(now)))
            else:
                break
            self._lease()
        if submits:
            tasks = self._store.intend([leads for leads, _ in submits], self._clock.wall())
            for task, (leads, given) in zip(tasks, submits, strict=True):
                group.create_task(self._submit(task, leads, given))

    def _lease(self) -> None:
        """Have every request on disk before it goes out, some at a time: the next process keeps to the budget too."""
        wall, rules = self._clock.wall(), self._rules
        if rules.lease and (not self._leased or wall >= self._lease_until):
            self._leased, self._lease_until = rules.lease, wall + rules.lease_s
            self._store.lease(rules.lease, wall, rules.window_s + rules.lease_s)
        self._leased -= 1

    def _next_leads(self) -> list[Planned]:
        if self._no_more is not None:
            return []
        self._refill()
        count = min(len(self._planned), self._provider.bulk)
        while count and (found := self._allowance(count))[0] is not Allowance.GO:
            if found[0] is Allowance.STOP and count == 1:
                self._submit_no_more(Ending(Why.THRESHOLD, found[1]))
            count -= 1
        return [self._planned.popleft() for _ in range(count)]

    def _allowance(self, count: int = 1) -> tuple[Allowance, str]:
        return allowance(self._rules.limits, self._account, count)

    def _refill(self) -> None:
        if not self._all_read and len(self._planned) < self._provider.bulk:
            more = self._store.planned(self._after_n, _REFILL)
            self._all_read = len(more) < _REFILL
            self._planned += more
            self._after_n = more[-1].n if more else self._after_n

    def _submit_no_more(self, why: Ending) -> None:
        """Submit nothing further; what is out is paid for and is waited for."""
        if self._no_more is None:
            self._no_more = why
            if why.message:
                _log.warning("no more leads are submitted", why=why.message, out=self._account.out)
        self._wake.set()

    def _halt(self, why: Ending) -> None:
        self._submit_no_more(why)
        self._halted = True

    # -- requests -----------------------------------------------------------------------------------------------------

    async def _call(self, call: Call, given: Pass) -> Answer | NotSent | Lost:
        got: Answer | NotSent | Lost | None = None
        try:
            got = await self._caller.call(call)
        finally:
            wait_s = self._answers.retry_after(got, self._clock.wall()) if isinstance(got, Answer) else None
            self._gate.leave(given, got, self._clock.now(), wait_s, self._clock.chance())
            self._wake.set()
        return got

    async def _submit(self, task: Task, leads: Sequence[Planned], given: Pass) -> None:
        callback = self._rules.callback
        call = self._provider.submit([lead.info for lead in leads], None if callback is None else callback(task.mark))
        got = await self._call(call, given)
        if isinstance(got, NotSent):
            self._put_back(task, leads, got.message)
            return
        if isinstance(got, Lost):
            self._lose(task, got.message)
            return
        reply = self._provider.read_submit(got, task.size, self._clock.wall())
        if isinstance(reply, Refusal):
            self._turned_away(task, leads, reply)
        elif reply.pending and reply.task_id is None:
            self._lose(task, "the provider's answer to the submit has no task id")
        else:
            self._take(task._replace(task_id=reply.task_id), reply, first=True)

    def _turned_away(self, task: Task, leads: Sequence[Planned], refusal: Refusal) -> None:
        fault, why = refusal.fault, refusal.message
        if fault is Fault.LEAD:
            self._settle(self._store.refused(task, why, self._clock.wall()))
        elif fault in {Fault.BROKEN, Fault.GONE}:
            self._lose(task, why)
        else:
            self._put_back(task, leads, why)
            if fault is Fault.BALANCE:
                self._submit_no_more(Ending(Why.THRESHOLD, f"the provider wants to be paid first ({why})"))
            elif fault is Fault.KEY:
                self._halt(Ending(Why.REFUSED, f"the provider refuses the key ({why})"))
            elif fault is Fault.CALL:
                self._halt(Ending(Why.REFUSED, f"the provider has no such call ({why})"))

    def _put_back(self, task: Task, leads: Sequence[Planned], why: str) -> None:
        """Nothing was begun: the leads are the next ones again."""
        self._store.not_begun(task)
        self._planned.extendleft(reversed(leads))
        self._account.submitted -= len(leads)
        self._account.out -= len(leads)
        _log.info("a submit was not begun", why=why)

    def _lose(self, task: Task, why: str) -> None:
        told = f"the answer to the submit was lost: it may have been taken, and billed ({why})"
        ended = self._store.lost(task, told)
        self._settle(ended)
        if ended and self._rules.callback is not None:
            self._doubts[task.id] = self._clock.now() + self._rules.polls.timeout_s
        _log.warning("a submit is uncertain", why=why)

    async def _poll(self, task: Task, given: Pass) -> None:
        self._take_events()  # what came since the decider looked may be about this task
        if task not in self._due:
            self._gate.leave(given, None, self._clock.now(), None, 0.0)
            return
        got = await self._call(self._provider.poll(task.task_id or ""), given)
        if task not in self._due:
            return  # a webhook was faster
        if not isinstance(got, Answer):
            self._ask_again(task, None)
            return
        reply = self._provider.read_poll(got, task.size, self._clock.wall())
        if isinstance(reply, Reply):
            self._gone.pop(task.id, None)
            self._take(task, reply, first=False)
            return
        if reply.fault is Fault.KEY:
            self._halt(Ending(Why.REFUSED, f"the provider refuses the key ({reply.message})"))
        elif reply.fault is Fault.GONE:
            self._gone[task.id] = self._gone.get(task.id, 0) + 1
            if self._gone[task.id] >= _GONE_ANSWERS:
                self._close(task)
                self._settle(self._answers.gone(task, reply.message, self._clock.wall()))
                return
        self._ask_again(task, reply.retry_after_s)

    # -- what comes of them -------------------------------------------------------------------------------------------

    def _take(self, task: Task, reply: Reply, *, first: bool) -> None:
        """Take in an answer or a webhook's call about a task."""
        wall = self._clock.wall()
        known = task._replace(task_id=task.task_id or reply.task_id, started_at=reply.started_at or task.started_at)
        due_s = first_poll_s(self._rules.polls, self._clock.chance()) if first else 0.0
        if first or not reply.pending or known != task or reply.partly_done:
            self._settle(self._answers.take(known, reply, wall + due_s, wall))
        if not self._store.is_running(known):
            self._close(known)
        elif first:
            self._due.ask_at(known, self._clock.now() + max(due_s, reply.retry_after_s or 0.0))
        elif wall >= deadline(self._rules.polls, known.submitted_at, known.started_at):
            self._overdue(known, wall)
        else:
            self._ask_again(known, reply.retry_after_s)
        if first and (event := self._answers.early(known.task_id)) is not None:
            self.event(event)

    def _overdue(self, task: Task, wall: float) -> None:
        self._close(task)
        self._settle(self._answers.overdue(task, self._rules.polls.timeout_s, wall))
        if (call := self._provider.cancel(task.task_id or "")) is not None:
            self._cancels.append(call)

    def _take_events(self) -> None:
        for task, reply in self._answers.events():
            self._doubts.pop(task.id, None)
            self._take(task, reply, first=task not in self._due)

    def _settle(self, ended: Sequence[Ended]) -> None:
        for end in ended:
            if end.was in {State.SUBMITTING, State.RUNNING}:
                self._account.out -= 1
            elif end.was is State.UNCERTAIN:
                self._account.doubtful -= 1
            if end.state is State.UNCERTAIN:
                self._account.doubtful += 1
                continue
            self._account.ended += 1
            self._account.paid(end.cost_cents)
            self._success.add(good=end.state is State.COMPLETED and end.kind is None)
        if self._no_more is None and (alarm := self._success.alarm()):
            self._submit_no_more(Ending(Why.THRESHOLD, alarm))
        self._wake.set()

    def _close(self, task: Task) -> None:
        self._due.close(task)
        self._gone.pop(task.id, None)

    def _ask_again(self, task: Task, retry_after_s: float | None) -> None:
        age_s = max(0.0, self._clock.wall() - task.submitted_at)
        delay_s = next_poll_s(self._rules.polls, age_s, retry_after_s, self._clock.chance())
        self._due.ask_at(task, self._clock.now() + delay_s)
