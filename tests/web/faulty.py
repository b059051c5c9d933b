"""Pages that fail at random, by every kind of network fault; and whether a client kept within its bounds meanwhile.

/faulty/PERMILLE/N is article N, but for so many in a thousand requests. Which fail, and how, is drawn from the URL and
the number of the request to it: so the server's log alone says what each answer was, and what had to follow it.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from web.registry import HTML, PATHS, Asked, Reply, Wire, page, path

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Mapping


@dataclass(frozen=True, slots=True)
class Fault:
    """A behaviour (its path), the row's kinds that may come of it in the end, and whether it is asked again.

    `stale`: it looks like an idle connection that was closed as it was used, so that the request may be made again on
    another one at no cost to the URL. `pause_s`: the host is to be left alone for so long.
    """

    target: str
    kinds: frozenset[str]
    is_retried: bool = True
    stale: bool = False
    pause_s: float = 0.0


def _fault(target: str, *kinds: str, **more: Any) -> Fault:
    return Fault(target, frozenset(kinds), **more)


#: Seconds that 429 and 503 ask for.
PAUSE_S: Final = 1
FAULTS: Final = (
    _fault("reset", "connection_lost", stale=True),
    _fault("close", "connection_lost", stale=True),
    _fault("partial", "connection_lost"),
    _fault("partial-chunked", "connection_lost"),
    _fault("hang", "read_timeout", "total_timeout"),
    _fault("hang-head", "read_timeout", "total_timeout"),
    _fault("slow-body/1000/50", "read_timeout", "total_timeout"),
    _fault("status/500", "http_status"),
    _fault("status/502", "http_status"),
    _fault("status/408", "http_status"),
    _fault(f"retry-after/429/{PAUSE_S}", "rate_limited", pause_s=PAUSE_S),
    _fault(f"retry-after/503/{PAUSE_S}", "rate_limited", pause_s=PAUSE_S),
    _fault("status/404", "http_status", is_retried=False),
    _fault("chunked-bad", "bad_response", "connection_lost", is_retried=False),
    _fault("not-http", "bad_response", is_retried=False),
    _fault("bad-gzip", "decode_failed", is_retried=False),
    _fault("headers-endless", "bad_response", is_retried=False),
)


def drawn(host: str, target: str, nth: int) -> Fault | None:
    """How the nth request for this URL fails, or None."""
    permille = int(target.split("/")[2])
    digest = hashlib.blake2b(f"{host} {target} {nth}".encode(), digest_size=8).digest()
    if int.from_bytes(digest[:4], "big") % 1000 >= permille:
        return None
    return FAULTS[int.from_bytes(digest[4:], "big") % len(FAULTS)]


@path("faulty")
def _faulty(asked: Asked, rest: list[str], wire: Wire) -> Reply | Awaitable[Reply | None] | None:
    fault = drawn(asked.host, asked.target, asked.seen[asked.host + asked.target])
    if fault is None:
        return Reply(200, page(int(rest[1])), HTML)
    name, *more = fault.target.split("/")
    return PATHS[name](asked, more, wire)


def judge(
    log: Iterable[Mapping[str, Any]], rows: Mapping[str, Mapping[str, Any]], attempts: int, base_s: float
) -> list[str]:
    """What a client did that it may not, as sentences: `log` is the server's, `rows` the client's by URL.

    `attempts` are the most that a URL may have, `base_s` the least time before its second; that doubles each time.
    """  # fmt: skip
    requests: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    hosts: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for entry in sorted(log, key=lambda entry: entry["t"]):
        hosts[entry["host"]].append(entry)
        if entry["path"].startswith("/faulty/"):
            requests[entry["host"], entry["path"]].append(entry)
    found = []
    by_place = {(urlsplit(url).hostname, urlsplit(url).path): row for url, row in rows.items()}
    for (host, target), entries in requests.items():
        row = by_place.get((host, target))
        found += [f"http://{host}{target}: {words}" for words in _wrong(host, target, entries, row, attempts, base_s)]
    for host, entries in hosts.items():
        found += [f"{host}: {words}" for words in _asked_while_paused(entries)]
    return found


def _wrong(  # noqa: PLR0913, PLR0917 - one URL's whole story
    host: str,
    target: str,
    entries: list[Mapping[str, Any]],
    row: Mapping[str, Any] | None,
    attempts: int,
    base_s: float,
) -> Iterable[str]:
    faults = [drawn(host, target, nth) for nth in range(1, len(entries) + 1)]
    stale = sum(fault is not None and fault.stale for fault in faults)
    last = faults[-1]
    if any(fault is None or not fault.is_retried for fault in faults[:-1]):
        yield "asked again after an answer that was final"
    if len(entries) - stale > attempts:
        yield f"{len(entries)} requests, {stale} of them on idle connections"
    if row is None:
        yield "no row"
    elif last is None and row["error_kind"] is not None:
        yield f"answered, and its row says {row['error_kind']}"
    elif last is not None and row["error_kind"] not in last.kinds:
        yield f"ended by {last.target}, and its row says {row['error_kind']}"
    elif last is not None and last.is_retried and len(entries) < attempts:
        yield f"given up after {len(entries)} requests"
    made = 0
    for before, after, fault in zip(entries, entries[1:], faults, strict=False):
        made += fault is None or not fault.stale
        gap_s = after["t"] - before["t"]
        if fault is not None and not fault.stale and gap_s < base_s * 2 ** (made - 1):
            yield f"asked again {gap_s:.3f} s after {fault.target}"


def _asked_while_paused(entries: list[Mapping[str, Any]]) -> Iterable[str]:
    seen: dict[str, int] = defaultdict(int)
    until = 0.0
    for entry in entries:
        if entry["t"] < until:
            yield f"{entry['path']} asked {until - entry['t']:.3f} s before the end of a pause"
        if entry["path"].startswith("/faulty/"):
            seen[entry["path"]] += 1
            fault = drawn(entry["host"], entry["path"], seen[entry["path"]])
            if fault is not None and fault.pause_s:
                until = max(until, entry["t"] + fault.pause_s)
