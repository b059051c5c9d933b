"""The run folder: made, opened under its lock, begun anew.

Law: a folder that is not ours is never written to; what a run left is removed only on request, and then only what its
manifest names; at any moment of these steps a kill leaves a folder that the same command takes up again.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.errors import OutputError, UsageError
from engine.output.codec import FAILURES_NAME, Compression, file_name, part_name
from engine.supervisor.lock import ORPHAN_WAIT_S, FileLock
from engine.supervisor.manifest import (
    ASIDE_NAME,
    INTERRUPTED,
    MANIFEST_NAME,
    Manifest,
    output_name,
    read_manifest,
    write_manifest,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Where stdin is read to, before what it holds is known to be fit.
STDIN_ASIDE_NAME: Final = "stdin.new"

#: The jobs of a folder of leads (engine.leads): one file in `state`, and what SQLite keeps beside it.
LEADS_NAME: Final = "leads.sqlite"
LEADS_FILES: Final = tuple(f"{LEADS_NAME}{suffix}" for suffix in ("-journal", "-wal", "-shm", ""))

#: What a command that was killed before its first manifest may have left in `state`.
_EARLY_STATE: Final = frozenset({"lock", "stdin", STDIN_ASIDE_NAME, f"{STDIN_ASIDE_NAME}.part"} | set(LEADS_FILES))


@dataclass(slots=True)
class RunFolder:
    """An opened run folder: ours alone while the lock is held. `manifest` is None until the first one is written."""

    path: Path
    manifest: Manifest | None

    @property
    def state(self) -> Path:
        """The frontiers, the locks, spooled stdin."""
        return self.path / "state"

    @property
    def stdin(self) -> Path:
        """Where stdin is kept."""
        return self.state / "stdin"

    @property
    def parts(self) -> Path:
        """The shards' rows."""
        return self.path / "parts"

    @property
    def started(self) -> Manifest:
        """The manifest of a folder that has one."""
        if self.manifest is None:
            raise UsageError(f"{self.path}: is no run folder: it has no run.json")
        return self.manifest

    def frontier(self, shard: int) -> Path:
        """A shard's SQLite file."""
        return self.state / f"shard-{shard:05d}.sqlite"

    def shard_lock(self, shard: int) -> Path:
        """The lock that a shard's process holds."""
        return self.state / f"shard-{shard:05d}.lock"

    def part(self, shard: int, compression: Compression) -> Path:
        """A shard's part file."""
        return self.parts / part_name(shard, compression)

    def write(self, manifest: Manifest) -> None:
        """Replace the manifest. Raises OutputError."""
        write_manifest(self.path, manifest)
        self.manifest = manifest

    def wait_for_orphans(self, wait_s: float = ORPHAN_WAIT_S) -> None:
        """Wait until no shard of an earlier command lives. Raises UsageError naming the one that stays."""
        if self.manifest is not None and self.state.is_dir():
            for shard in range(self.manifest["shards"]):
                FileLock.acquire(self.shard_lock(shard), wait_s).release()

    def clear(self) -> None:
        """Remove what the manifest names, so that the folder can begin anew. Raises OutputError."""
        manifest = self.started
        # Killed in the middle, the folder must not look as if all its inputs had been read.
        self.write({**manifest, "state": INTERRUPTED, "ingest_finished": False, "outputs": {}, "counts": {}})
        compression: Compression = manifest["fingerprint"]["output.compression"]
        doomed = [self.path / name for name in manifest["outputs"]]
        doomed += [self.path / file_name(stem, compression) for stem in (output_name(manifest), FAILURES_NAME)]
        doomed += [self.stdin, self.state / "gauges.json"]
        for shard in range(manifest["shards"]):
            frontier = self.frontier(shard)
            # The log before the file it belongs to: a new file beside an old log would take it for its own.
            doomed += [frontier.with_name(frontier.name + suffix) for suffix in ("-wal", "-shm")]
            # What else a shard keeps beside its frontier; its lock file stays, as lock files must.
            doomed += [path for path in self.state.glob(f"{frontier.stem}.*") if path.suffix != ".lock"]
            doomed.append(self.part(shard, compression))
        try:
            for path in doomed:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(f"{error.filename}: cannot be removed: {error.strerror}") from error
        self.manifest = None

    def discard(self) -> None:
        """Take back a folder that turned out to have nothing to run on: what a new one holds, and itself if empty."""
        if self.manifest is not None:
            self.clear()
        try:
            for path in (
                self.path / MANIFEST_NAME,
                self.path / ASIDE_NAME,
                *(self.state / name for name in _EARLY_STATE),
            ):
                path.unlink(missing_ok=True)
            for folder in (self.state, self.parts, self.path):
                if folder.is_dir() and not any(folder.iterdir()):
                    folder.rmdir()
        except OSError as error:
            raise OutputError(f"{error.filename}: cannot be removed: {error.strerror}") from error


@contextmanager
def opened(path: Path, *, create: bool, wait_s: float = ORPHAN_WAIT_S) -> Iterator[RunFolder]:
    """Open a run folder under its lock; without `create` it must be one already.

    Raises UsageError where it is somebody else's or in use, OutputError where it cannot be made.
    """
    if not create:
        read_manifest(path)  # refuses what is no run folder before anything is written to it
    _refuse_foreign(path)
    state = path / "state"
    try:
        path.mkdir(parents=True, exist_ok=True)
        state.mkdir(mode=0o700, exist_ok=True)  # inputs may carry passwords
        (path / "parts").mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(f"{path}: cannot be made: {error.strerror}") from error
    lock = FileLock.acquire(state / "lock", wait_s)
    try:
        lock.sign()
        exists = (path / MANIFEST_NAME).exists()
        yield RunFolder(path, read_manifest(path) if exists else None)
    finally:
        lock.release()


def _refuse_foreign(path: Path) -> None:
    """Raise UsageError where a folder holds something that no run of ours left there."""
    if not path.exists():
        return
    if not path.is_dir():
        raise UsageError(f"{path}: is a file; the output is a folder")
    try:
        names = {entry.name for entry in path.iterdir()}
        if MANIFEST_NAME in names:
            return
        early = names <= {"state", "parts", ASIDE_NAME}
        state, parts = path / "state", path / "parts"
        early = early and (not state.is_dir() or {entry.name for entry in state.iterdir()} <= _EARLY_STATE)
        early = early and (not parts.is_dir() or not any(parts.iterdir()))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    if not early:
        raise UsageError(f"{path}: is not empty and has no run.json, so it is no run folder; choose another one")
