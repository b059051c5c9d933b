"""What a run folder at rest has lost, and what is done about it before a resume begins.

The law: nothing that is on disk is believed against what lies beside it. That all inputs were read is true only where
every frontier says so; a row is there only while its bytes have their checksum; a frontier that is torn is set aside
with its part, and made again from the inputs. What is lost is fetched again; nothing is dropped in silence.

`resume` reads all parts and frontiers for this, about as fast as the disk gives them. `run` does not: its shards look
at the last commits only, which is all that a power failure can have taken, and the merge finds the rest.
"""

from __future__ import annotations

import hashlib
from contextlib import closing
from typing import TYPE_CHECKING, Any

from engine.errors import OutputError
from engine.frontier.schema import damage, writing
from engine.observe.logs import get_logger
from engine.output.recover import damaged
from engine.statefile import connect_readonly

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from engine.output.codec import Compression
    from engine.supervisor.folder import RunFolder

_log = get_logger(__name__)


def inputs_are_held(folder: RunFolder) -> bool:
    """Whether all inputs were read, and every frontier holds its URLs of them. Raises OutputError."""
    manifest = folder.started
    frontiers = (folder.frontier(shard) for shard in range(manifest["shards"]))
    return bool(manifest["ingest_finished"]) and all(map(_ingested, frontiers))


def _ingested(frontier: Path) -> bool:
    if not frontier.exists():
        return False
    with writing(frontier), closing(connect_readonly(frontier)) as db:
        # A shard that was killed in its first moment left a file without tables.
        if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
            return False
        found = db.execute("SELECT value FROM meta WHERE name = 'ingested'").fetchone()
    return found is not None and bool(found[0])


def frontier_damage(folder: RunFolder, shard: int) -> str | None:
    """Say what is wrong with a shard's frontier; None where it is whole, or was never needed. Raises OutputError."""
    frontier, part = folder.frontier(shard), folder.part(shard, _compression(folder))
    if frontier.exists():
        return damage(frontier)
    needed = folder.started["ingest_finished"] or part.exists()
    return "it is missing" if needed else None


def mend(folder: RunFolder) -> bool:
    """Queue again what was lost; whether anything was. The folder's lock is held and no shard lives.

    Raises OutputError where the folder cannot be read or written.
    """
    found = False
    for shard in range(folder.started["shards"]):
        words = frontier_damage(folder, shard)
        if words is not None:
            _set_aside(folder, shard, words)
            found = True
        elif folder.frontier(shard).exists():
            found = _requeue_lost_rows(folder, shard) or found
    for name, facts in folder.started["outputs"].items():
        if not _is_as_written(folder.path / name, facts):
            _log.warning("a merged file is damaged, and is written again from the parts", file=name)
            found = True
    return found


def _set_aside(folder: RunFolder, shard: int, words: str) -> None:
    """Take a torn frontier, and the part that only it could explain, out of the way of new ones."""
    frontier, part = folder.frontier(shard), folder.part(shard, _compression(folder))
    _log.warning(
        "a frontier is damaged: its URLs are read again from the inputs, and its pages fetched again",
        frontier=frontier.name,
        damage=words,
        set_aside=f"{frontier.name}.damaged and {part.name}.damaged",
    )
    try:
        for path in (frontier, part):
            if path.exists():
                path.replace(path.with_name(path.name + ".damaged"))
        for suffix in ("-wal", "-shm"):  # a new file beside an old log would take it for its own
            frontier.with_name(frontier.name + suffix).unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{error.filename}: cannot be set aside: {error.strerror}") from error


def _requeue_lost_rows(folder: RunFolder, shard: int) -> bool:
    from engine.frontier.store import Store  # noqa: PLC0415 - numpy's import, which a new run need not wait for

    part = folder.part(shard, _compression(folder))
    with closing(Store.open(folder.frontier(shard))) as store:
        lost = damaged(part, store.commit_records(), deep=True)
        if lost:
            urls = store.requeue_commits(lost)
            _log.warning("rows were lost, and are queued again", part=part.name, commits=len(lost), urls=urls)
    return bool(lost)


def _is_as_written(path: Path, facts: Mapping[str, Any]) -> bool:
    try:
        if path.stat().st_size != facts["bytes"]:
            return False
        with path.open("rb") as file:
            return bool(hashlib.file_digest(file, "sha256").hexdigest() == facts["sha256"])
    except OSError:
        return False


def _compression(folder: RunFolder) -> Compression:
    compression: Compression = folder.started["fingerprint"]["output.compression"]
    return compression
