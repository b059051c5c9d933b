"""Python's cyclic collector in a process that has started: it would look at all that is there again and again."""

from __future__ import annotations

import gc
from typing import Final

#: Pages under way, thousands of objects at once, are in no cycle: the youngest generation may be large.
_THRESHOLDS: Final = (50_000, 20, 50)


def settle() -> None:
    """From now on look only at what comes, and seldom: what start-up made lives as long as the process."""
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
    gc.enable()
