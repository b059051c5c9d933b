"""One command from its folder to its exit code: prepare, work, write the rows, say how it went.

Whatever ends the work, every lead gets its row, the manifest says how the run stands, and what is out is collected by
the next command.
"""

from __future__ import annotations

import asyncio
import os
import random
import shlex
import signal
import subprocess
import threading
import time
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, BinaryIO, Final, Literal, cast

import orjson
import uvloop

from engine.errors import EngineError, ExitCode, UsageError
from engine.leads.prepare import Prepared, prepared
from engine.leads.rows import examples, write_rows
from engine.leads.setup import PROVIDERS, make_caller, make_gate, make_rules, webhook_secret
from engine.leads.telling import progress_line, summary
from engine.observe.logs import configure, get_logger
from engine.observe.tell import tell
from engine.policy.job import State
from engine.policy.success import SuccessWindow
from engine.providers.counts import account, count
from engine.providers.terms import Clock, Ending, Why
from engine.providers.webhook import Listener, listening
from engine.providers.work import Work
from engine.supervisor.lock import ORPHAN_WAIT_S
from engine.supervisor.manifest import COMPLETE, INTERRUPTED, ended

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.output.codec import Compression
    from engine.settings import Settings
    from engine.supervisor.plan import RunRequest

_log = get_logger(__name__)

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_PROGRESS_EVERY_S: Final = 10.0
_ALERT_TIMEOUT_S: Final = 60.0

#: What becomes of an intent whose process is gone.
_LOST_WITH_THE_RUN: Final = "the run ended before the answer to the submit came: it may have been taken, and billed"

_CODES: Final = {
    Why.DONE: ExitCode.COMPLETE,
    Why.INTERRUPTED: ExitCode.INTERRUPTED,
    Why.THRESHOLD: ExitCode.THRESHOLD,
    Why.REFUSED: ExitCode.USAGE,
}


def run(
    request: RunRequest,
    *,
    stdin: BinaryIO | None = None,
    orphan_wait_s: float = ORPHAN_WAIT_S,
    minute_s: float = 60.0,
) -> ExitCode:
    """Carry out `leads`, or `resume` or `retry` of a folder of leads. Raises EngineError.

    What comes after `request` is for tests: another stdin, less patience, a faster minute.
    """
    configure(request.log_level, cast("Literal['console', 'json']", request.log_format), "leads")
    try:
        with prepared(request, orphan_wait_s, stdin) as ready:
            if ready.complete:
                tell(f"{request.folder} is complete: nothing to do (enrich retry takes up what failed)\n")
                return ExitCode.COMPLETE
            return _Command(request, ready, minute_s).carry_out()
    except KeyboardInterrupt:
        tell("stopped before anything was done\n")
        return ExitCode.INTERRUPTED


