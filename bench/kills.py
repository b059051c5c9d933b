"""Kills: a process, or all of them, killed at a random moment, and the same command given again, until it is complete.

Some rounds are at the fault point between the write of the rows and their commit, which no random kill would hit. The
oracle is an undisturbed run: after every round each URL has exactly one row, equal to that run's but for times,
attempts and shard, and `verify` agrees.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import time
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from lib import engine_run, lists
from lib.processes import Running, run
from lib.results import Outcome, parser
from lib.tests_web import tests_web

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

VICTIMS = ("shard", "nlp", "forkserver", "supervisor", "all")
VARYING = ("attempts", "fetch_duration_ms", "process_duration_ms", "enriched_at", "shard")
FAULT = "between_append_and_commit"

#: Kills in one round: the same command is killed again while it goes on, up to so often.
MAX_KILLS = 3
MAX_COMMANDS = 20


def main() -> int:
    options = _options()
    columns = ["round", "killed", "when (s)", "bytes by then", "exit codes", "rows", "lost", "twice", "unlike"]
    with (
        Outcome("kills", __doc__, options, columns) as outcome,
        tests_web(outcome.folder / "web") as web,
    ):
        urls = lists.write(outcome.folder / "urls.txt", _urls(options.urls))
        settings = {**engine_run.LOCAL, **engine_run.all_hosts_at(web.port), "run.shards": 2}
        chance = random.Random(options.seed)  # noqa: S311 - when to kill
        began = time.monotonic()
        oracle = _undisturbed(outcome.folder / "oracle", urls, settings)
        length_s = time.monotonic() - began
        outcome.note("an undisturbed run, s", length_s)
        bad = Counter[str]()
        for number in range(options.rounds + options.faults):
            out = outcome.folder / "run"
            shutil.rmtree(out, ignore_errors=True)
            if number < options.rounds:
                told, codes = _killed(out, urls, settings, chance, length_s, VICTIMS[number % len(VICTIMS)])
            else:
                told, codes = _faulted(out, urls, settings, always=number % 2 == 0)
            found, lost, twice, unlike = _compared(out, oracle)
            bad.update(lost=lost, twice=twice, unlike=unlike)
            outcome.row(number + 1, *told, " ".join(map(str, codes)), found, lost, twice, unlike)
            run([sys.executable, "-m", "engine", "verify", out], outcome.folder, 120, "verify")
        for what in ("lost", "twice", "unlike"):
            outcome.at_most(f"rows {what}, all rounds", bad[what], 0)
        return outcome.finish()


def _options() -> argparse.Namespace:
    asked = parser(__doc__)
    asked.add_argument("--rounds", type=int, default=30, help="with a kill at a random moment")
    asked.add_argument("--faults", type=int, default=10, help="with a kill between write and commit")
    asked.add_argument("--urls", type=int, default=2000)
    asked.add_argument("--seed", type=int, default=1)
    return asked.parse_args()


def _urls(count: int) -> list[str]:
    """Pages of a hundred hosts, and some of each sort that ends otherwise."""
    odd = ["status/404", "status/410", "redirect/2", "redirect-loop", "bad-gzip", "echo"]
    others = [f"http://slow-30-{host}.test/{path}" for host in range(5) for path in odd]
    others += [f"http://{name}.test/html/1" for name in ("robots-deny-x", "fail-500-x")]
    others += [*(f"no url {n}" for n in range(5)), "ftp://slow-30-1.test/", "http://10.0.0.1/"]
    pages = list(lists.spread(100, count - len(others), "http://slow-30-{host}.test/html/{page}"))
    return lists.shuffled([*pages, *others])


def _undisturbed(out: Path, urls: Path, settings: dict[str, Any]) -> dict[str, Any]:
    run(engine_run.command(out, [urls], settings), out.parent, 600, "oracle")
    return {row["fetch_url"]: _steady(row) for row in _rows(out)}


def _killed(  # noqa: PLR0913, PLR0917 - what a round is drawn from
    out: Path, urls: Path, settings: dict[str, Any], chance: random.Random, length_s: float, victim: str
) -> tuple[tuple[str, str, str], list[int]]:
    """Kill one to MAX_KILLS times, at moments drawn over the length of an undisturbed run; then let it end."""
    killed, moments, rows, codes = [], [], [], []
    left = chance.randint(1, MAX_KILLS)
    while len(codes) < MAX_COMMANDS:
        with engine_run.EngineRun(out, [urls], settings) as running:
            moment = 0.0
            while left and running.alive:
                # Half of them early, while processes start and the list is read.
                early = chance.random() < 0.5
                moment = max(moment, length_s * (chance.uniform(0, 0.3) if early else chance.uniform(0.3, 0.9)))
                running.wait(moment - running.elapsed_s, every_s=0.01)
                running.wait(60, until=lambda victim=victim: _pids(running, victim), every_s=0.01)
                if _kill(running, victim, chance):
                    killed.append(victim)
                    moments.append(f"{running.elapsed_s:.1f}")
                    rows.append(str(running.part_bytes()))
                    victim = chance.choice(VICTIMS)
                    left -= 1
            codes.append(running.counted(600).code)
            if codes[-1] == 0 and not killed:  # it was over sooner than the moment: once more
                shutil.rmtree(out)
                codes.clear()
            elif codes[-1] == 0:
                return (" ".join(killed), " ".join(moments), " ".join(rows)), codes
            elif codes[-1] != -signal.SIGKILL:
                print(f"exit code {codes[-1]}; the log ends:\n{running.tail()}", file=sys.stderr)
    raise RuntimeError(f"not complete after {MAX_COMMANDS} commands; the last one's log ends:\n{running.tail()}")


def _kill(running: engine_run.EngineRun, victim: str, chance: random.Random) -> bool:
    """SIGKILL a process of a role, or all at once; False where there is none."""
    pids = _pids(running, victim)
    for pid in pids if victim == "all" else pids and [chance.choice(pids)]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return bool(pids)


def _pids(running: engine_run.EngineRun, victim: str) -> list[int]:
    return [int(usage.name.split()[1]) for usage in running.usages() if victim in {"all", usage.role}]


def _faulted(
    out: Path, urls: Path, settings: dict[str, Any], *, always: bool
) -> tuple[tuple[str, str, str], list[int]]:
    """Every commit fails until the supervisor gives up (always), or each second one; then the command again."""
    # By env(1): a benchmark keeps the user's own ENRICH_ variables from its commands.
    line = ["env", f"ENGINE_FAULT={FAULT}:{1.0 if always else 0.5}", *engine_run.command(out, [urls], settings)]
    with Running(line, out.parent, "faulted") as running:
        counted = running.counted(600)
        deaths = running.tail(10**6).count("is started again")
    told = (f"{deaths} x {FAULT}" + (", always" if always else ""), "", "")
    if counted.code == 0:
        return told, [0]
    run(engine_run.command(out, [urls], settings), out.parent, 600, "mended")
    return told, [counted.code, 0]


def _compared(out: Path, oracle: dict[str, Any]) -> tuple[int, int, int, int]:
    """Rows; URLs without one; rows too many; rows that are not as the oracle's."""
    found = _rows(out)
    by_url = {row["fetch_url"]: _steady(row) for row in found}
    unlike = sum(oracle.get(url) != row for url, row in by_url.items())
    return len(found), len(oracle.keys() - by_url.keys()), len(found) - len(by_url), unlike


def _rows(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "enrichment_output.jsonl").open()]


def _steady(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in VARYING}


if __name__ == "__main__":
    sys.exit(main())
