"""What a shard may hold in memory: pages and bytes in flight, from the first request to the row's commit."""

from __future__ import annotations

from typing import Final

#: A budget of which so small a part is left is short.
_LITTLE: Final = 1 / 8


class Budget:
    """Counts pages and body bytes; over either bound no new request starts."""

    __slots__ = ("_many_bytes", "_many_pages", "bytes", "max_bytes", "max_pages", "pages")

    def __init__(self, max_pages: int, max_bytes: int) -> None:
        self.max_pages = max_pages
        self.max_bytes = max_bytes
        self._many_pages = max_pages * (1 - _LITTLE)
        self._many_bytes = max_bytes * (1 - _LITTLE)
        self.pages = 0
        self.bytes = 0

    @property
    def short(self) -> bool:
        """Whether it will soon be exhausted unless pages end: rows that only wait for their commit should not."""
        return self.pages >= self._many_pages or self.bytes >= self._many_bytes

    @property
    def exhausted(self) -> bool:
        """Whether no new page may be begun."""
        return self.pages >= self.max_pages or self.bytes >= self.max_bytes


class PageLease:
    """One page's share of the budget: bytes count as they arrive, and all is given back once."""

    __slots__ = ("_budget", "bytes")

    def __init__(self, budget: Budget) -> None:
        self._budget: Budget | None = budget
        self.bytes = 0
        budget.pages += 1

    def grow(self, count: int) -> None:
        """`count` more bytes of the body are held."""
        if self._budget is not None:
            self.bytes += count
            self._budget.bytes += count

    def drop_bytes(self) -> None:
        """The body is held no longer (a redirect's, say)."""
        if self._budget is not None:
            self._budget.bytes -= self.bytes
            self.bytes = 0

    def close(self) -> None:
        """The page is done with. Any number of times."""
        if self._budget is not None:
            self.drop_bytes()
            self._budget.pages -= 1
            self._budget = None
