"""What passes between a child's loop and the work on a page: the page, and its row.

Free of spaCy, so that the loop can be run without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from engine.model.record import Fetched

if TYPE_CHECKING:
    from engine.ipc.frames import Frame
    from engine.model.outcome import FailureKind


@dataclass(frozen=True, slots=True)
class Page:
    """A PAGE message: `id` is the sender's, `alone` asks for a batch of its own, `content_type` is the header's."""

    id: int
    alone: bool
    fetched: Fetched
    content_type: str
    body: bytes

    @classmethod
    def from_frame(cls, frame: Frame) -> Page:
        """Raises KeyError, TypeError or ValueError on a header that is none of a PAGE."""
        header: dict[str, Any] = frame.header
        fetched = Fetched(**header["fetched"])
        return cls(int(header["id"]), bool(header["alone"]), fetched, str(header["ct"]), frame.body)


@dataclass(frozen=True, slots=True)
class Worked:
    """A page's row as one JSON line, why it is an error row (or None), and the milliseconds that it took."""

    row: bytes
    kind: FailureKind | None
    ms: float


class Worker(Protocol):
    """What :class:`engine.nlp.worker.PageWorker` does."""

    @property
    def known_strings(self) -> int:
        """How many strings it remembers, and never forgets."""
        ...

    def work(self, page: Page) -> Worked:
        """The page's row. Raises MemoryError where it needs more than there is."""
        ...
