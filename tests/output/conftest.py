from __future__ import annotations

import orjson
import pytest

from engine.model.record import Fetched, base_row
from engine.model.task import Place
from engine.nlp.fingerprint import simhash
from engine.output.blocks import Part
from engine.output.codec import part_name
from engine.output.parts import PartWriter


class FakeShard:
    """A shard's part file and, in memory, what its frontier would hold of it."""

    def __init__(self, folder, shard, compression="none"):
        self.path = folder / part_name(shard, compression)
        self.compression = compression
        self.shard = shard
        self.records = {}
        self.results = {}  # URL -> (position, Place, failed, row bytes)

    def commit(self, rows):
        """Append and note rows: (position, url, failed, text)."""
        last = max(self.records.values(), key=lambda record: record.offset, default=None)
        lines = [row_bytes(url, failed=failed, text=text) for _, url, failed, text in rows]
        with PartWriter.open(self.path, self.compression, last) as writer:
            record, places = writer.append(lines)
        commit = max(self.records, default=0) + 1
        self.records[commit] = record
        for (position, url, failed, _), (start, length), line in zip(rows, places, lines, strict=True):
            self.results[url] = (position, Place(commit, start, length), failed, line)
        return commit

    def live(self, order):
        rows = [(position, place, failed) for position, place, failed, _ in self.results.values()]
        by = {"completion": lambda row: (row[1].commit, row[1].start), "input": lambda row: row[0]}
        return iter(sorted(rows, key=by[order]))

    @property
    def part(self):
        return Part(self.path, self.compression, lambda: iter(sorted(self.records.items())), self.live)


def row_bytes(url, *, failed=False, text=""):
    row = base_row(Fetched(url=url, fetch_url=url, shard=0), "")
    row["text_content"] = text
    row["simhash"] = simhash(text.split())
    row["error_kind"] = "http_status" if failed else None
    return orjson.dumps(row) + b"\n"


def merged_rows(parts, order):
    """The rows that a merge in this order has to give: the oracle."""
    results = [[*shard.results.values()] for shard in parts]
    if order == "input":
        rows = sorted((row for shard in results for row in shard), key=lambda row: row[0])
    else:
        rows = [row for shard in results for row in sorted(shard, key=lambda row: (row[1].commit, row[1].start))]
    return [row[3] for row in rows], [row[3] for row in rows if row[2]]


@pytest.fixture(scope="session")
def shard_of():
    return FakeShard


@pytest.fixture(scope="session")
def oracle():
    return merged_rows
