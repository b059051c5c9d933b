"""Discovery of a site with traps: every page once, how much the traps took, and what a second run with a cache costs.

The site is tests/web/site.py's: pages that link to each other under session ids, pages that only a packed sitemap or a
feed names, a calendar, a folder that nests for ever, views that are all the same. Discovered three times into folders
of their own: without a cache, filling one, and from it. CPU is of all processes of the command, the server's not; what
a discovery of a single page costs is the start, which ratios leave out.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from lib import engine_run
from lib.processes import run
from lib.results import Outcome, parser
from lib.tests_web import tests_web
from web import site

from engine.model.stage_rows import discovered_page

if TYPE_CHECKING:
    import argparse
    from pathlib import Path


def main() -> int:
    options = _options()
    columns = ["run", "rows", "usable", "missing", "twice", "of traps", "requests", "wall s", "CPU s"]
    with Outcome("discovery", __doc__, options, columns) as outcome, tests_web(outcome.folder / "web") as web:
        host = f"site-{options.pages}-bench.test"
        real = site.real_urls(host)
        settings = {
            "politeness.delay_s": 0, "politeness.max_per_host": 0, "guard.allow_networks": ["127.0.0.0/8"],
            "discovery.max_pages_per_site": 2 * options.pages + 1000, "discovery.max_depth": 100,
            "fetch.contact": "bench@operator.example", **engine_run.all_hosts_at(web.port),
        }  # fmt: skip
        cached = {**settings, "cache.enabled": True, "cache.dir": str(outcome.folder / "cache")}
        cost: dict[str, tuple[float, int]] = {}
        single = {**settings, "discovery.max_depth": 0, "discovery.sitemaps": False}
        line = engine_run.command(outcome.folder / "single", [f"http://{host}/"], single, verb="discover")
        start_s = run(line, outcome.folder, 600, "single").cpu_s
        outcome.note("CPU of a discovery of one page, s", start_s)
        for name, chosen in (("no cache", settings), ("filling a cache", cached), ("from the cache", cached)):
            before, out = len(web.log()), outcome.folder / name.replace(" ", "-")
            counted = run(
                engine_run.command(out, [f"http://{host}/"], chosen, verb="discover"), outcome.folder, 3600, out.name
            )
            requests = len(web.log()) - before
            rows = _rows(out)
            usable = [row["fetch_url"] for row in rows if discovered_page(row)]
            missing, twice = len(real - set(usable)), len(usable) - len(set(usable))
            traps = len(rows) - len(real)
            outcome.row(name, len(rows), len(usable), missing, twice, traps, requests, counted.wall_s, counted.cpu_s)
            outcome.at_most(f"{name}: pages missing", missing, 0)
            outcome.at_most(f"{name}: pages twice", twice, 0)
            outcome.at_most(
                f"{name}: rows beyond the pages (sitemaps, traps, aliases)", traps, 60 + options.pages // 50
            )
            cost[name] = (counted.cpu_s, requests)
        (cpu, _), (again, asked) = cost["filling a cache"], cost["from the cache"]
        outcome.at_most("CPU of the second run against the first", (again - start_s) / (cpu - start_s), 0.25)
        outcome.note("the same with the start", again / cpu)
        outcome.note("CPU of the second run, ms a page", (again - start_s) * 1000 / options.pages)
        outcome.at_most("requests of the second run against pages", asked / options.pages, 0.1)
        run([sys.executable, "-m", "engine", "verify", out], outcome.folder, 600, "verify")
        outcome.note("verify", "sound")
        return outcome.finish()


def _options() -> argparse.Namespace:
    asked = parser(__doc__)
    asked.add_argument("--pages", type=int, default=5000)
    return asked.parse_args()


def _rows(out: Path) -> list[dict]:
    return [json.loads(line) for line in (out / "discovery_output.jsonl").open()]


if __name__ == "__main__":
    sys.exit(main())
