"""Batches of tasks for the shards: records read, URLs normalised, each placed in the shard that owns its site.

A batch is for every shard, also one that gets no entry, and says how far the inputs are read: a shard commits that
cursor with the URLs, and reading again after it gives exactly the rest.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import dropwhile
from typing import TYPE_CHECKING, Final

import orjson

from engine.errors import UsageError
from engine.model.prints import host_print, key_of
from engine.model.task import position, split_position
from engine.model.url import HIDDEN, Target, parse_target, site_of, url_key
from engine.policy.placement import shard_of
from engine.sources.plain import Origins
from engine.sources.readers import open_records
from engine.sources.record import Record, broken

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from engine.model.messages import TaskEntry
    from engine.settings.groups import InputSettings
    from engine.sources.plain import PlainLines
    from engine.sources.record import Records
    from engine.sources.source import Source

#: A batch ends early at so many characters of URLs and columns: it is one frame, held whole on both sides.
MAX_BATCH_CHARS: Final = 8 << 20

#: Records of a batch: a shard decodes it at once, and small objects that live briefly stay in the processor's cache.
BATCH_SIZE: Final = 5_000

#: Hosts whose shard is remembered: finding the site costs ten times a look-up.
_CACHED_HOSTS: Final = 65_536


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries of input `input` up to its ordinal `last`, and their prints; those of a shard may be none."""

    input: int
    last: int
    entries: list[list[TaskEntry]]
    prints: list[bytearray]


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
        self.entries: list[list[TaskEntry]] = [[] for _ in range(shards)]
        self.prints = [bytearray() for _ in range(shards)]

    def is_full(self, room: int) -> bool:
        return self.count >= room or self.chars >= MAX_BATCH_CHARS

    def batch(self, last: int) -> Batch:
        return Batch(self.index, last, self.entries, self.prints)


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


class _Placer:
    """Puts records and plain lines into the batch of the shard that owns their site."""

    def __init__(self, shards: int) -> None:
        self._shards = shards
        self._facts = lru_cache(maxsize=_CACHED_HOSTS)(self._find)
        self._origins = Origins(self._find)

    def _find(self, host: str) -> tuple[int, bytes]:
        return shard_of(site_of(host), self._shards) if self._shards > 1 else 0, host_print(host)

    def record(self, record: Record, filling: _Filling) -> None:
        at = position(filling.index, record.ordinal)
        columns = None if record.input is None else orjson.dumps(record.input).decode()
        target = None if record.broken else parse_target(record.url)
        if isinstance(target, Target):
            url, fetch_url, _, host, _, auth = target
            shard, of_host = self._facts(host)
            entry: TaskEntry = [at, record.priority, url, None if fetch_url == url else fetch_url, host, auth, columns]
            made = url_key(fetch_url) + of_host
        else:
            text = _unfetchable(record)
            shard, entry = shard_of(text, self._shards), [at, record.priority, text, None, "", None, columns]
            made = key_of(text, "") + host_print("")
        filling.entries[shard].append(entry)
        filling.prints[shard] += made
        filling.count += 1
        filling.chars += len(record.url) + (0 if columns is None else len(columns))

    def lines(self, piece: PlainLines, filling: _Filling) -> None:
        """Place plain lines, and what turns out to be none: the one loop that each URL of a long list is in."""
        entries, prints, origin_of = filling.entries, filling.prints, self._origins.of
        for at, line in enumerate(piece.lines, position(filling.index, piece.first)):
            if (origin := origin_of(line)) is not None:
                host, (shard, of_host) = origin
                entries[shard].append([at, 0, line, None, host, None, None])
                prints[shard] += url_key(line) + of_host
                filling.count += 1
            elif line:
                self.record(Record(split_position(at)[1], line), filling)
        filling.chars += sum(map(len, piece.lines))


def _unfetchable(record: Record) -> str:
    """Give the text of a record that names nothing to fetch, such that no reader of the entry takes it for a URL."""
    text = record.url if record.broken else broken(record.ordinal, record.url).url
    return HIDDEN + text if isinstance(parse_target(text), Target) else text