class _Command:
    """A run under way in a folder that is ours."""

    def __init__(self, request: RunRequest, ready: Prepared, minute_s: float) -> None:
        self._request = request
        self._ready = ready
        self._folder = ready.folder
        self._store = ready.store
        self._minute_s = minute_s
        self._began_at = time.monotonic()
        self._before_s = float(ready.folder.started["elapsed_s"])

    @property
    def _settings(self) -> Settings:
        return self._request.loaded.settings

    def carry_out(self) -> ExitCode:
        """Work, and write down what became of it."""
        self._start_again()
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                ending = runner.run(self._work())
            self._store.recover(_LOST_WITH_THE_RUN)  # after a second signal
            outputs = write_rows(self._store, self._ready.provider, self._folder.path, self._compression)
        except Exception:
            with suppress(EngineError):  # the failure itself is the one to tell
                self._close(INTERRUPTED)
            raise
        self._folder.write({**self._folder.started, "outputs": outputs})
        counts = count(self._store.db)
        whole = not counts.of(State.PLANNED, State.SUBMITTING, State.RUNNING)
        self._close(COMPLETE if whole else INTERRUPTED)
        tell(summary(counts, examples(self._store), self._elapsed_s) + "\n")
        if ending.why is Why.REFUSED:
            raise UsageError(f"{ending.message}; mend that, then: enrich resume {self._folder.path}")
        if ending.why is Why.THRESHOLD:
            self._alert(ending.message)
        if not whole:
            tell(f"stopped: {ending.message or 'interrupted'}; to go on: enrich resume {self._folder.path}\n")
        elif ending.why is Why.INTERRUPTED:
            return ExitCode.COMPLETE  # the signal came when all was done
        elif ending.message:
            tell(f"complete, but {ending.message}\n")
        return _CODES[ending.why]

    @property
    def _compression(self) -> Compression:
        compression: Compression = self._settings.output.compression
        return compression

    @property
    def _elapsed_s(self) -> float:
        return time.monotonic() - self._began_at

    def _start_again(self) -> None:
        """Take up what earlier processes and this command's flags say of the jobs."""
        if lost := self._store.recover(_LOST_WITH_THE_RUN):
            _log.warning("submits of an earlier process are uncertain", leads=lost)
        if self._settings.leads.resubmit_uncertain and (again := self._store.resubmit_uncertain()):
            _log.warning("uncertain leads are submitted again: some may be paid twice", leads=again)
        if self._request.mode == "retry":
            again = self._store.plan_again(self._request.retry_kinds, time.time())
            _log.info("failed leads are taken up again", leads=again)

    async def _work(self) -> Ending:
        settings = self._settings
        rules = make_rules(settings, self._minute_s)
        now, wall = time.monotonic(), time.time()
        spent = self._store.leased(wall - rules.window_s - rules.lease_s)
        caller = make_caller(settings, self._ready.key)
        work = Work(
            self._store,
            self._ready.provider,
            caller,
            gate=make_gate(settings, self._minute_s, spent, now),
            rules=rules,
            account=account(self._store.db),
            success=SuccessWindow(settings.leads.min_success_rate, settings.leads.success_window),
            clock=Clock(time.monotonic, time.time, random.random),
        )
        async with AsyncExitStack() as stack:
            stack.push_async_callback(caller.close)
            await self._listen(stack, work)
            stack.enter_context(_Signals(work.interrupt, asyncio.current_task()))
            telling = asyncio.create_task(self._tell_progress())
            try:
                return await work.run()
            except asyncio.CancelledError:
                return Ending(Why.INTERRUPTED)  # a second signal: what was being submitted is uncertain
            finally:
                telling.cancel()

    async def _listen(self, stack: AsyncExitStack, work: Work) -> None:
        leads = self._settings.leads
        if leads.webhook_listen is None:
            return
        known = PROVIDERS[leads.provider]
        secret = webhook_secret(self._settings, os.environ)
        if secret is None:
            _log.warning(
                "webhooks are believed by the mark in their URL: no secret is set", secret=leads.webhook_secret_env
            )
        listener = Listener(
            self._store,
            secret=secret,
            headers=(known.signature_header, known.event_header),
            wall=time.time,
            on_event=work.event,
        )
        host, _, port = leads.webhook_listen.rpartition(":")
        found = await stack.enter_async_context(listening(listener, host, int(port)))
        _log.info("listening for webhooks", host=host, port=found)

    async def _tell_progress(self) -> None:
        if self._request.progress is False:
            return
        while True:
            await asyncio.sleep(_PROGRESS_EVERY_S)
            tell(progress_line(count(self._store.db), self._elapsed_s) + "\n")

    def _close(self, state: str) -> None:
        counts = count(self._store.db).as_json()
        manifest = {**self._folder.started, "counts": counts}
        self._folder.write(ended(manifest, state, datetime.now(UTC), self._before_s + self._elapsed_s))

    def _alert(self, why: str) -> None:
        """Tell the user's command what happened. That it fails is told, and changes nothing."""
        _log.error("stopped by a threshold", why=why)
        command = self._settings.leads.alert_command
        if command is None:
            return
        told = orjson.dumps({"folder": str(self._folder.path), "reason": why, **count(self._store.db).as_json()})
        # The key is no business of the command's.
        environment = {name: value for name, value in os.environ.items() if name != self._settings.leads.api_key_env}
        try:
            subprocess.run(  # noqa: S603 - the user's own command
                shlex.split(command), input=told, env=environment, timeout=_ALERT_TIMEOUT_S, check=True
            )
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            _log.error("leads.alert_command failed", error=str(error))


class _Signals:
    """SIGINT and SIGTERM: the first one stops in good order, the second one at once."""

    def __init__(self, interrupt: Callable[[], None], task: asyncio.Task[Ending] | None) -> None:
        self._interrupt = interrupt
        self._task = task
        self._seen = 0
        self._loop = asyncio.get_running_loop()

    def _on_signal(self) -> None:
        self._seen += 1
        if self._seen == 1:
            _log.info("stopping: waiting for the answers to the requests that are out; again to stop at once")
            self._interrupt()
        elif self._task is not None:
            self._task.cancel()

    def __enter__(self) -> None:
        # In a thread that gets no signals, whoever called may not send any.
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                self._loop.add_signal_handler(number, self._on_signal)

    def __exit__(self, *_: object) -> None:
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                self._loop.remove_signal_handler(number)
