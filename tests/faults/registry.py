"""The kinds of fault: each disturbs a run, or what a run has left, in one way; :mod:`scene` resumes it and judges.

A kind is a function of a scene that returns once the disturbed command has ended. What it demands on the way (that a
second run is refused, that verify finds a damage) it notes in the scene where it does not hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from faults.scene import Scene


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault. `pool`: its run has NLP processes; `root`: only root can make it."""

    name: str
    strike: Callable[[Scene], None]
    pool: bool
    root: bool


KINDS: dict[str, Kind] = {}


def kind(
    name: str, *, pool: bool = False, root: bool = False
) -> Callable[[Callable[[Scene], None]], Callable[[Scene], None]]:
    def register(strike: Callable[[Scene], None]) -> Callable[[Scene], None]:
        KINDS[name] = Kind(name, strike, pool, root)
        return strike

    return register
