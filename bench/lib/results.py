"""One benchmark's outcome: a table, what was demanded of it, and a file that bench/report.py reads.

Each script ends with a table on stdout and, with --save FILE, one JSON object: {"name", "about", "at", "machine",
"options", "columns", "rows", "checks"}. The exit code is 0 also where a demand was missed: a figure is a figure. With
--strict it is then 1.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from typing import Any, Self

from lib.machine import machine
from lib.parent import unwind_on_sigterm


@dataclass(frozen=True, slots=True)
class Check:
    """A demand: what, how much was found, what is asked for, and whether it holds (None: not to be judged)."""

    what: str
    found: str
    asked: str
    holds: bool | None


def parser(about: str | None) -> argparse.ArgumentParser:
    """A parser with the flags that all scripts share. `about` is the script's docstring."""
    made = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--save", type=Path, metavar="FILE", help="write the outcome as JSON, for bench/report.py")
    made.add_argument("--strict", action="store_true", help="exit with 1 where a demand was missed")
    made.add_argument("--folder", type=Path, help="work here and leave everything (default: a temporary folder)")
    return made


class Outcome:
    """Gathers rows and checks. `with Outcome(...) as outcome:` gives it a folder to work in, `outcome.folder`."""

    def __init__(self, name: str, about: str | None, options: argparse.Namespace, columns: list[str]) -> None:
        self.name = name
        self._about = (about or "").strip().splitlines()[0]
        self._options = options
        unwind_on_sigterm()
        self._columns = columns
        self._rows: list[list[Any]] = []
        self._checks: list[Check] = []
        self._more: dict[str, Any] = {}
        self._machine = machine()
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        if options.folder is None:
            self._temporary = tempfile.TemporaryDirectory(prefix=f"bench-{name}-")
            self.folder = Path(self._temporary.name)
        else:
            self.folder = options.folder.resolve()
            self.folder.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._temporary is not None:
            self._temporary.cleanup()

    def row(self, *cells: Any) -> None:
        """Add a row, and say it at once: a long benchmark shows how it goes."""
        self._rows.append(list(cells))
        print("  ".join(map(shown, cells)), file=sys.stderr, flush=True)

    def at_most(self, what: str, found: float, bound: float, unit: str = "") -> None:
        self._check(what, found, f"at most {shown(bound)}{unit}", unit, holds=found <= bound)

    def at_least(self, what: str, found: float, bound: float, unit: str = "") -> None:
        self._check(what, found, f"at least {shown(bound)}{unit}", unit, holds=found >= bound)

    def note(self, what: str, found: Any) -> None:
        """A fact that is not judged."""
        self._checks.append(Check(what, shown(found), "", None))

    def attach(self, name: str, value: Any) -> None:
        """Have the saved file hold `value` too, for programs: plain figures, not cells of a table."""
        self._more[name] = value

    def _check(self, what: str, found: float, asked: str, unit: str, *, holds: bool) -> None:
        self._checks.append(Check(what, f"{shown(found)}{unit}", asked, holds))

    def finish(self) -> int:
        """Print the table and the checks, save where asked to; the exit code."""
        print(f"\n{self._about}\n")
        print_table(self._columns, self._rows)
        print()
        verdicts = {True: "ok", False: "MISSED", None: ""}
        judged = [[check.what, check.found, check.asked, verdicts[check.holds]] for check in self._checks]
        print_table(["", "found", "asked for", ""], judged)
        if self._options.save is not None:
            left_out = {"save", "strict", "folder"}
            options = {key: value for key, value in vars(self._options).items() if key not in left_out}
            told = {
                "name": self.name, "about": self._about, "at": datetime.now(UTC).isoformat(timespec="seconds"),
                "machine": self._machine, "options": options, "columns": self._columns,
                "rows": [[shown(cell) for cell in row] for row in self._rows],
                "checks": [asdict(check) for check in self._checks], **self._more,
            }  # fmt: skip
            self._options.save.parent.mkdir(parents=True, exist_ok=True)
            self._options.save.write_text(json.dumps(told, indent=1, default=str) + "\n")
        missed = any(check.holds is False for check in self._checks)
        return 1 if missed and self._options.strict else 0


def shown(value: Any) -> str:
    """A figure with three or four digits that count."""
    if not isinstance(value, float):
        return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
    if not isfinite(value):
        return "-"
    for least, digits in ((1000, 0), (100, 1), (10, 2), (0.1, 3)):
        if abs(value) >= least:
            return f"{value:,.{digits}f}"
    return f"{value:.4f}" if value else "0"


def print_table(columns: list[str], rows: list[list[Any]]) -> None:
    cells = [columns, *[[shown(cell) for cell in row] for row in rows]]
    widths = [max(len(row[at]) for row in cells if at < len(row)) for at in range(len(columns))]
    for number, row in enumerate(cells):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)).rstrip())
        if number == 0:
            print("  ".join("-" * width for width in widths))
