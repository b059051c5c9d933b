"""Was the engine polite? Judged from the server's own log, by nothing that the engine says of itself.

An entry is what :mod:`.server` logs: {"t", "took_s", "host", "path", "status", "peer", "in_flight"}.
"""

from __future__ import annotations

import json
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

Entry = dict[str, Any]


def load(path: str | Path) -> list[Entry]:
    """The log file of a server, in order of arrival. A last line that is cut short (a killed server) is left out."""
    lines = Path(path).read_text(encoding="utf-8").split("\n")[:-1]
    return sorted((json.loads(line) for line in lines), key=lambda entry: entry["t"])


def by_host(log: list[Entry]) -> dict[str, list[Entry]]:
    """Entries of each host, in order of arrival."""
    hosts: dict[str, list[Entry]] = defaultdict(list)
    for entry in sorted(log, key=lambda entry: entry["t"]):
        hosts[entry["host"]].append(entry)
    return dict(hosts)


def min_gap_s(log: list[Entry]) -> dict[str, float]:
    """The shortest time between two arrivals, robots.txt included, of each host that was asked twice."""
    return {
        host: min(later["t"] - earlier["t"] for earlier, later in pairwise(entries))
        for host, entries in by_host(log).items()
        if len(entries) > 1
    }


def too_early(log: list[Entry], delay_s: float, tolerance_s: float = 0.005) -> list[tuple[str, str, float]]:
    """(host, path, seconds since the one before) of each request that came too early.

    The tolerance is for what lies between the client's write and the server's read, which may differ by request.
    """
    return [
        (host, later["path"], later["t"] - earlier["t"])
        for host, entries in by_host(log).items()
        for earlier, later in pairwise(entries)
        if later["t"] - earlier["t"] < delay_s - tolerance_s
    ]


def max_in_flight(log: list[Entry]) -> dict[str, int]:
    """The most requests of each host that the server had before it at once."""
    return {host: max(entry["in_flight"] for entry in entries) for host, entries in by_host(log).items()}


def count(log: list[Entry], path: str) -> dict[str, int]:
    """How often each host was asked for a path."""
    return {host: sum(entry["path"] == path for entry in entries) for host, entries in by_host(log).items()}


def robots_first(log: list[Entry]) -> list[str]:
    """Hosts that were asked for something before their robots.txt."""
    return [host for host, entries in by_host(log).items() if entries[0]["path"] != "/robots.txt"]
