"""Requests that fail at random, by every kind of network fault: every row final, retries within their bounds.

One in twenty requests fails in a way that is drawn for each (tests/web/faulty.py), and one host in twenty cannot be
reached at all: no such name, a name server that fails, a port that refuses, an address that swallows connections. The
server's own log tells what was asked, when, and after which answer.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from lib import engine_run, lists, servers
from lib.results import Outcome, parser
from lib.tests_web import politeness, tests_web
from web import faulty

if TYPE_CHECKING:
    import argparse

_BASE_S: Final = 0.5
_ATTEMPTS: Final = 3
#: Between the client's write and the server's read lie two event loops, and their hold-ups differ by request.
_TOLERANCE_S: Final = 0.005
#: Of a host that cannot be reached, by the first part of its name; where it has failed often enough, it is given up.
_UNREACHABLE: Final = {
    "gone": {"dns_not_found"},
    "broken": {"dns_failed", "circuit_open"},
    "refused": {"connect_refused", "circuit_open"},
    "hole": {"connect_timeout", "circuit_open"},
}


def main() -> int:
    options = _options()
    with Outcome("net_faults", __doc__, options, ["answer", "requests", "ended rows", "asked again"]) as outcome:
        with (
            tests_web(outcome.folder) as web, servers.name_server() as names,
            servers.black_hole("127.0.0.3", web.port),
        ):  # fmt: skip
            urls = _urls(options, web.port)
            listed = lists.write(outcome.folder / "urls.txt", urls)
            settings = {
                **engine_run.LOCAL, "fetch.nameservers": [names], "run.shards": 2,
                "extract.extractor": "none", "nlp.pipeline": "none", "politeness.delay_s": options.delay_s,
                "fetch.timeout_s": 2, "fetch.connect_timeout_s": 1, "retry.max_attempts": _ATTEMPTS,
                "retry.base_delay_s": _BASE_S, "retry.rate_limit_delay_s": _BASE_S, "breaker.cooldown_s": 1,
                "breaker.max_cooldown_s": 2, "politeness.max_pauses": 50,
            }  # fmt: skip
            with engine_run.EngineRun(outcome.folder / "out", [listed], settings) as running:
                counted = running.counted(options.within_s)
            log = web.log()
        outcome.at_most("exit code", counted.code, 0)
        _judge(outcome, urls, _rows(running), log, options)
        outcome.note("seconds of CPU, of the clock", f"{counted.cpu_s:.0f}, {counted.wall_s:.0f}")
        return outcome.finish()


def _options() -> argparse.Namespace:
    asked = parser(__doc__)
    asked.add_argument("--urls", type=int, default=20_000)
    asked.add_argument("--hosts", type=int, default=400)
    asked.add_argument("--permille", type=int, default=50, help="of the requests that fail")
    asked.add_argument("--delay-s", type=float, default=0.2)
    asked.add_argument("--within-s", type=float, default=1_800)
    asked.set_defaults(strict=True)
    return asked.parse_args()


def _urls(options: argparse.Namespace, port: int) -> list[str]:
    every = 1000 // options.permille  # so many hosts that answer for each that does not
    kinds = list(_UNREACHABLE)
    hosts = [
        f"ok{number}" if number % every else f"{kinds[number // every % len(kinds)]}-{number}"
        for number in range(options.hosts)
    ]
    return lists.shuffled(
        f"http://{hosts[number % len(hosts)]}.test:{port}/faulty/{options.permille}/{number // len(hosts)}"
        for number in range(options.urls)
    )


def _rows(running: engine_run.EngineRun) -> list[dict[str, Any]]:
    with (running.out / "enrichment_output.jsonl").open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _judge(
    outcome: Outcome, urls: list[str], rows: list[dict[str, Any]], log: list[Any], options: argparse.Namespace
) -> None:
    by_url = {row["url"]: row for row in rows}
    outcome.at_least("URLs with one row", len(by_url.keys() & set(urls)), len(urls))
    outcome.at_most("rows in all", len(rows), len(urls))
    outcome.at_most("most attempts of a row", max(row["attempts"] for row in rows), _ATTEMPTS)
    _tell(outcome, log)
    wrong = faulty.judge(log, by_url, _ATTEMPTS, _BASE_S)
    wrong += [
        f"{row['url']}: {row['error_kind']}" for row in rows
        if (kinds := _UNREACHABLE.get(row["url"].split("/")[2].partition("-")[0])) and row["error_kind"] not in kinds
    ]  # fmt: skip
    for sentence in wrong[:20]:
        print(sentence, file=sys.stderr)
    outcome.at_most("rows and retries that are not as they must be", len(wrong), 0)
    reached = [url for url in urls if "//ok" in url]
    asked = {(entry["host"], entry["path"]) for entry in log}
    outcome.at_least(
        "URLs of hosts that answer that were asked for", len(asked & set(map(_place, reached))), len(reached)
    )
    outcome.at_least("shortest time between two requests to a host, s", min(politeness.min_gap_s(log).values()),
                     options.delay_s - _TOLERANCE_S)  # fmt: skip
    outcome.at_most("requests to a host at once", max(politeness.max_in_flight(log).values()), 1)
    outcome.at_most("hosts asked for a page before their robots.txt", len(politeness.robots_first(log)), 0)
    outcome.note(
        "error rows by kind", dict(Counter(row["error_kind"] for row in rows if row["error_kind"]).most_common())
    )


def _place(url: str) -> tuple[str, str]:
    host, _, rest = url.removeprefix("http://").partition("/")
    return host.partition(":")[0], f"/{rest}"


def _tell(outcome: Outcome, log: list[Any]) -> None:
    """A row for each kind of answer: how many there were, and how many were a URL's last."""
    seen: Counter[tuple[str, str]] = Counter()
    answers: Counter[str] = Counter()
    last: dict[tuple[str, str], str] = {}
    for entry in log:
        place = (entry["host"], entry["path"])
        if entry["path"].startswith("/faulty/"):
            seen[place] += 1
            fault = faulty.drawn(*place, seen[place])
            last[place] = fault.target if fault else "a page"
            answers[last[place]] += 1
    ended = Counter(last.values())
    for answer, count in answers.most_common():
        outcome.row(answer, count, ended[answer], count - ended[answer])


if __name__ == "__main__":
    sys.exit(main())
