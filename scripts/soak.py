"""The soak: each kind of fault many times over at random moments, and a table of what became of the rows.

`scripts/soak` runs it. The exit code is 0 only where no row was lost, twice or different, nothing hung, and every
demand on the way held; what did not is told with the round's seed, by which it can be run again alone
(`--kind` and `--first-round` name it). Kinds take turns, so that one that is cut short has had as many rounds of each;
`--at-once` rounds run side by side, each in a folder of its own on the one local web.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
from faults.kinds import KINDS  # noqa: E402 - found by the line above
from faults.scene import Found, Scene, Stage, stage  # noqa: E402 - likewise

COLUMNS = ("fault", "rounds", "rows lost", "rows twice", "rows that differ", "hangs", "mean s to resume", "unsound")


@dataclass(slots=True)
class Total:
    """What all rounds of a kind came to; `unsound` counts the rounds that were not as they should be."""

    rounds: int = 0
    lost: int = 0
    twice: int = 0
    differ: int = 0
    hangs: int = 0
    resume_s: float = 0.0
    resumed: int = 0
    unsound: int = 0

    def add(self, found: Found) -> None:
        """Take in a round."""
        self.rounds += 1
        self.lost += found.lost
        self.twice += found.twice
        self.differ += found.differ
        self.hangs += found.hangs
        self.unsound += not found.sound
        if found.resume_s is not None:
            self.resumed += 1
            self.resume_s += found.resume_s

    def cells(self, name: str) -> tuple[str, ...]:
        """Give the row of the table."""
        mean = f"{self.resume_s / self.resumed:.2f}" if self.resumed else "-"
        counts = (self.rounds, self.lost, self.twice, self.differ, self.hangs)
        return (name, *map(str, counts), mean, str(self.unsound))


def run_round(name: str, shared: Stage, seed: str, end: float) -> Found | None:
    """One round of a kind; `seed` decides its moments. None where it would have begun after `end` (monotonic)."""
    if time.monotonic() > end:
        return None
    kind = KINDS[name]
    scene = Scene(shared, random.Random(seed), pool=kind.pool)  # noqa: S311 - moments
    try:
        kind.strike(scene)
        return scene.resume()
    finally:
        scene.close()


def main() -> int:
    """Run the rounds; 1 where one of them was not as it should be, or none was run."""
    options = _options()
    os.environ["TEST_PATIENCE_S"] = str(options.patience)  # read by the rounds' processes as they start
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that a round's processes are ended, too
    names = [name for name in KINDS if not options.kind or any(part in name for part in options.kind)]
    totals = {name: Total() for name in names}
    with tempfile.TemporaryDirectory(prefix="soak-") as folder, _web(Path(folder)) as web:
        port = int(_first_line(web).rpartition(":")[2])
        try:
            _rounds(options, Path(folder), port, totals)
        finally:
            web.terminate()
    _table([COLUMNS, *(total.cells(name) for name, total in totals.items()), _sum(totals)])
    sound = not any(total.unsound for total in totals.values()) and any(total.rounds for total in totals.values())
    return 0 if sound else 1


def _rounds(options: argparse.Namespace, folder: Path, port: int, totals: dict[str, Total]) -> None:
    end = time.monotonic() + options.minutes * 60
    numbers = range(options.first_round, options.first_round + options.rounds_a_kind)
    names = [name for name in totals if not KINDS[name].root or os.geteuid() == 0]
    with ProcessPoolExecutor(options.at_once, get_context("spawn")) as pool:
        shared = pool.submit(stage, folder, port, options.urls).result()
        rounds = {
            pool.submit(run_round, name, shared, seed, end): (name, seed)
            for number in numbers
            for name in names
            for seed in (f"{options.seed}/{name}/{number}",)
        }
        try:
            for done in as_completed(rounds):
                name, seed = rounds[done]
                if (found := done.result()) is not None:
                    totals[name].add(found)
                    _tell(seed, found)
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)  # the rounds under way end their processes
            raise


def _options() -> argparse.Namespace:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rounds-a-kind", type=int, default=15)
    asked.add_argument("--first-round", type=int, default=0)
    asked.add_argument("--at-once", type=int, default=2)
    asked.add_argument("--urls", type=int, default=300)
    asked.add_argument("--minutes", type=float, default=60, help="no round begins after this")
    asked.add_argument("--patience", type=float, default=90, help="seconds until a command counts as one that hangs")
    asked.add_argument("--seed", default="1")
    asked.add_argument("--kind", action="append", help="only kinds with this in their name; repeat for more")
    return asked.parse_args()


def _web(folder: Path) -> subprocess.Popen[str]:
    line = [sys.executable, ROOT / "tests" / "web" / "server.py", "--log", folder / "web.jsonl"]
    return subprocess.Popen(line, stdout=subprocess.PIPE, text=True, start_new_session=True)  # noqa: S603


def _first_line(web: subprocess.Popen[str]) -> str:
    return web.stdout.readline() if web.stdout is not None else ""


def _tell(seed: str, found: Found) -> None:
    print(f"{'ok' if found.sound else 'FAULT'}  {seed}  {found.resume_s or 0:.2f} s", file=sys.stderr, flush=True)
    for note in found.notes:
        print(f"    {note}", file=sys.stderr, flush=True)


def _sum(totals: dict[str, Total]) -> tuple[str, ...]:
    every = Total()
    for total in totals.values():
        for field in Total.__slots__:
            setattr(every, field, getattr(every, field) + getattr(total, field))
    return every.cells("all")


def _table(rows: list[tuple[str, ...]]) -> None:
    widths = [max(len(row[at]) for row in rows) for at in range(len(COLUMNS))]
    for number, row in enumerate(rows):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |")
        if not number:
            print("| " + " | ".join("-" * width for width in widths) + " |")


if __name__ == "__main__":
    sys.exit(main())
