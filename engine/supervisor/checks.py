"""What can be refused before any process is started: each refusal is one line that names the thing and the mend."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from engine.errors import UsageError
from engine.sources.readers import open_records
from engine.supervisor.manifest import describe, same_content
from engine.transport.cache_disk import open_cache
from engine.transport.proxies import Proxies

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Any

    from engine.settings import Settings
    from engine.sources.source import Source
    from engine.supervisor.manifest import Manifest


def check_platform() -> None:
    """Refuse systems without the processes, sockets and locks that the engine is made of."""
    if not sys.platform.startswith(("linux", "darwin")):
        raise UsageError(f"enrich runs on Linux and macOS, not on {sys.platform}")


def check_cache(settings: Settings) -> None:
    """Refuse a page cache that cannot be opened."""
    cache = open_cache(settings.cache, os.environ)
    if cache is not None:
        cache.close()


def check_proxy(settings: Settings) -> None:
    """Refuse a proxy that cannot be used, also one that the environment names."""
    Proxies.of(settings.fetch, os.environ)


def check_not_empty(sources: Sequence[Source], settings: Settings) -> None:
    """Refuse inputs without a single record; whatever makes an input unfit from its start is refused here too."""
    found = [next(iter(open_records(source, settings.input)), None) is not None for source in sources]
    if not any(found):
        names = ", ".join(repr(source.name) for source in sources)
        raise UsageError(f"nothing to do: {names} holds no URL (blank lines and comments do not count)")


def check_unchanged(entries: Sequence[dict[str, Any]], sources: Sequence[Source]) -> None:
    """Refuse to go on reading an input that is gone, or is not what it was when the run began."""
    for entry, source in zip(entries, sources, strict=True):
        if source.path is None:
            continue
        if not source.path.is_file():
            raise UsageError(f"{source.name!r} is gone, and was not read to its end: put it back at {source.path}")
        if not same_content(entry, describe(source)):
            raise UsageError(
                f"{source.name!r} has changed since the run began, and was not read to its end: put the old one back,"
                " or begin anew with --fresh"
            )


def check_same_inputs(manifest: Manifest, given: Sequence[dict[str, Any]], folder: Path) -> None:
    """Refuse other inputs than the folder's; an input that is gone was compared by its name when it was described."""
    known = manifest["inputs"]
    for position in range(max(len(known), len(given))):
        before = known[position] if position < len(known) else None
        now = given[position] if position < len(given) else None
        if before is not None and now is not None and same_content(before, now):
            continue
        if before is None:
            what = f"{now['name']!r} is not among its inputs" if now else ""
        elif now is None:
            what = f"{before['name']!r} is among its inputs and was not given"
        elif before["name"] == now["name"]:
            what = f"{before['name']!r} has changed since"
        else:
            what = f"it was made from {before['name']!r}, not {now['name']!r}"
        raise UsageError(f"{folder} is another run's: {what}; choose another folder, or begin anew with --fresh")
