"""`run_async_enrichment`, under the name and with the arguments of the pipeline that this engine succeeds."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.api.background import BackgroundRun
from engine.api.calls import POLL_S, check, request, rows, write_urls
from engine.errors import OutputError, UsageError
from engine.output.codec import OUTPUT_NAME
from engine.settings import known_keys, load
from engine.settings.stages import said

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


class Summary(NamedTuple):
    """What came of it: rows in the file, and how many of them have an error."""

    rows: int
    failed: int


async def run_async_enrichment(  # noqa: PLR0913, PLR0917 - the documented arguments
    urls: Iterable[str | Mapping[str, Any]],
    output_file: str | Path,
    nlp_config: Mapping[str, Any] | None = None,
    max_concurrency: int = 50,
    timeout: float = 30,  # noqa: ASYNC109 - the documented name, of a request's time
    batch_size: int = 100,
    *,
    settings: Mapping[str, Any] | None = None,
) -> Summary:
    """Enrich `urls` into `output_file`, a JSON row a line, which is there as a whole when this returns.

    `nlp_config` takes the keys of the setting group `nlp` and the short names of the stage `enrichment`
    (`spacy_model`, `top_keywords`, `nlp_enabled` …); `timeout` is `fetch.timeout_s`, `batch_size` the rows a commit.
    `settings` are single keys ({"politeness.delay_s": 0.5}) and win over all of these. A run that stops early, or is
    cancelled, leaves OUTPUT_FILE.run: the same call goes on with it. Raises EngineError.
    """
    output = Path(output_file)
    flags: dict[str, Any] = {
        "fetch.max_concurrency": max_concurrency,
        "fetch.timeout_s": timeout,
        "output.commit_rows": batch_size,
        **_nlp_settings(nlp_config or {}),
        **(settings or {}),
    }
    folder, listing = output.with_name(f"{output.name}.run"), output.with_name(f"{output.name}.urls.jsonl")
    loaded = load([], os.environ, flags)
    if loaded.settings.output.compression != "none" or loaded.settings.output.merge != "auto":
        raise UsageError("output_file is one plain file: leave output.compression and output.merge as they are")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with listing.open("wb") as file:
            count = await asyncio.to_thread(write_urls, urls, file, loaded)
        if not count:
            listing.unlink()
            await asyncio.to_thread(output.write_bytes, b"")
            return Summary(0, 0)
        background = BackgroundRun(request(folder, loaded, (str(listing),)))
        background.begin()
        try:
            while not await asyncio.to_thread(background.ended, POLL_S):
                pass
            check(background.code(), folder)
        finally:
            await asyncio.to_thread(background.close)
        return await asyncio.to_thread(_deliver, folder, listing, output)
    except OSError as error:
        raise OutputError(f"{error.filename or output}: {error.strerror}") from error


def _deliver(folder: Path, listing: Path, output: Path) -> Summary:
    """Give the complete run's rows their place, and remove what was only on the way there."""
    errors = [row["error_kind"] is not None for row in rows(folder)]
    (folder / OUTPUT_NAME).replace(output)
    shutil.rmtree(folder)
    listing.unlink()
    return Summary(len(errors), sum(errors))


def _nlp_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that the predecessor's NLP configuration means. Raises UsageError for what means none."""
    found: dict[str, Any] = {}
    short: dict[str, Any] = {}
    known = known_keys()
    for key, value in config.items():
        if (setting := f"nlp.{key}") in known:
            found[setting] = value
        else:
            short[key] = value
    found.update((one.key, one.value) for one in said({"enrichment": short}, "enrichment", _flat, "nlp_config"))
    return found


def _flat(groups: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for group, keys in groups.items():
        for key, value in keys.items():
            yield f"{group}.{key}", value
