"""The NLP pool: children of the fork server, which every shard may send pages to.

The pool starts with the first page that waits for it. A child is announced (NLP_UP) once it answers on its socket, and
its end (NLP_GONE) says why, so that a shard knows whether the pages it had sent are suspect. A child that crashes on a
page is replaced at once or soon; places whose children never get ready end the run with the reason.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from engine.errors import EngineError
from engine.ipc.channel import connect_unix
from engine.model.messages import TIMEOUT_SIGNALS, Control, NlpExit, Page
from engine.observe.logs import get_logger
from engine.policy.restart import Action, ExitCause, after_exit, exit_cause
from engine.supervisor.child import NlpPlace, error_of, exit_words, readable, told_of
from engine.supervisor.processes import EXIT_UNKNOWN, kill_forkserver

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from engine.ipc.frames import Frame, Header
    from engine.supervisor.plan import Plan
    from engine.supervisor.processes import Processes

_log = get_logger(__name__)

#: How often a starting child's socket is tried; a preloaded child listens some 10 ms after its fork.
_PROBE_S: Final = 0.02


class NlpPool:
    """The children of the pool. `broadcast` tells all shards, `failed` what ends the run, `changed` of a new view."""

    def __init__(
        self,
        plan: Plan,
        processes: Processes,
        *,
        broadcast: Callable[[Header], None],
        failed: Callable[[EngineError], None],
        changed: Callable[[], None],
    ) -> None:
        self._plan = plan
        self._processes = processes
        self._broadcast = broadcast
        self._failed = failed
        self._changed = changed
        self._children = 0
        self.places = [NlpPlace(slot) for slot in range(plan.nlp_children)]

    @property
    def ready_count(self) -> int:
        """Children that take pages."""
        return sum(place.ready for place in self.places)

    @property
    def any_alive(self) -> bool:
        """Whether a process is still there."""
        return any(place.alive for place in self.places)

    def announcements(self) -> list[Header]:
        """Give what a shard that has just said HELLO must be told."""
        return [_up(place) for place in self.places if place.ready]

    def tick(self) -> None:
        """Count a second."""
        for place in self.places:
            place.tick()

    def progressed(self) -> None:
        """Rows were committed: what crashed before them is no reason to give up."""
        for place in self.places:
            place.history = place.history.progressed()

    def begin(self, slot: int) -> None:
        """Give a place to a new child, whose `live` follows."""
        self._children += 1
        self.places[slot].begin(self._children, self._processes.nlp_path(self._children))

    def kill(self, slot: int, *, hung: bool) -> None:
        """End a child, or its start; comes again until it has ended."""
        place = self.places[slot]
        place.stopped, place.hung = not hung, hung
        if place.process is not None:
            place.process.kill()
        else:
            kill_forkserver()  # the start, which waits for it, fails

    async def live(self, slot: int) -> None:
        """Start a child for a place and stay with it to its end. `begin` was called."""
        place = self.places[slot]
        assert place.path is not None  # noqa: S101 - begin set it
        try:
            process = await self._processes.start_nlp(self._plan.nlp_config(place.child, place.path))
        except EngineError as error:
            self._ended(place, ExitCause.FAILED_TO_START, str(error))
            return
        place.process = process
        self._changed()
        announcing = asyncio.create_task(self._announce(place, place.path))
        try:
            if not await told_of(process):
                _log.error("the NLP processes' parent tells of no end: it is stopped, and is replaced")
                kill_forkserver()
                await readable(process.sentinel)
        finally:
            announcing.cancel()
            await asyncio.wait([announcing])
        if not announcing.cancelled():
            announcing.result()  # raises what went wrong in it
        code = await self._processes.reap(process)
        place.path.unlink(missing_ok=True)
        words = process.reason or exit_words(code)
        # A child leaves by itself only to be replaced.
        cause = exit_cause(code, ready=place.ready, stopping=place.stopped, hung=False)
        cause = ExitCause.RECYCLED if cause is ExitCause.FINISHED else cause
        if place.hung:
            words = "it was stopped by a signal for too long" if place.ready else "it did not get ready in time"
        if place.ready:
            place.ready = False
            self._broadcast({"type": Control.NLP_GONE, "child": place.child, "cause": _told(place, code)})
        if cause is ExitCause.FAULT:
            self._failed(error_of(code, words))
        self._ended(place, cause, words)

    async def _announce(self, place: NlpPlace, path: Path) -> None:
        """Wait until a child answers on its socket, and tell the shards."""
        while not await _answers(path):  # noqa: ASYNC110 - another process is waited for
            await asyncio.sleep(_PROBE_S)
        place.ready = True
        place.history = place.history.ready()
        self._broadcast(_up(place))

    def _ended(self, place: NlpPlace, cause: ExitCause, words: str) -> None:
        place.alive = False
        decision, place.history = after_exit(cause, place.history)
        now = asyncio.get_running_loop().time()
        if decision.action is Action.GIVE_UP:
            self._failed(EngineError(f"the NLP pool: {decision.reason} ({words})"))
        elif decision.action is Action.RESPAWN:
            place.respawn_at = now + decision.after_s
            if cause is not ExitCause.RECYCLED:
                _log.warning("an NLP process ended and is started again", child=place.child, how=words)
        else:
            place.respawn_at = now  # whether it is wanted again is for reconcile to say
        self._changed()


def _told(place: NlpPlace, code: int) -> NlpExit:
    """Give the cause that shards are told; an unknown code: the fork server died, and we ended its child."""
    if place.stopped or place.hung or code == EXIT_UNKNOWN:
        return NlpExit.STOPPED
    if code == 0:
        return NlpExit.RECYCLED
    return NlpExit.TIMEOUT if -code in TIMEOUT_SIGNALS else NlpExit.CRASHED


def _up(place: NlpPlace) -> Header:
    return {"type": Control.NLP_UP, "child": place.child, "path": str(place.path)}


async def _answers(path: Path) -> bool:
    """Whether a child listens at `path` and says that it is ready for pages."""
    answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def on_frame(frame: Frame) -> None:
        if not answer.done():
            answer.set_result(frame.type == Page.READY)

    def on_lost(_cause: Exception | None) -> None:
        if not answer.done():
            answer.set_result(False)

    try:
        channel = await connect_unix(path, on_frame, on_lost)
    except (FileNotFoundError, ConnectionError):
        return False
    try:
        return await answer
    finally:
        channel.abort()
