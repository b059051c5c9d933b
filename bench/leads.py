"""Leads against a stand-in of the provider: an earlier run again, the limit of requests, kills, lost answers, webhooks.

    earlier   42 profiles, jobs of five to ten minutes (scaled): as long as the longest job, failures with reasons
    limit     5,000 jobs: no window of the server's log above the limit
    kills     rounds of kills at random moments and resume: nothing submitted twice, nothing paid for lost
    lost      the answers of 5 % of the submits are lost: all uncertain, none submitted twice
    webhook   calls instead of polls; forged, stale and repeated ones change nothing

The minute is scaled with the jobs: with --scale 60 a minute is a second. The key is looked for in every file and line.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
import traceback
import urllib.error
import urllib.request
from collections import Counter
from typing import TYPE_CHECKING, Any

from lib.provider import KEY, busiest, provider
from lib.results import Outcome, parser

from engine.leads.run import run
from engine.policy.signature import signed
from engine.settings import load
from engine.supervisor.plan import RunRequest

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from lib.provider import Provider

PARTS = ("earlier", "limit", "kills", "lost", "webhook")
SECRET = "whsec-bench-77"  # noqa: S105 - made up
PER_MINUTE = 500


def main() -> int:
    options = _options()
    os.environ["SIXTYFOUR_API_KEY"] = KEY
    os.environ["SIXTYFOUR_WEBHOOK_SECRET"] = SECRET
    with Outcome("leads", __doc__, options, ["part", "leads", "s", "what became of them"]) as outcome:
        for part in options.part or PARTS:
            _PARTS[part](outcome, options)
        outcome.at_most("files that hold the API key", len(_with_key(outcome.folder)), 0)
        return outcome.finish()


def _options() -> argparse.Namespace:
    asked = parser(__doc__)
    asked.add_argument("--part", action="append", choices=PARTS, help="only this one; repeat for more")
    asked.add_argument("--scale", type=float, default=10.0, help="how many times faster than life (earlier)")
    asked.add_argument("--jobs", type=int, default=5000, help="of limit")
    asked.add_argument("--minute", type=float, default=6.0, help="seconds of a minute (limit)")
    asked.add_argument("--rounds", type=int, default=100, help="of kills")
    asked.add_argument("--leads", type=int, default=60, help="of kills, each round")
    asked.add_argument("--lost", type=int, default=1000, help="leads of lost")
    asked.add_argument("--seed", type=int, default=1)
    return asked.parse_args()


def _inputs(folder: Path, count: int, **behave: range) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    rows = [{"name": f"Person {i}", "url": f"https://uni.example/people/{i}"} for i in range(count)]
    for what, numbers in behave.items():
        for i in numbers:
            rows[i]["behave"] = what
    path = folder / "in.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def _run(folder: Path, url: str, minute_s: float = 60.0, **settings: Any) -> float:
    """Run in this process; seconds."""
    keys = {"leads.base_url": url, **{name.replace("__", "."): value for name, value in settings.items()}}
    request = RunRequest(
        folder / "out", load([], {}, keys), "run", (str(folder / "in.jsonl"),), progress=False, log_level="warning"
    )
    began = time.monotonic()
    run(request, minute_s=minute_s)
    return time.monotonic() - began


def _rows(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "out" / "enrichment_output.jsonl").read_text().splitlines()]


def _states(folder: Path) -> Counter[str]:
    return Counter(row["status"] for row in _rows(folder))


def _polling(minute_s: float) -> dict[str, float]:
    """The default settings of polling, for a minute of so many seconds."""
    return {
        "leads__first_poll_s": minute_s, "leads__poll_s": minute_s / 6, "leads__max_poll_s": minute_s,
        "leads__job_timeout_s": 15 * minute_s,
    }  # fmt: skip


def _earlier(outcome: Outcome, options: argparse.Namespace) -> None:
    minute_s = 60.0 / options.scale
    folder = outcome.folder / "earlier"
    _inputs(folder, 42, fail=range(0, 42, 5), cancelled=range(1, 42, 20))
    behaviour = {"least_s": 5 * minute_s, "most_s": 10 * minute_s, "limit": PER_MINUTE, "window_s": minute_s}
    with provider(**behaviour) as here:
        took_s = _run(folder, here.url, minute_s, leads__requests_per_minute=PER_MINUTE, **_polling(minute_s))
        told = here.told()
    longest_s = max(job["ends_at"] - job["made_at"] for job in told["jobs"])
    submits = [at for at, method, *_ in told["log"] if method == "POST"]
    outcome.row("earlier", 42, took_s, _shown(_states(folder)))
    outcome.note("earlier: the longest job, s", longest_s)
    outcome.at_most("earlier: all 42 submitted within, scaled minutes", (max(submits) - min(submits)) / minute_s, 1)
    outcome.at_most("earlier: total / the longest job", took_s / longest_s, 1.1)
    unsaid = [row for row in _rows(folder) if row["status"] != "completed" and not (row["error"] and row["error_kind"])]
    outcome.at_most("earlier: failures without a reason", len(unsaid), 0)


def _limit(outcome: Outcome, options: argparse.Namespace) -> None:
    minute_s, folder = options.minute, outcome.folder / "limit"
    _inputs(folder, options.jobs)
    behaviour = {"least_s": 5 * minute_s, "most_s": 10 * minute_s, "limit": PER_MINUTE, "window_s": minute_s}
    with provider(**behaviour) as here:
        more = {**_polling(minute_s), "leads__job_timeout_s": 1000 * minute_s}
        took_s = _run(folder, here.url, minute_s, leads__requests_per_minute=PER_MINUTE, **more)
        told = here.told()
    times = [at for at, *_ in told["log"]]
    outcome.row("limit", options.jobs, took_s, _shown(_states(folder)))
    outcome.note("limit: requests", len(times))
    outcome.note("limit: share of the budget used", len(times) / (PER_MINUTE * (max(times) - min(times)) / minute_s))
    outcome.at_most(f"limit: most requests in any window of {minute_s:g} s", busiest(times, minute_s), PER_MINUTE)
    outcome.at_most("limit: answers 429", sum(entry[3] == 429 for entry in told["log"]), 0)
    outcome.at_most("limit: leads submitted twice", _twice(told), 0)
    outcome.at_least("limit: completed", _states(folder)["completed"], options.jobs)


def _kills(outcome: Outcome, options: argparse.Namespace) -> None:
    chance = random.Random(options.seed)  # noqa: S311 - when to kill
    totals: Counter[str] = Counter()
    most = 0
    for number in range(options.rounds):
        folder = outcome.folder / "kills"
        shutil.rmtree(folder, ignore_errors=True)
        _inputs(folder, options.leads)
        with provider(least_s=0.1, most_s=0.4, seed=number) as here:
            kills, took_s = _killed(folder, here, chance)
            told = here.told()
        found = _judged(folder, told)
        totals.update(found)
        totals.update(kills=kills)
        most = max(most, found["uncertain"] // max(1, kills))
        outcome.row(f"kills {number + 1}", options.leads, took_s, f"{kills} kills; {_shown(found)}")
    outcome.note("kills: kills", totals["kills"])
    outcome.note("kills: uncertain, in all", totals["uncertain"])
    outcome.at_most("kills: uncertain a kill (requests at once are 8)", most, 8)
    outcome.at_most("kills: leads submitted twice", totals["twice"], 0)
    outcome.at_most("kills: paid answers lost", totals["lost"], 0)
    outcome.at_most("kills: leads without a row", totals["missing"], 0)


def _killed(folder: Path, here: Provider, chance: random.Random) -> tuple[int, float]:
    """Kill the command up to three times, anywhere from its start to its end, and let it end."""
    began = time.monotonic()
    for kill in range(3):
        # So many requests into its life, and then a moment: a command sends some two hundred.
        at = here.seen() + chance.choice((0, chance.randrange(80), chance.randrange(250)))
        moment_s = chance.choice((0.0, chance.uniform(0, 0.02), chance.uniform(0, 0.3)))
        pid = _started(folder, here)
        while (ended := os.waitpid(pid, os.WNOHANG)[0]) == 0 and here.seen() < at:
            time.sleep(0.002)
        if ended:
            return kill, time.monotonic() - began
        time.sleep(moment_s)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    status = os.waitpid(_started(folder, here), 0)[1]
    if status:
        raise RuntimeError(f"the last command ended with {status}: {(folder / 'log').read_text()[-2000:]}")
    return 3, time.monotonic() - began


def _started(folder: Path, here: Provider) -> int:
    """Start the command in a process of its own, forked from this one: its modules are loaded already."""
    if pid := os.fork():
        return pid
    code = 70
    try:
        log = os.open(folder / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, sys.stderr.fileno())
        quick = {"leads__first_poll_s": 0.1, "leads__poll_s": 0.05, "leads__max_poll_s": 0.1}
        _run(folder, here.url, leads__requests_per_minute=60000, aimd__initial=4, aimd__max=8, **quick)
        code = 0
    except BaseException:  # noqa: BLE001 - whatever it is, this process must not go on as its parent
        traceback.print_exc()
    finally:
        os._exit(code)


def _judged(folder: Path, told: dict[str, Any]) -> Counter[str]:
    """Every lead has a row; every job that the server made is completed, or its lead says that it may be."""
    rows = {row["original_data"]["name"]: row for row in _rows(folder)}
    found = Counter(dict.fromkeys(("completed", "uncertain", "twice", "lost", "missing"), 0))
    found.update(row["status"] for row in rows.values())
    found["twice"] = _twice(told)
    made = [lead["name"] for job in told["jobs"] for lead in job["leads"]]
    found["lost"] = sum(rows.get(name, {}).get("status") not in {"completed", "uncertain"} for name in made)
    found["missing"] = len((folder / "in.jsonl").read_text().splitlines()) - len(rows)
    return found


def _lost(outcome: Outcome, options: argparse.Namespace) -> None:
    folder = outcome.folder / "lost"
    _inputs(folder, options.lost)
    with provider(least_s=0.5, most_s=1.0, lost=0.05) as here:
        more = {"leads__requests_per_minute": 0, "breaker__failure_threshold": 20}
        took_s = _run(folder, here.url, leads__first_poll_s=0.5, leads__poll_s=0.1, leads__max_poll_s=0.5, **more)
        again_s = _run(folder, here.url)
        told = here.told()
    lost = sum("lost" in job["wants"] for job in told["jobs"])
    outcome.row("lost", options.lost, took_s + again_s, _shown(_states(folder)))
    outcome.note("lost: answers lost", lost)
    outcome.at_least("lost: of them uncertain", _states(folder)["uncertain"], lost)
    outcome.at_least("lost: completed, of the others", _states(folder)["completed"], options.lost - lost)
    outcome.at_most("lost: leads submitted twice", _twice(told), 0)


def _webhook(outcome: Outcome, options: argparse.Namespace) -> None:
    folder = outcome.folder / "webhook"
    _inputs(folder, 200)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    url = f"http://127.0.0.1:{port}/hook"
    hooked = {"webhook_secret": SECRET, "webhook_duplicates": 0.3, "webhook_early": 0.2}
    with provider(least_s=2.0, most_s=4.0, seed=options.seed, **hooked) as here:
        attacker = subprocess.Popen([sys.executable, __file__, "--attack", url], stdout=subprocess.PIPE, text=True)  # noqa: S603
        hooks = {"leads__webhook_listen": f"127.0.0.1:{port}", "leads__webhook_url": url}
        took_s = _run(
            folder, here.url, leads__requests_per_minute=0, leads__first_poll_s=3.0, leads__poll_s=1.0, **hooks
        )
        attacks = json.loads(attacker.communicate()[0])
        told = here.told()
    outcome.row("webhook", 200, took_s, _shown(_states(folder)))
    outcome.at_least("webhook: completed", _states(folder)["completed"], 200)
    outcome.note("webhook: calls", len(told["calls"]))
    polls, late = (sum(job[name] for job in told["jobs"]) for name in ("polls", "polls_after_told"))
    outcome.note("webhook: polls before a call was acknowledged", polls - late)
    outcome.at_most("webhook: polls of jobs that a call had completed", late, 0)
    outcome.note("webhook: answers to forged and stale calls", attacks)
    outcome.at_most(
        "webhook: forged or stale calls that were taken", sum(n for code, n in attacks.items() if code != "401"), 0
    )
    outcome.at_most(
        "webhook: cents counted beyond those charged", sum(row["cost_cents"] for row in _rows(folder)) - 2000, 0
    )


def _attack(url: str) -> None:
    """Call with what is forged, stale or unsigned, as soon as somebody listens; print the answers, counted."""
    answers: Counter[str] = Counter()
    body = json.dumps({"task_id": "task-000000-0", "status": "failed", "error": "forged"}).encode()
    now = time.time()
    headers = [
        signed(body, b"guess", now),
        signed(body, SECRET.encode(), now - 400),
        signed(b"{}", SECRET.encode(), now),
        "",
    ]
    give_up = time.monotonic() + 300
    while sum(answers.values()) < 40 and time.monotonic() < give_up:
        header = headers[sum(answers.values()) % len(headers)]
        asked = urllib.request.Request(url, body, {"Sixtyfour-Signature": header, "Sixtyfour-Event-Id": "evt-x"})  # noqa: S310
        try:
            with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310 - our own listener
                answers[str(answer.status)] += 1
        except urllib.error.HTTPError as error:
            answers[str(error.code)] += 1
        except OSError:
            if answers:
                break  # nobody listens any more
            time.sleep(0.02)  # nobody listens yet
    print(json.dumps(answers))


def _twice(told: dict[str, Any]) -> int:
    return sum(times > 1 for times in told["submitted"].values())


def _with_key(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]


def _shown(found: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in found.items())


_PARTS = {"earlier": _earlier, "limit": _limit, "kills": _kills, "lost": _lost, "webhook": _webhook}

if __name__ == "__main__":
    if sys.argv[1:2] == ["--attack"]:
        _attack(sys.argv[2])
    else:
        sys.exit(main())
