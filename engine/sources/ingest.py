"""Batches of tasks for the shards: records read, URLs normalised, each placed in the shard that owns its site.

A batch is for every shard, also one that gets no entry, and says how far the inputs are read: a shard commits that
cursor with the URLs, and reading again after it gives exactly the rest.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import partial
from itertools import dropwhile
from operator import add
from typing import TYPE_CHECKING, Final, TypeVar

import orjson

from engine.errors import UsageError
from engine.model.entries import Entries
from engine.model.prints import key_of
from engine.model.task import position
from engine.model.url import HIDDEN, Target, host_digest, parse_target, site_of, url_key
from engine.policy.placement import shard_of
from engine.sources.readers import open_records
from engine.sources.record import Record, broken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from engine.model.messages import TaskEntry
    from engine.settings.groups import InputSettings
    from engine.sources.plain import PlainLines
    from engine.sources.record import Records
    from engine.sources.source import Source

#: A batch ends early at so many characters of URLs and columns: it is one frame, held whole on both sides.
MAX_BATCH_CHARS: Final = 8 << 20

#: Records of a batch: a shard decodes it at once, and small objects that live briefly stay in the processor's cache.
BATCH_SIZE: Final = 5_000

#: Hosts whose shard and digest are remembered: finding the site costs ten times a look-up.
_REMEMBERED_HOSTS: Final = 65_536

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries of input `input` up to its ordinal `last`, by shard; those of a shard may be none."""

    input: int
    last: int
    entries: list[Entries]


def batches(  # noqa: PLR0913, PLR0917 - what a run, and a resume, differ in
    sources: Sequence[Source],
    cursor: tuple[int, int],
    shards: int,
    settings: InputSettings,
    batch_size: int = BATCH_SIZE,
    first_batch_size: int = 500,
) -> Iterator[Batch]:
    """Read `sources` after `cursor`, (input index, last ordinal held), to their end or to settings.limit records.

    A batch holds records of one input, at most `batch_size` (the first one `first_batch_size`, for a quick start); an
    input's last batch may be empty. UsageError where an input is unfit, after the batches before the fault.
    """
    place = _Placer(shards)
    room = first_batch_size
    for index, records, stream in _inputs(sources, cursor, settings):
        filling = _Filling(index, shards)
        covered = cursor[1] if index == cursor[0] else 0
        try:
            for piece in stream:
                left: Record | PlainLines | None = piece
                while left is not None:
                    if isinstance(left, Record):
                        place.record(left, filling)
                        read, left = left.ordinal, None
                    else:
                        some, left = left.split(room - filling.count)
                        place.lines(some, filling)
                        read = some.last
                    if filling.is_full(room):
                        covered = read
                        yield filling.batch(covered)
                        filling, room = _Filling(index, shards), batch_size
        except UsageError:
            if filling.count:
                yield filling.batch(records.last)
            raise
        if records.last > covered:
            yield filling.batch(records.last)
            room = batch_size if filling.count else room


class _Filling:
    """A batch that is being made."""

    def __init__(self, index: int, shards: int) -> None:
        self.index = index
        self.count = 0
        self.chars = 0
        self.entries = [Entries() for _ in range(shards)]

    def is_full(self, room: int) -> bool:
        return self.count >= room or self.chars >= MAX_BATCH_CHARS

    def batch(self, last: int) -> Batch:
        return Batch(self.index, last, self.entries)


def _inputs(
    sources: Sequence[Source], cursor: tuple[int, int], settings: InputSettings
) -> Iterator[tuple[int, Records, Iterator[Record | PlainLines]]]:
    """Give each input that is not held whole: its index, its records, and an iterator over those after the cursor."""
    if not settings.limit:
        for index in range(cursor[0], len(sources)):
            records = open_records(sources[index], settings, cursor[1] if index == cursor[0] else 0)
            yield index, records, records.pieces()
        return
    # The limit counts from the first record of the first input: what the cursor covers is read, and counted, again.
    limit = _Limit(settings.limit)
    for index in range(len(sources)):
        records = open_records(sources[index], settings)
        stream = limit.take(records)
        if index < cursor[0]:
            deque(stream, maxlen=0)
        else:
            held = cursor[1] if index == cursor[0] else 0
            yield index, records, dropwhile(partial(_is_held, held), stream)
        if not limit.left:
            return


