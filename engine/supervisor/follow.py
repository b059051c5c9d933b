"""Reading along: the rows of a run while its shards write them.

Law: only what is committed is given, block by block in each part's order, and each block once. In a run that began in
an empty folder every committed row is live: a URL has one end, and rows are replaced only by a later command.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Final

from engine.errors import OutputError
from engine.frontier.schema import writing
from engine.model.task import CommitRecord
from engine.output.blocks import PartReader
from engine.output.codec import CorruptError
from engine.statefile import connect_readonly
from engine.supervisor.folder import RunFolder
from engine.supervisor.manifest import MANIFEST_NAME, read_manifest

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from pathlib import Path

    from engine.output.codec import Compression

#: Commits looked up at once; one block of them is held at a time.
_AT_ONCE: Final = 64

_NEW_COMMITS: Final = (
    "SELECT id, offset, length, raw_length, crc32, count FROM commits WHERE id > ? ORDER BY id LIMIT ?"
)


class Follower:
    """Gives the blocks that were committed since it was last asked."""

    def __init__(self, folder: Path) -> None:
        self._folder = RunFolder(folder, None)
        self._seen: dict[int, int] = {}

    def blocks(self) -> Iterator[list[bytes]]:
        """Each new block's rows, as lines of JSON; none while there is no manifest yet. Raises OutputError."""
        if not (self._folder.path / MANIFEST_NAME).exists():
            return
        manifest = read_manifest(self._folder.path)
        compression: Compression = manifest["fingerprint"]["output.compression"]
        for shard in range(manifest["shards"]):
            while commits := self._commits(shard):
                path = self._folder.part(shard, compression)
                with PartReader(path, compression) as reader:
                    for number, record in commits:
                        try:
                            block = reader.block(record)
                        except CorruptError as error:
                            raise OutputError(f"{path}: commit {number}: {error}") from error
                        self._seen[shard] = number
                        yield block.splitlines()

    def _commits(self, shard: int) -> list[tuple[int, CommitRecord]]:
        path = self._folder.frontier(shard)
        if not path.exists():
            return []
        with writing(path), closing(connect_readonly(path)) as db:
            if not _has_tables(db):
                return []
            found = db.execute(_NEW_COMMITS, (self._seen.get(shard, 0), _AT_ONCE)).fetchall()
        return [(row[0], CommitRecord(*row[1:])) for row in found]


def _has_tables(db: sqlite3.Connection) -> bool:
    """Tell whether the shard has got as far as making them."""
    return db.execute("SELECT 1 FROM sqlite_master WHERE name = 'commits'").fetchone() is not None
