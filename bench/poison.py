"""Poisoned pages in a run of good ones: every good page has its row, every poisoned one has one, memory stays bounded.

The poison is of tests/web/poison.py, answers that inflate a thousandfold, a page whose parser dies by a signal and one
that never leaves C code. max_body_bytes is raised so that all of it reaches the parsers.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from lib import engine_run, lists
from lib.processes import Peaks, Running
from lib.results import Outcome, parser
from lib.tests_web import TESTS, tests_web
from web.poison import POISONS

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

_MIB: Final = 1 << 20
_BUDGET: Final = 1024 * _MIB
_BODY: Final = 64 * _MIB
_IN_FLIGHT: Final = 256 * _MIB
_SHARDS: Final = 2
#: What a shard holds beside the bodies in flight, and the body that it copies into a frame.
_SHARD: Final = 160 * _MIB + _IN_FLIGHT // _SHARDS + 2 * _BODY

#: How poison may end: said of the page by what reads it.
_SAID: Final = {None, "extract_failed", "decode_failed", "unsupported_content", "body_too_large"}
#: What no library lets us bound: its process pays, and the page says so.
_DIES: Final = {"nlp_crashed", "nlp_timeout"}
_ENDS_ITS_PROCESS: Final = {
    "crash": {"nlp_crashed"},
    "hang": {"nlp_timeout"},
    **dict.fromkeys(("pdf-bomb", "pdf-zeros", "pdf-forms-doubling"), _SAID | _DIES),
}
_OTHERS: Final = {
    "crash": "/html/1?poison=crash",
    "hang": "/html/2?poison=hang",
    "bomb": "/bomb",
    "bomb-zstd": "/bomb-zstd",
}


def main() -> int:
    options = _options()
    with Outcome("poison", __doc__, options, ["page", "rows", "kind", "ms", "error"]) as outcome:
        poison = {name: f"/poison/{name}/{options.size}" for name in POISONS} | _OTHERS
        poison = {f"http://{name}.test{path}": name for name, path in poison.items() if options.only in name}
        good = list(lists.spread(100, options.good, "http://good{host}.test/html/{page}"))
        urls = lists.write(outcome.folder / "urls.txt", lists.shuffled([*good, *poison]))
        with tests_web(outcome.folder) as web:
            settings = {
                **engine_run.LOCAL, **engine_run.all_hosts_at(web.port), "run.shards": _SHARDS, "run.nlp_processes": 2,
                "fetch.max_body_bytes": _BODY, "run.max_in_flight_bytes": _IN_FLIGHT, "fetch.timeout_s": 120,
                "nlp.max_process_memory_bytes": _BUDGET, "nlp.timeout_s": options.timeout_s,
            }  # fmt: skip
            out = outcome.folder / "out"
            peaks = Peaks()
            with Running(_command(urls, out, settings), outcome.folder) as running:
                while running.alive and running.elapsed_s < options.within_s:
                    peaks.add(running.usages(), running.elapsed_s)
                    running.wait(0.1)
                counted = running.counted(1)
        outcome.at_most("exit code", counted.code, 0)
        _judge(outcome, _rows(out), good, poison)
        outcome.at_most("memory of an NLP process, MiB", peaks.highest("nlp") // _MIB, _BUDGET // _MIB)
        outcome.at_most("memory of a shard, MiB", peaks.highest("shard") // _MIB, _SHARD // _MIB)
        outcome.at_most("memory of any process by the kernel's count, MiB", counted.peak // _MIB, _BUDGET // _MIB)
        outcome.note("seconds of CPU, of the clock", f"{counted.cpu_s:.0f}, {counted.wall_s:.0f}")
        ended = running.log.read_text().count("an NLP process ended and is started again")
        outcome.at_most("NLP processes ended", ended, 6 * len(_ENDS_ITS_PROCESS))
        return outcome.finish()


def _options() -> argparse.Namespace:
    asked = parser(__doc__)
    asked.add_argument("--good", type=int, default=1_000)
    asked.add_argument("--size", type=int, default=1_000, help="of the poison, in thousandths")
    asked.add_argument("--only", default="", help="poison whose name has this in it")
    asked.add_argument("--timeout-s", type=float, default=30, help="nlp.timeout_s")
    asked.add_argument("--within-s", type=float, default=3_600)
    asked.set_defaults(strict=True)
    return asked.parse_args()


def _command(urls: Path, out: Path, settings: dict[str, Any]) -> list[str]:
    """The engine with NLP children that two of the pages hang or crash."""
    os.environ["PYTHONPATH"] = str(TESTS)
    sets = [part for key, value in settings.items() for part in ("--set", f"{key}={json.dumps(value)}")]
    return [sys.executable, str(TESTS / "system" / "poisoned_engine.py"), str(urls), "--out", str(out), *sets]


def _rows(out: Path) -> list[dict[str, Any]]:
    with (out / "enrichment_output.jsonl").open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _judge(outcome: Outcome, rows: list[dict[str, Any]], good: list[str], poison: dict[str, str]) -> None:
    times = Counter(row["url"] for row in rows)
    by_url = {row["url"]: row for row in rows}
    wrong = 0
    for url, name in poison.items():
        row = by_url.get(url, {"error_kind": "no row", "error": "", "process_duration_ms": 0.0})
        outcome.row(name, times[url], row["error_kind"] or "", row["process_duration_ms"], (row["error"] or "")[:60])
        wrong += row["error_kind"] not in _ENDS_ITS_PROCESS.get(name, _SAID)
    enriched = [url for url in good if times[url] == 1 and by_url[url]["error_kind"] is None and by_url[url]["title"]]
    outcome.at_least("good pages with their row", len(enriched), len(good))
    outcome.at_least("poisoned pages with one row", sum(times[url] == 1 for url in poison), len(poison))
    outcome.at_most("rows in all", len(rows), len(good) + len(poison))
    outcome.at_most("poisoned pages with a kind that is none of theirs", wrong, 0)


if __name__ == "__main__":
    sys.exit(main())
