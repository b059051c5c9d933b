"""The messages between processes: names, and the shape of their headers.

Every message is one frame (:mod:`engine.ipc.frames`) whose header has `type` set to one of these names and the keys
listed with it. Control messages run between the supervisor and a shard; page messages between a shard and an NLP child.
Times in messages are durations: no two processes compare clocks.
"""

from __future__ import annotations

import signal
from enum import StrEnum
from typing import Final, TypedDict


class Control(StrEnum):
    """Supervisor and shard."""

    # supervisor -> shard
    TASKS = "tasks"  # input: int, last: int (ordinal), prints: int (bytes); body: see engine.ipc.tasks; may be empty
    INGESTED = "ingested"  # no more TASKS will come; also sent to a shard that resumes after ingest ended
    NLP_UP = "nlp_up"  # child: int, path: str (Unix socket to connect to)
    NLP_GONE = "nlp_gone"  # child: int, cause: NlpExit value; sent once for each NLP_UP
    DRAIN = "drain"  # start no new request, finish what is in flight (within_s: float), commit, leave
    DEFER = "defer"  # message: str; ask for nothing more: every URL that is left ends as deferred, for this reason
    SHARD_GONE = "shard_gone"  # shard: int; its permits are void
    # shard -> supervisor
    HELLO = "hello"  # shard: int, pid: int, cursor: [input, ordinal] (lowest not yet held is after it), ingested: bool
    CREDIT = "credit"  # batches: int; so many TASKS batches are in the frontier and committed
    HEARTBEAT = "heartbeat"  # gauges: Gauges
    FINISHED = "finished"  # every task known is done or failed, committed, and ingest is over
    FAULT = "fault"  # message: str, exit_code: int; the shard cannot go on and leaves
    # shard -> supervisor -> shard (relayed by `to`; `from` is set by the supervisor)
    # may a request for `url` be sent to a site of yours? robots: it is a robots.txt itself, which asks no other
    PERMIT_ASK = "permit_ask"  # to, permit: int, url: str, robots: bool
    PERMIT_REPLY = "permit_reply"  # to, permit, kind: str | None (None: go now), message: str, again: bool (ask later)
    FOUND = "found"  # to, last: int, entries: [TaskEntry]; links to sites of yours, the positions to be given by you
    FOUND_DONE = "found_done"  # to, last: int; these, and what was sent before them, are in the frontier and committed
    PERMIT_DONE = "permit_done"  # to, permit, status: int, kind: str | None, retry_after_s: float | None, written: bool


class Page(StrEnum):
    """Shard and NLP child."""

    # child -> shard, first message on a connection
    READY = "ready"  # child: int, credit: int; the shard may have so many pages out to this child
    # shard -> child
    PAGE = "page"  # id: int, alone: bool, fetched: the fields of record.Fetched, ct: str (Content-Type header); body
    # child -> shard
    STARTED = "started"  # ids: [int]; the batch that is processed now: suspects, should the child die
    ROW = "row"  # id: int, kind: FailureKind value | None, ms: float; body: the row as one JSON line with newline


#: What ends an NLP child whose page takes too long: its time of work, or of the clock, is up.
TIMEOUT_SIGNALS: Final = (signal.SIGPROF, signal.SIGALRM)


class NlpExit(StrEnum):
    """Why an NLP child ended."""

    RECYCLED = "recycled"  # exit code 0: it asked to be replaced (memory); nobody is suspect
    TIMEOUT = "timeout"  # one of TIMEOUT_SIGNALS: its page took longer than nlp.timeout_s
    CRASHED = "crashed"  # any other signal or exit code
    STOPPED = "stopped"  # the supervisor ended it


#: One URL of a TASKS batch: [position, priority, url, fetch_url or null where equal to url, host, auth or null,
#: input (a JSON object as text) or null]. host "" marks a line that is no fetchable URL: `url` is then its text.
TaskEntry = list[int | str | None]


class Gauges(TypedDict):
    """What a shard reports with each heartbeat. Counts are totals over the whole run folder unless said otherwise."""

    shard: int
    known: int  # distinct URLs in the frontier
    queued: int
    waiting: int  # tasks that wait for a retry
    done: int
    failed: int
    duplicates: int
    failed_by_kind: dict[str, int]
    requests: int  # since this process started, as the rest below
    finished: int  # rows committed since this process started
    bytes_received: int
    fetch_ms_sum: float
    process_ms_sum: float
    timed: int  # rows that the two sums cover
    in_flight: int  # requests on the network
    connecting: int
    limit: int  # the shard's AIMD limit
    limit_cause: str  # why it has this value
    waiting_for_nlp: int  # pages fetched whose row is not back
    bytes_in_flight: int
    open_breakers: int
    active_hosts: int
    tail_s: float  # the longest host queue times its delay, of the active hosts
    slow_sites: list[tuple[str, int, float]]  # (site, URLs left, seconds they need at its delay), worst first
