"""Real pages: what a run over the 300 pages with ground truth gives, and what it costs.

PAGES_WEB is the script that serves the pages at their own URLs; the ground truth lies beside it, in ../pages/truth. CPU
is user and system time of all processes of the command, which runs under a subreaper (lib/counted.py): children of the
fork server are not the supervisor's, and would be missing from its own figures. The server is not counted.
"""

from __future__ import annotations

import json
import re
import sys
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from lib import engine_run
from lib.processes import run
from lib.results import Outcome, parser
from lib.servers import pages_web

if TYPE_CHECKING:
    import argparse

COPY = re.compile(r"\.c\d+\.test$")

#: Pages a CPU second of all processes that are asked for.
ASKED = {"rules": 55, "builtin": 35}


def main() -> int:
    options = _options()
    columns = ["round", "rows", "status 200", "titles", "with text", "wall s", "CPU s", "pages/s", "pages/CPU s"]
    with Outcome("real_pages", __doc__, options, columns) as outcome:
        urls, out = outcome.folder / "urls.txt", outcome.folder / "out"
        titles = _titles(options.pages_web.resolve().parent.parent / "pages" / "truth")
        with pages_web(options.pages_web, options.copies, urls) as port:
            settings = {
                "politeness.delay_s": 0, "guard.allow_networks": ["127.0.0.0/8"], **engine_run.all_hosts_at(port),
                "nlp.pipeline": options.pipeline,
            }  # fmt: skip
            line = engine_run.command(out, [urls], settings)
            rates = []
            for number in range(options.rounds):
                counted = run([*line, *(["--fresh"] if number else [])], outcome.folder, 1800)
                found = [json.loads(row) for row in (out / "enrichment_output.jsonl").open()]
                rates.append(len(found) / counted.cpu_s)
                shares = _shares(found, titles)
                outcome.row(
                    number + 1,
                    len(found),
                    *shares,
                    counted.wall_s,
                    counted.cpu_s,
                    len(found) / counted.wall_s,
                    rates[-1],
                )
                outcome.at_least("rows", len(found), sum(1 for _ in urls.open()))
                outcome.at_least("share of rows with status 200", shares[0], 1.0)
                outcome.at_least("share of the truth's titles that a row has", shares[1], 1.0)
                outcome.at_least("share of rows with text", shares[2], 0.99)
            outcome.at_least("pages a CPU second, median", sorted(rates)[len(rates) // 2], ASKED[options.pipeline])
            before = _contents(out)
            run(line, outcome.folder, 60, "again")
            outcome.at_most("files that the same command again changes", len(_contents(out) ^ before), 0)
        run([sys.executable, "-m", "engine", "verify", out], outcome.folder, 600, "verify")
        outcome.note("verify", "sound")
        return outcome.finish()


def _options() -> argparse.Namespace:
    asked = parser(__doc__)
    asked.add_argument("pages_web", type=Path, metavar="PAGES_WEB", help="the server's script")
    asked.add_argument("--copies", type=int, default=20, help="each page on so many sites (20: 6,000 URLs)")
    asked.add_argument("--rounds", type=int, default=1)
    asked.add_argument("--pipeline", choices=sorted(ASKED), default="builtin")
    return asked.parse_args()


def _titles(truth: Path) -> set[tuple[str, str]]:
    """The pages that have a title, as (host, path and query)."""
    pages = [json.loads(path.read_text()) for path in sorted(truth.glob("*.json"))]
    return {_place(page["url"]) for page in pages if page["title"]}


def _place(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return COPY.sub("", parts.netloc.lower()), (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _shares(rows: list[dict[str, Any]], titles: set[tuple[str, str]]) -> tuple[float, float, float]:
    """Of all rows those with status 200; of those whose page has a title the ones with one; of all those with text."""
    titled = [row for row in rows if _place(row["url"]) in titles]
    return (
        sum(row["status_code"] == 200 for row in rows) / len(rows),
        sum(bool(row["title"]) for row in titled) / len(titled),
        sum(bool(row["text_content"]) for row in rows) / len(rows),
    )


def _contents(folder: Path) -> set[tuple[str, str]]:
    """Every file and its hash; the lock, which names its last holder, is none of the run's results."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "lock")
    return {(str(path), sha256(path.read_bytes()).hexdigest()) for path in files}


if __name__ == "__main__":
    sys.exit(main())
