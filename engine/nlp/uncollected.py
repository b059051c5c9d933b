"""Imported first of what a forkserver preloads: the collector is off until all of that is there.

Nothing that an import makes is garbage, and looking for some took a seventh of the time. Who imports this says when all
is there.
"""

from __future__ import annotations

import gc

gc.disable()


def loaded() -> None:
    """What is here now is shared by all children until one writes to it: the collector must not touch it."""
    gc.collect()
    gc.freeze()
    gc.enable()
