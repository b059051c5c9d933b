"""One command from its folder to its exit code, in ordered phases.

Open the folder and check everything; start, feed and watch the processes; let them leave; merge the parts; say how it
went. Whichever phase ends early, the phases after it are skipped, no process is left, and the folder can be resumed.
"""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, BinaryIO, Literal, cast

from engine.errors import EngineError, ExitCode
from engine.observe.figures import FinishedRows
from engine.observe.logs import configure, get_logger
from engine.observe.tell import tell
from engine.policy.longtail import LongTail, LongTailRules
from engine.sources.ingest import batches
from engine.supervisor.feed import Cursor, Feed
from engine.supervisor.finish import counts_of, merge_parts, report
from engine.supervisor.live import Telling, display, read_gauges
from engine.supervisor.lock import ORPHAN_WAIT_S
from engine.supervisor.manifest import COMPLETE, INTERRUPTED, ended
from engine.supervisor.prepare import Prepared, prepared
from engine.supervisor.processes import Processes, Targets
from engine.supervisor.stop import Stop
from engine.supervisor.watch import TICK_S, Ending, Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from engine.model.messages import Gauges
    from engine.sources.ingest import Batch
    from engine.supervisor.folder import RunFolder
    from engine.supervisor.plan import Plan, RunRequest

_log = get_logger(__name__)

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run(  # noqa: PLR0913 - all but the first have a default
    request: RunRequest,
    targets: Targets | None = None,
    *,
    stop: Stop | None = None,
    stdin: BinaryIO | None = None,
    orphan_wait_s: float = ORPHAN_WAIT_S,
    tick_s: float = TICK_S,
) -> ExitCode:
    """Carry out `run`, `resume` or `retry`; COMPLETE or INTERRUPTED. Raises EngineError for every other end.

    `stop` lets another thread end it. What else comes after `request` is for tests: other processes, another stdin,
    less patience, a faster clock.
    """
    configure(request.log_level, cast("Literal['console', 'json']", request.log_format), "supervisor")
    try:
        with prepared(request, orphan_wait_s, stdin) as ready:
            if ready.plan is None:
                _say(request, f"{request.folder} is complete: nothing to do (enrich retry takes up what failed)\n")
                return ExitCode.COMPLETE
            if ready.plan.settings.fetch.contact is None:
                _log.warning("sites cannot tell who asks: set fetch.contact to a mail address or a URL of yours")
            command = _Command(request, ready, ready.plan, targets or _targets(ready.plan), tick_s, stop or Stop())
            return command.carry_out()
    except KeyboardInterrupt:
        _say(request, "stopped before anything was done\n")
        return ExitCode.INTERRUPTED


def _say(request: RunRequest, words: str) -> None:
    """Tell how a run ended, unless nobody is to hear it."""
    if not request.quiet:
        tell(words)


def _targets(plan: Plan) -> Targets:
    """The processes of a stage: those of discovery have no use for a pipeline."""
    return Targets(preload=("engine.nlp.preload_outline",)) if plan.settings.run.stage == "discovery" else Targets()


class _Command:
    """A run under way in a folder that is ours."""

    def __init__(  # noqa: PLR0913, PLR0917 - all that `run` was told
        self, request: RunRequest, ready: Prepared, plan: Plan, targets: Targets, tick_s: float, stop: Stop
    ) -> None:
        self._request = request
        self._ready = ready
        self._folder: RunFolder = ready.folder
        self._plan = plan
        self._targets = targets
        self._tick_s = tick_s
        self._stop = stop
        before_s = max(self._folder.started["elapsed_s"], read_gauges(self._folder.state).get("elapsed_s", 0.0))
        self._telling = Telling(self._folder.state, display(request.progress), time.monotonic, before_s=before_s)
        self._rows = FinishedRows()
        tail = plan.settings.run
        self._long_tail = LongTail(LongTailRules(tail.max_duration_s, tail.min_rate, tail.grace_s))

        self._defer: Callable[[str], None]  # of the watch that is on

    def carry_out(self) -> ExitCode:
        """Supervise, merge and report."""
        try:
            with self._telling:
                ending = asyncio.run(self._supervise())
            if ending.error is None and not ending.interrupted:
                with _terminated_as_interrupted():
                    self._complete()
        except KeyboardInterrupt:
            ending = Ending(interrupted=True)
        except Exception:
            self._fail()
            raise
        if ending.error is not None:
            self._fail()
            raise ending.error
        if ending.interrupted:
            self._close(INTERRUPTED)
            rows = self._folder.started["counts"]["rows"]
            words = f"stopped: {rows:,} rows are committed; to go on: enrich resume {self._folder.path}\n"
            _say(self._request, words)
            return ExitCode.INTERRUPTED
        words = report(self._folder, self._telling.gauges, self._rows.total, self._telling.elapsed_s) + "\n"
        _say(self._request, words)
        return ExitCode.COMPLETE

    async def _supervise(self) -> Ending:
        """Run all processes to the end of the run."""
        plan = self._plan
        processes = Processes(
            self._targets, pipeline=plan.settings.nlp.pipeline if plan.settings.run.stage == "enrichment" else "none"
        )
        try:
            watch = Watch(plan, self._folder, processes, self._on_tick, tick_s=self._tick_s)
            self._defer = watch.defer
            finished = bool(self._folder.started["ingest_finished"])
            feed = Feed(self._read, plan.shards, watch.shards.send, finished=finished)
            with _signals_to(watch), self._stop.reaching(asyncio.get_running_loop(), watch.interrupt):
                return await watch.run(feed, self._on_ingested)
        finally:
            processes.close()

    def _read(self, cursor: Cursor) -> Iterator[Batch]:
        return batches(self._ready.sources, cursor, self._plan.shards, self._plan.settings.input)

    def _on_ingested(self) -> None:
        if not self._folder.started["ingest_finished"]:
            self._folder.write({**self._folder.started, "ingest_finished": True})

    def _on_tick(self, gauges: list[Gauges], nlp_children: int) -> None:
        self._rows.update(gauges)
        self._telling.tick(gauges, nlp_children)
        reason = self._long_tail.update(self._telling.elapsed_s, self._rows.total)
        if reason is not None:
            self._defer(reason)

    def _complete(self) -> None:
        """Merge the parts; the manifest is written last."""
        if self._plan.settings.output.merge == "auto":
            merge_parts(self._folder)
        self._close(COMPLETE)

    def _fail(self) -> None:
        # The failure itself is the one to tell: a full disk refuses the manifest, too.
        with suppress(EngineError):
            self._close(INTERRUPTED)

    def _close(self, state: str) -> None:
        """Write how the run stands."""
        counts = counts_of(self._folder)
        finished, elapsed_s = counts["rows"], self._telling.total_s
        rates = {
            "success": round(counts["done"] / finished, 6) if finished else None,
            "pages_per_s": round(finished / elapsed_s, 3) if elapsed_s else None,
        }
        manifest = {**self._folder.started, "counts": counts, "rates": rates}
        self._folder.write(ended(manifest, state, datetime.now(UTC), elapsed_s))


@contextmanager
def _signals_to(watch: Watch) -> Iterator[None]:
    """Let SIGINT and SIGTERM end the run; in a thread that gets no signals, whoever called may not send any."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, watch.interrupt)
    loop.add_signal_handler(signal.SIGUSR1, watch.dump)
    try:
        yield
    finally:
        for number in (*_SIGNALS, signal.SIGUSR1):
            loop.remove_signal_handler(number)


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Let SIGTERM end the merge as Ctrl-C does: it is written aside, so nothing is lost."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
