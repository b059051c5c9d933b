"""Batches of tasks for the shards: records read, URLs normalised, each placed in the shard that owns its site.

A batch is for every shard, also one that gets no entry, and says how far the inputs are read: a shard commits that
cursor with the URLs, and reading again after it gives exactly the rest.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from itertools import dropwhile
from typing import TYPE_CHECKING, Final

import orjson

from engine.errors import UsageError
from engine.model.prints import host_print, key_of
from engine.model.task import position
from engine.model.url import HIDDEN, Target, parse_target, site_of, url_key
from engine.policy.placement import shard_of
from engine.sources.readers import open_records
from engine.sources.record import broken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from engine.model.messages import TaskEntry
    from engine.settings.groups import InputSettings
    from engine.sources.record import Record, Records
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
    place = _placer(shards)
    room = first_batch_size
    for index, records, stream in _inputs(sources, cursor, settings):
        filling = _empty(index, shards)
        count = chars = 0
        covered = cursor[1] if index == cursor[0] else 0
        try:
            for record in stream:
                shard, entry, made = place(record, position(index, record.ordinal))
                filling.entries[shard].append(entry)
                filling.prints[shard] += made
                count += 1
                chars += len(record.url)
                if isinstance(columns := entry[-1], str):
                    chars += len(columns)
                if count >= room or chars >= MAX_BATCH_CHARS:
                    covered = record.ordinal
                    yield replace(filling, last=covered)
                    filling = _empty(index, shards)
                    count = chars = 0
                    room = batch_size
        except UsageError:
            if count:
                yield replace(filling, last=records.last)
            raise
        if records.last > covered:
            yield replace(filling, last=records.last)
            room = batch_size if count else room


def _empty(index: int, shards: int) -> Batch:
    return Batch(index, 0, [[] for _ in range(shards)], [bytearray() for _ in range(shards)])


def _inputs(
    sources: Sequence[Source], cursor: tuple[int, int], settings: InputSettings
) -> Iterator[tuple[int, Records, Iterator[Record]]]:
    """Give each input that is not held whole: its index, its records, and an iterator over those after the cursor."""
    if not settings.limit:
        for index in range(cursor[0], len(sources)):
            records = open_records(sources[index], settings, cursor[1] if index == cursor[0] else 0)
            yield index, records, iter(records)
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


def _placer(shards: int) -> Callable[[Record, int], tuple[int, TaskEntry, bytes]]:
    """Make the function from a record and its position to the shard that owns it, its entry and its print."""

    @lru_cache(maxsize=_CACHED_HOSTS)
    def facts(host: str) -> tuple[int, bytes]:
        return shard_of(site_of(host), shards) if shards > 1 else 0, host_print(host)

    def place(record: Record, at: int) -> tuple[int, TaskEntry, bytes]:
        columns = None if record.input is None else orjson.dumps(record.input).decode()
        target = None if record.broken else parse_target(record.url)
        if not isinstance(target, Target):
            text = _unfetchable(record)
            made = key_of(text, "") + host_print("")
            return shard_of(text, shards), [at, record.priority, text, None, "", None, columns], made
        url, fetch_url, _, host, _, auth = target
        shard, of_host = facts(host)
        entry: TaskEntry = [at, record.priority, url, None if fetch_url == url else fetch_url, host, auth, columns]
        return shard, entry, url_key(fetch_url) + of_host

    return place


def _unfetchable(record: Record) -> str:
    """Give the text of a record that names nothing to fetch, such that no reader of the entry takes it for a URL."""
    text = record.url if record.broken else broken(record.ordinal, record.url).url
    return HIDDEN + text if isinstance(parse_target(text), Target) else text
