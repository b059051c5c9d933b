"""Stage 3 of the pipeline as a user runs it, by our engine or through Scrapy, over a list that stage 2 found valid.

Both are the same command but for one flag: `enrich pipeline --stage 3 --[no-]async-enrichment`. What stage 2 would have
left is written beforehand, its list taken as valid; the rows of stage 3 are read afterwards.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.settings import Settings
from engine.supervisor.manifest import COMPLETE, new_manifest, write_manifest
from lib import engine_run, lists

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_BARE = Path(__file__).with_name("bare_spider.py")

#: By the name that a result has: our engine; our stage 3 through Scrapy; Scrapy alone, tuned as there; as it comes.
MODES = ("async", "scrapy", "scrapy_bare", "scrapy_stock")

#: What a host may be asked at once: what both heed is politeness.max_per_host, and ours has a site's limit, of 8, too.
PER_HOST = 8


class Stage3:
    """A data folder with a finished stage 2, and the commands that carry out stage 3 on it."""

    def __init__(
        self, folder: Path, urls: list[str], settings: Mapping[str, Any], concurrency: int, more: Iterable[str] = ()
    ) -> None:
        self._settings = {
            **engine_run.LOCAL, **settings, "pipeline.data_dir": str(folder), "fetch.max_concurrency": concurrency,
            "politeness.max_per_host": PER_HOST,
        }  # fmt: skip
        self._more = list(more)  # as KEY=VALUE
        self._concurrency = concurrency
        before = folder / "processed" / "stage02"
        before.mkdir(parents=True, exist_ok=True)
        rows = (json.dumps({"url": url, "input": {}, "is_valid": True}) for url in urls)
        lists.write(before / "validation_output.jsonl", rows)
        write_manifest(before, {**new_manifest(Settings(), [], 1, datetime.now(UTC)), "state": COMPLETE})
        self._list = lists.write(folder / "list.txt", urls)
        self._out = folder / "processed" / "stage03"
        self._bare_out = folder / "bare.jsonl"

    def command(self, mode: str) -> list[str]:
        """The command line of a mode; what an earlier one left is removed."""
        shutil.rmtree(self._out, ignore_errors=True)
        if mode.startswith("scrapy_"):
            line = [sys.executable, _BARE, self._list, self._bare_out, self._concurrency, PER_HOST]
            return [*map(str, line), *(["--fast"] if mode == "scrapy_bare" else [])]
        line = [sys.executable, "-m", "engine", "pipeline", "--stage", "3"]
        line.append("--async-enrichment" if mode == "async" else "--no-async-enrichment")
        for key, value in self._settings.items():
            line += ["--set", f"{key}={json.dumps(value)}"]
        for given in self._more:
            line += ["--set", given]
        return [*line, "--no-progress", "--log-format", "json"]

    def kinds(self, mode: str) -> Counter[str]:
        """How many rows the last run left of each error kind, and without one ("")."""
        if mode.startswith("scrapy_"):
            rows = map(json.loads, self._bare_out.open())
            return Counter("" if row.get("status_code") == 200 else "failed" for row in rows)
        rows = map(json.loads, (self._out / "enrichment_output.jsonl").open())
        return Counter(row["error_kind"] or "" for row in rows)
