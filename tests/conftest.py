"""Of all tests: the collector leaves alone what is there before the first of them.

Modules and collected tests are some million objects that live to the end, and looking at them again and again took a
seventh of the processor time.
"""

from __future__ import annotations

import gc

gc.disable()  # nothing that an import makes is garbage


def pytest_collection_finish():
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    gc.enable()
