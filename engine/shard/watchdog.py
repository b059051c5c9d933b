"""Says what a shard waits for, and notices when it waits for nothing that could ever come.

A shard that is not done always has something under way, something due at a time, or input still to come. If for a
while it has none of these, an event was lost: that is a fault of the engine, and it is loud. SIGUSR1 writes the same
description to the log at any time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.errors import EngineError

if TYPE_CHECKING:
    from engine.shard.assembly import Assembly

#: So long nothing may be under way or due before it counts as a stall; any hand-over takes microseconds.
PATIENCE_S: Final = 10.0


def waits_for(parts: Assembly, now: float, *, running: int, ingesting: bool) -> str:
    """What the shard waits for, in words and figures, the nearest first."""
    grants, endings = parts.dispatcher.grants, parts.endings
    due = parts.schedule.next_due()
    waits = [
        f"{grants.on_network} requests on the network" * bool(grants.on_network),
        f"{grants.connecting} connecting" * bool(grants.connecting),
        f"{running} URLs under way" * bool(running),
        f"{endings.waiting_for_nlp} pages at the NLP pool" * bool(endings.waiting_for_nlp),
        f"{endings.uncommitted} rows to commit" * bool(endings.uncommitted),
        "more input" * ingesting,
        f"the budget ({parts.budget.pages} pages, {parts.budget.bytes} bytes)" * parts.budget.exhausted,
        f"the next host, due in {max(0.0, due - now):.1f} s" if due is not None else "",
    ]
    found = ", ".join(wait for wait in waits if wait) or "nothing"
    counters = parts.store.counters
    left = counters.get("known", 0) - counters.get("done", 0) - counters.get("failed", 0)
    return (
        f"{left} URLs left in {len(parts.residence.hosts)} active hosts; limit {grants.limit.limit}"
        f" ({grants.limit.cause}); waits for {found}"
    )


class Watchdog:
    """Asked on each tick. `busy` is whether anything is under way, due, or still to come."""

    def __init__(self, now: float) -> None:
        self._fed_at = now

    def look(self, now: float, *, busy: bool, description: str) -> None:
        """Raise EngineError where nothing has been under way or due for too long."""
        if busy:
            self._fed_at = now
        elif now - self._fed_at > PATIENCE_S:
            raise EngineError(f"a shard stalled: {description}; enrich resume goes on with what is left")
