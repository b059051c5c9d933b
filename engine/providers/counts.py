"""How the jobs of a run stand, in numbers; also read while the run is on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from engine.policy.job import State
from engine.policy.spending import Account

if TYPE_CHECKING:
    import sqlite3


#: A job takes minutes: the rate is that of ten.
RATE_WINDOW_S: Final = 600.0


@dataclass(frozen=True, slots=True)
class Counts:
    """Leads by state and by the kind of their failure; what was spent, in cents."""

    by_state: dict[State, int] = field(default_factory=dict)
    by_kind: dict[str, int] = field(default_factory=dict)
    succeeded: int = 0
    cost_cents: float = 0.0
    duplicates: int = 0

    @property
    def known(self) -> int:
        """All leads."""
        return sum(self.by_state.values())

    def of(self, *states: State) -> int:
        """How many are in one of these states."""
        return sum(self.by_state.get(state, 0) for state in states)

    def as_json(self) -> dict[str, Any]:
        """For the manifest and the status."""
        return {
            "known": self.known,
            "succeeded": self.succeeded,
            "by_status": {state.value: self.by_state.get(state, 0) for state in State},
            "failed_by_kind": self.by_kind,
            "cost_cents": self.cost_cents,
            "duplicates": self.duplicates,
        }


def count(db: sqlite3.Connection) -> Counts:
    """Count the leads of an opened store."""
    if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'lead'").fetchone() is None:
        return Counts()  # killed in its first moment
    states = dict(db.execute("SELECT state, count(*) FROM lead GROUP BY state"))
    kinds = dict(db.execute("SELECT kind, count(*) FROM lead WHERE kind IS NOT NULL GROUP BY kind ORDER BY 2 DESC, 1"))
    succeeded = "SELECT count(*) FROM lead WHERE state = ? AND kind IS NULL"
    (done,) = db.execute(succeeded, (State.COMPLETED,)).fetchone()
    (cost,) = db.execute("SELECT coalesce(sum(cost), 0) FROM lead").fetchone()
    found = db.execute("SELECT value FROM meta WHERE name = 'duplicates'").fetchone()
    return Counts({State(name): n for name, n in states.items()}, kinds, done, cost, found[0] if found else 0)


def per_s(db: sqlite3.Connection, wall_now: float) -> float | None:
    """How many leads have ended a second, of late; None before the first submit."""
    since = wall_now - RATE_WINDOW_S
    (first,) = db.execute("SELECT min(submitted_at) FROM lead").fetchone()
    if first is None or first >= wall_now:
        return None
    (ended,) = db.execute("SELECT count(*) FROM lead WHERE finished_at > ?", (since,)).fetchone()
    return float(ended / (wall_now - max(since, first)))


def account(db: sqlite3.Connection) -> Account:
    """What the run has submitted and spent so far."""
    submitted, spent, dearest = db.execute("SELECT sum(attempts), sum(cost), max(cost) FROM lead").fetchone()
    out, doubtful, ended = db.execute(
        "SELECT sum(state = ?), sum(state = ?), sum(state IN (?, ?, ?) AND attempts > 0) FROM lead",
        (State.RUNNING, State.UNCERTAIN, State.COMPLETED, State.FAILED, State.EXPIRED),
    ).fetchone()
    return Account(submitted or 0, out or 0, doubtful or 0, ended or 0, spent or 0.0, dearest)
