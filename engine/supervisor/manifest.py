"""run.json: what a run folder holds, with which settings and from which inputs it was made, and how it stands.

The manifest is written aside, synced and renamed, so that it is always whole. It is the last file that a run writes and
names every file that `--fresh` may remove. Secrets are never in it.
"""

from __future__ import annotations

import contextlib
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

from engine import __version__
from engine.errors import OutputError, UsageError
from engine.output.codec import OUTPUT_NAMES
from engine.settings import fingerprint, redacted, redacted_keys
from engine.sources.source import Compression, Format, Source
from engine.sources.source import fingerprint as file_fingerprint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.settings import Settings

MANIFEST_NAME: Final = "run.json"
#: Where the manifest is written before it gets its name.
ASIDE_NAME: Final = "run.json.tmp"
FORMAT_VERSION: Final = 1

RUNNING: Final = "running"
INTERRUPTED: Final = "interrupted"
COMPLETE: Final = "complete"

Manifest = dict[str, Any]

#: What every command relies on.
_SHAPE: Final[dict[str, type | tuple[type, ...]]] = {
    "state": str, "inputs": list, "shards": int, "ingest_finished": bool, "counts": dict, "outputs": dict,
    "settings": dict, "redacted": list, "fingerprint": dict, "elapsed_s": (int, float),
}  # fmt: skip


def new_manifest(settings: Settings, inputs: Sequence[dict[str, Any]], shards: int, now: datetime) -> Manifest:
    """Make the manifest of a run that starts now."""
    return {
        "format_version": FORMAT_VERSION,
        "state": RUNNING,
        "inputs": list(inputs),
        "shards": shards,
        "ingest_finished": False,
        "counts": {},
        "rates": {},
        "outputs": {},
        "started_at": _rfc3339(now),
        "finished_at": None,
        "elapsed_s": 0.0,
        **_of_this_command(settings),
    }


def continued(manifest: Manifest, settings: Settings) -> Manifest:
    """Make the manifest of a run that goes on now: what does not change rows may be set otherwise than before."""
    return {**manifest, "state": RUNNING, "finished_at": None, **_of_this_command(settings)}


def _of_this_command(settings: Settings) -> Manifest:
    return {
        "engine_version": __version__,
        "python": platform.python_version(),
        "settings": redacted(settings),
        "redacted": redacted_keys(settings),
        "fingerprint": fingerprint(settings),
    }


def ended(manifest: Manifest, state: str, now: datetime, elapsed_s: float) -> Manifest:
    """Make the manifest of a run that ends now; `elapsed_s` over all its commands."""
    return {**manifest, "state": state, "finished_at": _rfc3339(now), "elapsed_s": round(elapsed_s, 3)}


def _rfc3339(now: datetime) -> str:
    return now.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


# -- inputs -----------------------------------------------------------------------------------------------------------


def describe(source: Source) -> dict[str, Any]:
    """Tell an input apart from others: its name, format and, of a file, its size and the hash of its ends."""
    facts = {"name": source.name, "format": str(source.format), "compression": str(source.compression)}
    if source.path is None:
        return facts
    return {**facts, "path": str(source.path.absolute()), **file_fingerprint(source.path)}


def source_of(entry: dict[str, Any], stdin: Path) -> Source:
    """Find an input of the manifest again; `stdin` is where a folder keeps what was piped in."""
    kind = Format(entry["format"])
    if kind is Format.PAGE:
        return Source(entry["name"], kind, url=entry["name"])
    path = stdin if entry["name"] == "-" else Path(entry["path"])
    return Source(entry["name"], kind, Compression(entry["compression"]), path)


def same_content(entry: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two descriptions are of the same input, wherever it lies."""
    keys = ("format", "size", "sha256") if "size" in entry else ("format", "name")
    return all(entry.get(key) == other.get(key) for key in keys)


def stage_of(manifest: Manifest) -> str:
    """Which stage's rows a folder holds; enrichment's, where its manifest says nothing of it."""
    return str(manifest["fingerprint"].get("run.stage", "enrichment"))


def output_name(manifest: Manifest) -> str:
    """The name of a folder's merged rows, less the suffix of their compression."""
    return OUTPUT_NAMES[stage_of(manifest)]


# -- comparing --------------------------------------------------------------------------------------------------------


def settings_difference(manifest: Manifest, settings: Settings) -> str | None:
    """Say which setting differs that must not on a started run; None where all agree."""
    before, now = manifest["fingerprint"], fingerprint(settings)
    if stage_of(manifest) != settings.run.stage:
        return f"run.stage was {stage_of(manifest)}, now {settings.run.stage}"
    for key in sorted({*before, *now}):
        if before.get(key) != now.get(key):
            return f"{key} was {_short(before.get(key))}, now {_short(now.get(key))}"
    wanted = settings.run.shards
    if wanted not in {"auto", manifest["shards"]}:
        return f"run.shards was {manifest['shards']}, now {wanted}"
    return None


def _short(value: Any) -> str:  # noqa: ANN401 - any JSON value
    text = orjson.dumps(value).decode()
    return text if len(text) <= 60 else text[:60] + "…"  # noqa: PLR2004 - as much as reads well in one line


# -- reading and writing ----------------------------------------------------------------------------------------------


def read_manifest(folder: Path) -> Manifest:
    """Read a folder's run.json. Raises UsageError where it is missing, damaged, or of another version."""
    path = folder / MANIFEST_NAME
    try:
        manifest = orjson.loads(path.read_bytes())
    except FileNotFoundError as error:
        what = "is no run folder: it has no run.json" if folder.is_dir() else "no such run folder"
        raise UsageError(f"{folder}: {what}") from error
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{path}: is no JSON ({error}): it was not written by this engine, or is damaged") from error
    if not isinstance(manifest, dict) or "format_version" not in manifest:
        raise UsageError(f"{path}: was not written by this engine; choose another folder")
    _check_version(path, manifest)
    for key, kind in _SHAPE.items():
        if not isinstance(manifest.get(key), kind):
            raise UsageError(f"{path}: {key!r} is missing or damaged: put the file back as it was, or begin elsewhere")
    return manifest


def _check_version(path: Path, manifest: Manifest) -> None:
    """Refuse a folder of another format: what its files mean is known to the version that made them.

    Format 1 is the first, so there is no older one to migrate from; what a later format changes is to be done to older
    folders here.
    """
    found, by = manifest["format_version"], manifest.get("engine_version", "unknown")
    if found != FORMAT_VERSION:
        older = isinstance(found, int) and found < FORMAT_VERSION
        raise UsageError(
            f"{path}: folder format {found}, made by {'an older' if older else 'another'} version ({by}); this one"
            f" ({__version__}) reads format {FORMAT_VERSION}: finish the run with that version, or begin elsewhere"
        )


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Replace run.json in one step, durably. Raises OutputError, and then the old one still stands."""
    path, aside = folder / MANIFEST_NAME, folder / ASIDE_NAME
    try:
        with aside.open("wb") as file:
            file.write(orjson.dumps(manifest, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
    except OSError as error:
        with contextlib.suppress(OSError):  # the first failure is the one to tell
            aside.unlink(missing_ok=True)
        raise OutputError(
            f"{path}: cannot be written: {error.strerror}; mend that, then: enrich resume {folder}"
        ) from error
