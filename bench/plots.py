"""Draw saved measurements: `scripts/bench scaling FILE... [--out FOLDER]`.

FILEs are what scripts/bench --benchmark-json=FILE wrote (of several the plots have the median and the spread), and what
enrichment.py, length.py and scaling.py wrote with --save (of two of one kind the later counts). For
each thing that was varied an SVG is written: throughput and CPU a page over concurrency, shards, NLP processes, sites
and length of the list. bench/report.py draws the same into docs/plots, and shows them in docs/performance.md.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from lib import figures, saved

DEFAULT_OUT = Path(__file__).resolve().parents[1] / "docs" / "plots"


def main(arguments: list[str] | None = None) -> int:
    asked = argparse.ArgumentParser(
        prog="scripts/bench scaling", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    asked.add_argument("files", type=Path, nargs="+", metavar="FILE")
    asked.add_argument("--out", type=Path, default=DEFAULT_OUT, help="folder of the plots [docs/plots]")
    options = asked.parse_args(arguments)
    try:
        suites, scripts = saved.read(options.files)
    except saved.UnreadableError as error:
        asked.error(str(error))
    made = [figure for told in saved.latest(scripts).values() for figure in figures.of_script(told)]
    made += figures.of_suites(suites)
    if not made:
        asked.error("these files hold nothing that is drawn: see --help")
    try:
        paths = figures.write(made, options.out)
    except OSError as error:
        asked.error(f"{error.filename}: {error.strerror}")
    print("\n".join(map(str, paths)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
