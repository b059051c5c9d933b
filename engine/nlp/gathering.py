"""When to begin with the pages that wait: at once, or in a moment, when there may be enough for a full batch.

Pure: `now` is given, in seconds of any clock that does not go back. Law: no page waits longer than `WITHIN_S` for
others to come, and none at all where nothing is gained by many at once.
"""

from __future__ import annotations

from typing import Final

#: What a lone page may lose to batching. Pages of a busy run come within a few milliseconds of one another.
WITHIN_S: Final = 0.05


class Gathering:
    """Gathers batches of `pages`; 1: whatever waits is a batch."""

    def __init__(self, pages: int, within_s: float = WITHIN_S) -> None:
        self._pages = pages
        self._within_s = within_s
        self._since: float | None = None

    def wait_s(self, waiting: int, now: float) -> float | None:
        """How long to wait for another page while `waiting` are there: 0, begin; None, until one comes."""
        if not waiting:
            self._since = None
            return None
        if self._since is None:
            self._since = now
        return 0.0 if waiting >= self._pages else max(0.0, self._since + self._within_s - now)

    def begun(self) -> None:
        """A batch was taken: what is left waits from now on."""
        self._since = None
