"""The share of jobs that bring something, over the last N: a run that buys nothing is stopped early.

The law: nothing is said before there is something to say (N outcomes, or the least that a share is worth reading
from, whichever is fewer), and only jobs that a provider worked on count: what we refused ourselves costs nothing.
"""

from __future__ import annotations

from collections import deque
from typing import Final

#: With fewer outcomes a share is an accident: 3 failures in a row are no sign that a provider fails.
LEAST_OUTCOMES: Final = 20


class SuccessWindow:
    """The last `window` outcomes."""

    def __init__(self, least_share: float, window: int) -> None:
        self._least_share = least_share
        self._kept: deque[bool] = deque(maxlen=max(1, window))

    def add(self, *, good: bool) -> None:
        """Count a job that ended."""
        self._kept.append(good)

    @property
    def share(self) -> float:
        """The share of good ones; 1.0 without any."""
        return sum(self._kept) / len(self._kept) if self._kept else 1.0

    def alarm(self) -> str | None:
        """Why the run is to stop; None while it may go on."""
        window = self._kept.maxlen or 1
        if not self._least_share or len(self._kept) < min(window, LEAST_OUTCOMES) or self.share >= self._least_share:
            return None
        return (
            f"{self.share:.0%} of the last {len(self._kept)} jobs brought a result, and leads.min_success_rate is"
            f" {self._least_share:.0%}"
        )
