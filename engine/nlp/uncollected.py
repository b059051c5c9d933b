"""Imported first of what a forkserver preloads: the collector is off until all of that is there.

Nothing that an import makes is garbage, and looking for some took a seventh of the time. Who imports this switches the
collector on again.
"""

from __future__ import annotations

import gc

gc.disable()