def _is_held(ordinal: int, record: Record) -> bool:
    return record.ordinal <= ordinal


class _Limit:
    """How many records may still be read."""

    def __init__(self, left: int) -> None:
        self.left = left

    def take(self, records: Iterable[Record]) -> Iterator[Record]:
        stream = iter(records)
        while self.left and (record := next(stream, None)) is not None:
            self.left -= 1
            yield record


class _Hosts(dict[str, T]):
    """What is known of the hosts that came lately, found out when it is first asked for.

    It forgets all at once: to know which came last would cost more than to find out again.
    """

    def __init__(self, find: Callable[[str], T]) -> None:
        super().__init__()
        self._find = find

    def __missing__(self, host: str) -> T:
        if len(self) >= _REMEMBERED_HOSTS:
            self.clear()
        found = self[host] = self._find(host)
        return found


class _Placer:
    """Puts records and plain lines into the batch of the shard that owns their site."""

    def __init__(self, shards: int) -> None:
        self._shards = shards
        self._digests = _Hosts(host_digest)
        self._owners = _Hosts(self._owner)

    def _owner(self, host: str) -> int:
        return shard_of(site_of(host), self._shards) if self._shards > 1 else 0

    def record(self, record: Record, filling: _Filling) -> None:
        shard, entry, made = self._placed(record, filling.index)
        filling.entries[shard].append(entry, made)
        filling.count += 1
        filling.chars += len(record.url) + (0 if record.input is None else len(str(entry[-1])))

    def lines(self, piece: PlainLines, filling: _Filling) -> None:
        """Place plain lines, and what turns out to be none: each URL of a long list is here, so a column at a time."""
        first, lines, hosts = piece
        start, none = position(filling.index, first), [None] * len(lines)
        made = map(add, map(url_key, lines), map(self._digests.__getitem__, hosts))
        columns = list(range(start, start + len(lines))), [0] * len(lines), lines, none, hosts, none, none
        found = Entries.from_columns(columns, bytearray().join(made))
        owners = [0] * len(hosts) if self._shards == 1 else list(map(self._owners.__getitem__, hosts))
        if "" in hosts:
            found, owners = self._mended(piece, filling.index, found, owners)
        if self._shards == 1:
            filling.entries[0].extend(found)
        else:
            places: list[list[int]] = [[] for _ in filling.entries]
            for at, owner in enumerate(owners):
                places[owner].append(at)
            for entries, own in zip(filling.entries, places, strict=True):
                entries.extend(found.only(own))
        filling.count += len(found)
        filling.chars += sum(map(len, lines))

    def _mended(self, piece: PlainLines, index: int, found: Entries, owners: list[int]) -> tuple[Entries, list[int]]:
        """Read by itself each line that is no plain URL; blank ones leave the columns."""
        mended, their_owners, done = Entries(), [], 0
        for odd in [at for at, host in enumerate(piece.hosts) if not host]:
            if done < odd:
                mended.extend(found.some(done, odd))
                their_owners += owners[done:odd]
            done = odd + 1
            if line := piece.lines[odd]:
                owner, entry, made = self._placed(Record(piece.first + odd, line), index)
                mended.append(entry, made)
                their_owners.append(owner)
        mended.extend(found.some(done, len(found)))
        return mended, their_owners + owners[done:]

    def _placed(self, record: Record, index: int) -> tuple[int, TaskEntry, bytes]:
        """Give a record's shard, its entry and its print."""
        at = position(index, record.ordinal)
        columns = None if record.input is None else orjson.dumps(record.input).decode()
        target = None if record.broken else parse_target(record.url)
        if isinstance(target, Target):
            url, fetch_url, _, host, _, auth = target
            other = None if fetch_url == url else fetch_url
            entry: TaskEntry = [at, record.priority, url, other, host, auth, columns]
            return self._owners[host], entry, url_key(fetch_url) + self._digests[host]
        text = _unfetchable(record)
        entry = [at, record.priority, text, None, "", None, columns]
        return shard_of(text, self._shards), entry, key_of(text, "") + self._digests[""]


def _unfetchable(record: Record) -> str:
    """Give the text of a record that names nothing to fetch, such that no reader of the entry takes it for a URL."""
    text = record.url if record.broken else broken(record.ordinal, record.url).url
    return HIDDEN + text if isinstance(parse_target(text), Target) else text
