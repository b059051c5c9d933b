"""What Python users import: `engine.enrich`, `engine.run`, `engine.rows`, `engine.run_async_enrichment`.

    import engine

    for row in engine.enrich(["https://example.org/"], settings={"politeness.delay_s": 2}):
        print(row["title"], row["error_kind"])

In a coroutine or a notebook's cell, `async for row in engine.enrich(...)` does the same beside whatever else the loop
does. :mod:`.calls` holds the calls, :mod:`.background` the thread that a run is carried out in where its caller has
other things to do, :mod:`.engine` what the command line needs of an engine.

Laws: no call needs `if __name__ == "__main__":`, for the engine's processes never import the caller's script; a run
that its caller gives up leaves no process behind; failures of the engine are raised as
:class:`engine.errors.EngineError`, and a URL that fails is a row with an `error_kind`. Runs of one process take turns.
"""

from __future__ import annotations

from engine.api.calls import Rows, enrich, rows, run
from engine.api.compatible import Summary, run_async_enrichment
from engine.api.engine import Engine, LocalEngine, Mode, RunOptions, TalkOptions
from engine.errors import EngineError, ExitCode, UsageError
from engine.model.record import Row
from engine.settings import Settings

__all__ = [
    "Engine",
    "EngineError",
    "ExitCode",
    "LocalEngine",
    "Mode",
    "Row",
    "Rows",
    "RunOptions",
    "Settings",
    "Summary",
    "TalkOptions",
    "UsageError",
    "enrich",
    "rows",
    "run",
    "run_async_enrichment",
]
