"""What an NLP process may hold in memory, and what one page may take.

Two limits. Above the soft one, half way from what the process held before its first page to its budget, it is replaced
between two pages: memory that libraries keep, or that lies in pieces, costs a restart of 10 ms and nobody's row. The
hard one is the budget itself, and holds while a page is worked on: the system refuses what goes beyond (RLIMIT_DATA),
which ends the process or raises MemoryError, so that the page is found and its process restarted before the machine
runs short. So every page may take half of the budget, whatever came before it.

Linux counts private writable memory in RLIMIT_DATA since 4.7 and tells both sizes in /proc; elsewhere there is the soft
limit alone, by the highest memory so far.
"""

from __future__ import annotations

import os
import resource
import sys
from typing import Final, NamedTuple

from engine.observe.logs import get_logger

_HAS_HARD_LIMIT: Final = sys.platform == "linux"
_STATM: Final = "/proc/self/statm"

#: A budget that leaves a page less than this beside the pipeline is one for another pipeline: pages of the default
#: 10 MiB take up to 200 MiB.
_LEAST_FOR_A_PAGE: Final = 256 << 20


#: What a page may bring into memory that RLIMIT_DATA does not count, a share of the budget: pages of files, such as a
#: library that is first used, and what was taken from the system before but never touched.
_UNCOUNTED: Final = 1 / 16


class Held(NamedTuple):
    """Bytes that are in memory, and bytes that RLIMIT_DATA counts, in use or not."""

    resident: int
    data: int


class MemoryBudget:
    """Keeps one process to `max_bytes` (0: no limit). Made when the pipeline is loaded, before the first page."""

    def __init__(self, max_bytes: int) -> None:
        self._hard = 0
        self._soft = 0
        if not max_bytes:
            return
        before = held().resident
        self._hard = max(max_bytes, before + _LEAST_FOR_A_PAGE)
        self._soft = before + (self._hard - before) // 2
        if self._hard > max_bytes:
            get_logger(__name__).warning(
                "nlp.max_process_memory_bytes is less than the pipeline and one page need; set it higher",
                held_bytes=before,
                max_process_memory_bytes=max_bytes,
                used_instead=self._hard,
            )

    @property
    def spent(self) -> bool:
        """Whether the process holds so much that it is to be replaced before the next page."""
        return bool(self._soft) and held().resident > self._soft

    def begin_page(self) -> None:
        """From here on the process may take what is left of the budget, and no more."""
        if self._hard and _HAS_HARD_LIMIT:
            now = held()
            _limit_data(now.data + max(0, int(self._hard * (1 - _UNCOUNTED)) - now.resident))

    def end_page(self) -> None:
        """Bodies that arrive are the pool's credit, not a page's work."""
        if self._hard and _HAS_HARD_LIMIT:
            _limit_data(resource.RLIM_INFINITY)


def held() -> Held:
    """What this process holds now; where the system does not tell, the highest that was resident so far."""
    if _HAS_HARD_LIMIT:
        # The name means whoever opens it, so that a descriptor is not to be handed on; opening takes 20 µs.
        descriptor = os.open(_STATM, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fields = os.read(descriptor, 200).split()
        finally:
            os.close(descriptor)
        size = resource.getpagesize()
        return Held(int(fields[1]) * size, int(fields[5]) * size)
    highest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS
    return Held(highest, highest)


def _limit_data(most: int) -> None:
    _, outer = resource.getrlimit(resource.RLIMIT_DATA)
    if outer != resource.RLIM_INFINITY:  # the machine's own limit is never raised
        most = outer if most == resource.RLIM_INFINITY else min(most, outer)
    resource.setrlimit(resource.RLIMIT_DATA, (most, outer))
