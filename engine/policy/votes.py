"""The share of drops among the last outcomes, one vote a host.

The law: a host counts as one, however many of the last outcomes are its own, and its vote is its own share of drops. So
one site that fails cannot throttle a run of a thousand sites, nor can one that is fast hide that the others fail.
"""

from __future__ import annotations


class Votes:
    """The last `window` outcomes. `add` is O(1): a ring of outcomes, and the sum of the hosts' shares kept up to date.

    `count` is the number of outcomes held.
    """

    __slots__ = ("_drops", "_hosts", "_next", "_share_sum", "_totals", "_was_drop", "_window", "count")

    def __init__(self, window: int) -> None:
        self._window = max(1, window)
        self._hosts = [0] * self._window
        self._was_drop = bytearray(self._window)
        self.clear()

    def clear(self) -> None:
        """Forget all outcomes."""
        self.count = 0
        self._next = 0
        self._totals: dict[int, int] = {}
        self._drops: dict[int, int] = {}  # of hosts that have any: while none has, nothing below does arithmetic
        self._share_sum = 0.0

    @property
    def hosts(self) -> int:
        """How many hosts vote."""
        return len(self._totals)

    @property
    def success(self) -> float:
        """1 less the mean share of drops of the hosts; 1.0 without outcomes."""
        return 1.0 - self._share_sum / len(self._totals) if self._drops else 1.0

    def add(self, host: int, *, dropped: bool) -> None:
        """Count an outcome; beyond `window` it takes the place of the oldest."""
        at = self._next
        if self.count == self._window:
            self._remove(self._hosts[at], self._was_drop[at])
        else:
            self.count += 1
        self._hosts[at] = host
        self._was_drop[at] = dropped
        self._next = at + 1 if at + 1 < self._window else 0
        total = self._totals.get(host, 0)
        self._totals[host] = total + 1
        drops = self._drops.get(host, 0)
        if dropped or drops:
            self._share_sum += (drops + dropped) / (total + 1) - (drops / total if total else 0.0)
            self._drops[host] = drops + dropped

    def _remove(self, host: int, was_drop: int) -> None:
        total = self._totals[host]
        if total == 1:
            del self._totals[host]
        else:
            self._totals[host] = total - 1
        drops = self._drops.get(host)
        if drops is None:
            return
        self._share_sum += ((drops - was_drop) / (total - 1) if total > 1 else 0.0) - drops / total
        if drops > was_drop:
            self._drops[host] = drops - was_drop
        else:
            del self._drops[host]
            if not self._drops:
                self._share_sum = 0.0  # sheds what rounding has left
