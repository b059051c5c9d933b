"""enrich-engine: a list of URLs in, one enriched JSON row for each out, fetched politely by uvloop shards.

    import engine

    for row in engine.enrich(["https://example.org/"]):
        print(row["title"], row["error_kind"])

The calls are in :mod:`engine.api`, which is imported when one of them is first used: the engine's own processes import
this package and need none of it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.api import (
        EngineError,
        ExitCode,
        Row,
        Rows,
        Summary,
        UsageError,
        enrich,
        rows,
        run,
        run_async_enrichment,
    )

__version__ = "0.1.0"

__all__ = [
    "EngineError",
    "ExitCode",
    "Row",
    "Rows",
    "Summary",
    "UsageError",
    "enrich",
    "rows",
    "run",
    "run_async_enrichment",
]


def __getattr__(name: str) -> object:
    if name in __all__:
        return getattr(import_module("engine.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
