"""What the work is told, and what it says at its end."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from engine.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.policy.polls import PollRules
    from engine.policy.spending import Limits


class Why(Enum):
    """Why the work ended."""

    DONE = "done"
    INTERRUPTED = "interrupted"
    THRESHOLD = "threshold"  # money, success rate, a provider that is away
    REFUSED = "refused"  # the key or the call is wrong


@dataclass(frozen=True, slots=True)
class Ending:
    """Why, and in words."""

    why: Why
    message: str = ""


@dataclass(frozen=True, slots=True)
class Clock:
    """Time and chance: `now` monotonic, `wall` seconds since 1970, `chance` in [0, 1)."""

    now: Callable[[], float]
    wall: Callable[[], float]
    chance: Callable[[], float]


@dataclass(frozen=True, slots=True)
class WorkRules:
    """What the settings say of the work. `callback` makes a webhook's URL of a task's mark.

    `window_s` is that of the rate budget; requests are noted on disk `lease` at a time (0: the budget has no limit).
    """

    polls: PollRules
    limits: Limits
    callback: Callable[[str], str] | None = None
    window_s: float = 60.0
    lease: int = 0

    @property
    def lease_s(self) -> float:
        """How long a lease may be used: what is left of it then counts as spent."""
        return self.window_s / 12


def one_failure(group: ExceptionGroup[Exception]) -> Exception:
    """The engine's failure in a group, else the group: a full disk is met by whichever request ends first."""
    for error in group.exceptions:
        found = one_failure(error) if isinstance(error, ExceptionGroup) else error
        if isinstance(found, EngineError):
            return found
    return group
