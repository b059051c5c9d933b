"""The tasks that are out, and when each is to be asked after: one heap, however many there are."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.providers.store import Task


class DueTasks:
    """Open tasks by their number. A task has one time at the most; one without (it is being asked) is open still."""

    def __init__(self) -> None:
        self._open: dict[int, Task] = {}
        self._heap: list[tuple[float, int]] = []  # an entry counts if _when agrees with it
        self._when: dict[int, float] = {}

    def __len__(self) -> int:
        return len(self._open)

    def __contains__(self, task: Task) -> bool:
        return task.id in self._open

    def ask_at(self, task: Task, when: float) -> None:
        """Open a task, or set what is known of it and its time anew."""
        self._open[task.id] = task
        self._when[task.id] = when
        heapq.heappush(self._heap, (when, task.id))

    def close(self, task: Task) -> None:
        """A task has ended."""
        self._open.pop(task.id, None)
        self._when.pop(task.id, None)

    def first(self) -> float | None:
        """When the first one is due; None: none waits."""
        while self._heap and self._when.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)  # it has ended meanwhile, or its time was set anew
        return self._heap[0][0] if self._heap else None

    def take(self, now: float) -> Task | None:
        """The first task that is due; it has no time until it is given one."""
        first = self.first()
        if first is None or first > now:
            return None
        _, number = heapq.heappop(self._heap)
        del self._when[number]
        return self._open[number]
