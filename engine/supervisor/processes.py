"""Starting and reaping child processes.

Laws: the life pipe's write end stays in this process (close-on-exec, never passed), so its end is seen by every child
however the supervisor dies. Starts and reaps go through one lock, because multiprocess's bookkeeping may not be used
from two threads at once. A child is born with SIGINT and SIGTERM blocked and without our `__main__`: a Ctrl-C during
its first imports must not end it, and a user's script must not run again in it.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

import multiprocess
from multiprocess import forkserver, resource_tracker

from engine.errors import EngineError, UsageError
from engine.supervisor.entry import IGNORED_SIGNALS, InheritedFd, enter_nlp, enter_shard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from engine.model.plan import NlpConfig, ShardConfig

#: A Unix socket's path holds 104 bytes on macOS and 108 on Linux, its end included.
MAX_SOCKET_PATH_BYTES: Final = 103

#: What multiprocess reports when the fork server died before it could tell a child's exit code.
EXIT_UNKNOWN: Final = 255

#: What a shard's socket holds, as far as the system lets it: a turn of a busy loop takes no more than is there, and a
#: batch of ingest is half a megabyte.
SEND_BUFFER_BYTES: Final = 1 << 20

#: How often it is tried whether a start is over.
_LOCK_POLL_S: Final = 0.02

#: Which spaCy pipeline the fork server loads before it forks (read by the preloaded module).
PRELOAD_VARIABLE: Final = "ENGINE_PRELOAD_PIPELINE"


@dataclass(frozen=True, slots=True)
class Targets:
    """What runs in the children, as "module:function"; tests give their own."""

    shard: str = "engine.shard.main:shard_main"
    nlp: str = "engine.nlp.child:child_main"
    preload: tuple[str, ...] = ("engine.nlp.preload",)


class ChildProcess:
    """A started process. `exit_code` is None until it was reaped: negative for a signal, as multiprocess counts."""

    def __init__(self, process: Any, why: Path) -> None:  # noqa: ANN401 - multiprocess has no types
        self._process = process
        self._why = why
        self.pid: int = process.pid
        self.exit_code: int | None = None

    @property
    def sentinel(self) -> int:
        """A descriptor that becomes readable when the process ends."""
        sentinel: int = self._process.sentinel
        return sentinel

    @property
    def reason(self) -> str | None:
        """The sentence that it left behind, if it ended by an exception."""
        try:
            return self._why.read_text(encoding="utf-8") or None
        except FileNotFoundError:
            return None

    def signal(self, number: int) -> None:
        """Send a signal, unless it was reaped."""
        if self.exit_code is None:
            with suppress(ProcessLookupError):  # the fork server has reaped it; its exit code is on its way
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End it for good."""
        self.signal(signal.SIGKILL)

    def reap(self) -> int:
        """Wait for its end; called once its sentinel is readable, or after a kill."""
        self._process.join()
        code: int = self._process.exitcode
        if code == EXIT_UNKNOWN:
            self.kill()  # the fork server died: this child may well live on
        self.exit_code = code
        self._process.close()
        return code


