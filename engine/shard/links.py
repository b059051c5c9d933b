"""Where found URLs go: into this shard's frontier, or to the shard that owns their site.

All of a site lies in one shard, so most links never leave it: they are inserted in the transaction that commits the row
of their page, and a kill loses both or neither. The others wait in the outbox (:mod:`engine.frontier.outbox`) until
their owner has committed them. One message is out to a shard at a time, so what is in memory is bounded; a shard is not
finished while anything waits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from engine.frontier.outbox import Outbox
from engine.model.entries import Entries
from engine.model.messages import Control
from engine.model.task import position

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.frontier.schedule import Schedule
    from engine.frontier.store import Store
    from engine.model.messages import TaskEntry
    from engine.shard.rows import Find

#: Found URLs stand behind all inputs: an input index that no command line reaches.
FOUND_INPUT: Final = 1 << 20

#: Entries of one message to another shard.
MESSAGE_ENTRIES: Final = 500

#: Keys remembered as inserted a moment ago: the links of a site's pages are largely the same ones.
_REMEMBERED: Final = 50_000


class Links:
    """One shard's finds. `send` writes to the supervisor, which passes FOUND and FOUND_DONE on."""

    def __init__(
        self, shard: int, store: Store, schedule: Schedule, send: Callable[[dict[str, Any]], None],
        now: Callable[[], float],
    ) -> None:  # fmt: skip
        self._shard = shard
        self._store = store
        self._schedule = schedule
        self._send = send
        self._now = now
        self._outbox = Outbox(store)
        self._out: set[int] = set()  # shards that have a message to answer
        self._recent: set[str] = set()

    @property
    def waiting(self) -> int:
        """Finds that another shard has not yet committed."""
        return self._outbox.waiting

    def add(self, finds: Sequence[Find]) -> None:
        """Take finds into the transaction that is open."""
        ours: list[TaskEntry] = []
        theirs: list[Find] = []
        for shard, entry in finds:
            url = str(entry[3] or entry[2])
            if url in self._recent:
                continue
            self._recent.add(url)
            if shard == self._shard:
                ours.append(entry)
            else:
                theirs.append((shard, entry))
        if len(self._recent) > _REMEMBERED:
            self._recent.clear()
        self._insert(ours)
        if theirs:
            self._outbox.add(theirs)

    def _insert(self, entries: list[TaskEntry]) -> None:
        first = self._store.last_n + 1
        for at, entry in enumerate(entries):
            entry[0] = position(FOUND_INPUT, first + at)
        if entries:
            self._schedule.insert(Entries.of(entries), self._store.cursor, self._now(), found=True)

    def pump(self) -> None:
        """Send on what waits, to every shard that has answered the last message. Called after each commit."""
        if not self._outbox.waiting or (len(self._out) and self._out.issuperset(self._outbox.shards())):
            return
        for shard in self._outbox.shards():
            if shard in self._out:
                continue
            last, entries = self._outbox.first(shard, MESSAGE_ENTRIES)
            self._out.add(shard)
            self._send({"type": Control.FOUND, "to": shard, "last": last, "entries": entries})

    def on_found(self, header: dict[str, Any]) -> None:
        """FOUND from another shard: committed before it is answered."""
        self._insert(header["entries"])
        self._store.commit()
        self._send({"type": Control.FOUND_DONE, "to": header["from"], "last": header["last"]})

    def on_done(self, header: dict[str, Any]) -> None:
        """FOUND_DONE from another shard, perhaps to this shard's former life: what it has, it has."""
        self._outbox.taken(header["from"], header["last"])
        self._out.discard(header["from"])

    def on_shard_gone(self, shard: int) -> None:
        """A shard died before it answered: what waits for it is sent again."""
        self._out.discard(shard)
