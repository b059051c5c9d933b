"""A second run over pages that have not changed, with the page cache on: what it fetches, and what it costs.

PAGES_WEB is the script that serves the pages and answers 304 to their ETags. CPU is that of all processes of a command,
net of what the same command costs for one URL. What was fetched is read from the server's own log.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from lib import engine_run
from lib.processes import Counted, run
from lib.results import Outcome, parser
from lib.servers import pages_web

if TYPE_CHECKING:
    import argparse

#: What two runs over the same pages differ in: times, and whether a page was fetched.
TIMES = ("fetch_duration_ms", "process_duration_ms", "enriched_at", "from_cache")


def main() -> int:
    options = _options()
    columns = ["run", "rows", "bodies fetched", "304", "wall s", "CPU s", "CPU s, net"]
    with Outcome("cached_run", __doc__, options, columns) as outcome:
        folder = outcome.folder
        urls, one, log = folder / "urls.txt", folder / "one.txt", folder / "web.jsonl"
        with pages_web(options.pages_web, options.copies, urls, log) as port:
            one.write_text(urls.read_text().splitlines(keepends=True)[0])
            measured = Measured(outcome, port, log)
            start_up = [measured.command(one, "start-up", f"start-up-{number}").cpu_s for number in range(3)]
            costs, rows = [], []
            for number in (1, 2):
                answers_before = len(measured.answers())
                counted = measured.command(urls, "cache", f"run-{number}")
                rows.append(measured.rows(f"run-{number}"))
                fetched = measured.answers()[answers_before:]
                costs.append(counted.cpu_s - median(start_up))
                bodies, unchanged = fetched.count(200), fetched.count(304)
                outcome.row(number, len(rows[-1]), bodies, unchanged, counted.wall_s, counted.cpu_s, costs[-1])
        outcome.at_least("rows", len(rows[1]), sum(1 for _ in urls.open()))
        outcome.at_most("bodies fetched by the second run", bodies, 0)
        outcome.at_most("rows that differ but for times", _differing(*rows), 0)
        outcome.at_least("rows from the cache", sum(row["from_cache"] for row in rows[1].values()), len(rows[0]))
        outcome.at_most("CPU of the second run to that of the first, net", costs[1] / costs[0], 0.2)
        outcome.note("bytes of the cache", sum(file.stat().st_size for file in (folder / "cache").rglob("pages-*")))
        return outcome.finish()


def _options() -> argparse.Namespace:
    asked = parser(__doc__)
    asked.add_argument("pages_web", type=Path, metavar="PAGES_WEB", help="the server's script")
    asked.add_argument("--copies", type=int, default=20, help="each page on so many sites (20: 6,000 URLs)")
    return asked.parse_args()


class Measured:
    """Runs of the engine over one web; `log` is the server's."""

    def __init__(self, outcome: Outcome, port: int, log: Path) -> None:
        self._folder = outcome.folder
        self._log = log
        self._settings = {
            "politeness.delay_s": 0, "guard.allow_networks": ["127.0.0.0/8"], "fetch.contact": "bench@example.org",
            "cache.enabled": True, "cache.max_bytes": 0, **engine_run.all_hosts_at(port),
        }  # fmt: skip

    def command(self, urls: Path, cache: str, out: str) -> Counted:
        settings = {**self._settings, "cache.dir": str(self._folder / cache)}
        return run(engine_run.command(self._folder / out, [urls], settings), self._folder, 1800, out)

    def rows(self, out: str) -> dict[str, dict[str, Any]]:
        path = self._folder / out / "enrichment_output.jsonl"
        return {row["fetch_url"]: row for row in map(json.loads, path.open())}

    def answers(self) -> list[int]:
        """The status of each answer so far; what is no page (robots.txt) is 404 there."""
        return [json.loads(line)["status"] for line in self._log.open()]


def _differing(first: dict[str, dict[str, Any]], second: dict[str, dict[str, Any]]) -> int:
    def lasting(row: dict[str, Any] | None) -> dict[str, Any] | None:
        return row and {key: value for key, value in row.items() if key not in TIMES}

    return sum(lasting(first.get(url)) != lasting(second.get(url)) for url in {*first, *second})


if __name__ == "__main__":
    sys.exit(main())
