"""A run in a thread of its own, for callers that have a loop to keep running or rows to read meanwhile.

Laws: runs of one process take turns, because they share the fork server of their NLP pools; whoever leaves the context
early waits until no process of the run is left.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from types import TracebackType

    from engine.errors import ExitCode
    from engine.supervisor.plan import RunRequest
    from engine.supervisor.stop import Stop

_ONE_AT_A_TIME: Final = threading.Lock()

#: How often a waiting thread looks for Ctrl-C.
_PATIENCE_S: Final = 0.2


def carried_out(request: RunRequest, stop: Stop | None = None) -> ExitCode:
    """Carry a run out in this thread, when its turn has come. Raises EngineError."""
    from engine.supervisor.run import run  # noqa: PLC0415 - most of the engine; the command line's help needs none

    with _ONE_AT_A_TIME:
        return run(request, stop=stop)


class BackgroundRun:
    """One run, as a context manager: begun on entering, ended or stopped on leaving.

    `hasty`: nobody will go on with what the run has left, so that a stop need not wait for what is in flight.
    """

    def __init__(self, request: RunRequest, *, hasty: bool = False) -> None:
        from engine.supervisor.stop import Stop  # noqa: PLC0415 - see carried_out

        self._future: Future[ExitCode] = Future()
        self._request = request
        self._stop = Stop()
        self._asks_left = 2 if hasty else 1
        # Not waited for at the interpreter's end: its children see that end by themselves, and leave.
        self._thread = threading.Thread(target=self._carry_out, name="enrich-run", daemon=True)

    def begin(self) -> None:
        """Begin the run."""
        self._thread.start()

    def ended(self, within_s: float) -> bool:
        """Tell whether the run is over, waiting for that a while."""
        return bool(wait([self._future], within_s).done)

    def code(self) -> ExitCode:
        """Wait for the end, and say how it was. Raises EngineError."""
        while not self.ended(_PATIENCE_S):
            pass
        return self._future.result()

    def close(self) -> None:
        """Stop the run, if it is still on, and wait for its end."""
        while self._asks_left and not self._future.done():
            self._asks_left -= 1
            self._stop.ask()
        self._thread.join()

    def __enter__(self) -> Self:
        self.begin()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _carry_out(self) -> None:
        try:
            code = carried_out(self._request, self._stop)
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits
            self._future.set_exception(error)
        else:
            self._future.set_result(code)
