"""A run's end, asked for from another thread: what Ctrl-C is to a command."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator


class Stop:
    """Asked once, the run leaves in order; twice, at once. What is asked before the run has begun is not lost."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked = 0
        self._run: tuple[asyncio.AbstractEventLoop, Callable[[], None]] | None = None

    def ask(self) -> None:
        """Ask for the end, from any thread; after the end it does nothing."""
        with self._lock:
            self._asked += 1
            if self._run is not None:
                loop, interrupt = self._run
                loop.call_soon_threadsafe(interrupt)

    @contextmanager
    def reaching(self, loop: asyncio.AbstractEventLoop, interrupt: Callable[[], None]) -> Iterator[None]:
        """Have `interrupt` called in `loop` whenever the end is asked for."""
        with self._lock:
            self._run = loop, interrupt
            for _ in range(self._asked):
                loop.call_soon(interrupt)
        try:
            yield
        finally:
            with self._lock:
                self._run = None