class Processes:
    """Starts the run's children; owns the life pipe and the private folder of sockets. Use as a context manager."""

    def __init__(self, targets: Targets, *, pipeline: str) -> None:
        self._targets = targets
        self._pipeline = pipeline
        self._lock = threading.Lock()
        self._spawn = multiprocess.get_context("spawn")
        self._forkserver = multiprocess.get_context("forkserver")
        self._life_read, self._life_write = os.pipe()  # both close-on-exec (PEP 446)
        self.scratch = Path(tempfile.mkdtemp(prefix="enrich-"))
        self._started = 0
        if len(os.fsencode(self.nlp_path(10**6))) > MAX_SOCKET_PATH_BYTES:
            self.close()
            raise UsageError(f"{self.scratch.parent} is too long for the path of a socket: set TMPDIR to a shorter one")

    def nlp_path(self, child: int) -> Path:
        """Where an NLP child listens."""
        return self.scratch / f"n{child}.sock"

    async def start_shard(self, config: ShardConfig) -> tuple[ChildProcess, socket.socket]:
        """Start a shard; gives its process and our end of its control socket. Raises EngineError."""
        ours, theirs = socket.socketpair()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        try:
            with theirs:
                child = await self._start(
                    self._spawn, enter_shard, self._targets.shard, config, control=InheritedFd(theirs.fileno())
                )
        except BaseException:
            ours.close()
            raise
        return child, ours

    async def start_nlp(self, config: NlpConfig) -> ChildProcess:
        """Start an NLP child; the first start also starts the fork server (some 0.8 s). Raises EngineError."""
        return await self._start(self._forkserver, enter_nlp, self._targets.nlp, config)

    async def reap(self, child: ChildProcess) -> int:
        """Collect an ended process; gives its exit code. A start that hangs in its thread holds up nothing but this."""
        while not self._lock.acquire(blocking=False):  # noqa: ASYNC110 - a thread is waited for
            await asyncio.sleep(_LOCK_POLL_S)
        try:
            return child.reap() if child.exit_code is None else child.exit_code
        finally:
            self._lock.release()

    def kill_all(self, children: Iterable[ChildProcess]) -> None:
        """End processes for good and collect them, the fork server first: it may be stopped, and tell of none."""
        kill_forkserver()
        with self._lock:
            for child in children:
                if child.exit_code is None:
                    child.kill()
                    child.reap()

    async def _start(
        self,
        context: Any,  # noqa: ANN401 - multiprocess has no types
        enter: Callable[..., None],
        target: str,
        config: ShardConfig | NlpConfig,
        control: InheritedFd | None = None,
    ) -> ChildProcess:
        self._started += 1
        why = self.scratch / f"{self._started}.why"
        fds = (InheritedFd(self._life_read), *((control,) if control else ()))
        process = context.Process(target=enter, args=(target, config, str(why), *fds))
        try:
            await asyncio.to_thread(self._start_quietly, process)
        except (OSError, EOFError) as error:
            raise EngineError(f"a child process cannot be started: {error or type(error).__name__}") from error
        return ChildProcess(process, why)

    def _start_quietly(self, process: Any) -> None:  # noqa: ANN401
        """Start with signals blocked, our `__main__` hidden, and the fork server's preload named."""
        with self._lock:
            resource_tracker.ensure_running()  # its own start would unblock the signals again
            os.environ[PRELOAD_VARIABLE] = self._pipeline
            forkserver.set_forkserver_preload(list(self._targets.preload))
            before = signal.pthread_sigmask(signal.SIG_BLOCK, IGNORED_SIGNALS)
            try:
                with _without_main():
                    process.start()
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def close(self) -> None:
        """End every child by the life pipe, the fork server too, and remove the sockets.

        Children are expected to be reaped by now; the pipe is the net below.
        """
        os.close(self._life_write)
        os.close(self._life_read)
        _stop_forkserver()
        shutil.rmtree(self.scratch, ignore_errors=True)


def kill_forkserver() -> None:
    """End the fork server; the next start makes another. Its children's exit codes are unknown from then on.

    It does nothing but fork and tell of ends, so one that does neither is stopped, and may be for ever.
    """
    pid = forkserver._forkserver._forkserver_pid  # noqa: SLF001 - multiprocess has no public way to it
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _stop_forkserver() -> None:
    """End the fork server: with another pipeline preloaded it would serve the next run of this process wrongly."""
    server = forkserver._forkserver  # noqa: SLF001 - multiprocess has no public way to stop it
    if server._forkserver_pid is not None:  # noqa: SLF001
        os.kill(server._forkserver_pid, signal.SIGKILL)  # noqa: SLF001 - our child, not yet reaped
        server._stop()  # noqa: SLF001


@contextmanager
def _without_main() -> Iterator[None]:
    """Let multiprocess see an empty main module, which it then does not import again in the child."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
