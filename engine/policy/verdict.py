"""What an outcome means: one table, from the end of a request to the four things that follow from it.

The law: a signal of load (DROP) is only what a server or the path to it does when it is asked too much; a failure (for
the breaker) is only what says that the *host* is no use at present. The two differ: a 503 is load and no failure, an
unknown host name is a failure and no load. What was never sent, and what went wrong in our own processes, says nothing
about anybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from engine.model.outcome import FailureKind

if TYPE_CHECKING:
    from engine.model.outcome import Outcome


class Signal(Enum):
    """What an outcome tells a limit."""

    SUCCESS = "success"
    IGNORE = "ignore"
    DROP = "drop"


class RetryClass(Enum):
    """Which of the delay sequences of :mod:`engine.policy.retry` a retry waits by."""

    TRANSIENT = "transient"
    RATE_LIMITED = "rate_limited"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The consequences of one outcome.

    `breaker`: True a failure of the host, False proof that it works, None neither. `retry`: None for never. `pause`:
    the host is to be left alone, for all its URLs, for as long as the answer's Retry-After or our own delay says.
    """

    signal: Signal
    breaker: bool | None
    retry: RetryClass | None = None
    pause: bool = False


_FAILED: Final = True
_WORKS: Final = False
_NO_SAY: Final = None

#: The table. Of two ranges that hold a status, the later one counts.
TABLE: Final[tuple[tuple[FailureKind | range, Verdict], ...]] = (
    # -- answers, by status (RFC 9110, section 15) --
    # A final 1xx is no answer that a client could use.
    (range(100, 200), Verdict(Signal.IGNORE, _FAILED)),
    (range(200, 400), Verdict(Signal.SUCCESS, _WORKS)),
    (range(400, 500), Verdict(Signal.IGNORE, _WORKS)),
    # Request Timeout: an idle connection that was closed as we used it; no sign of load, and the host is there.
    (range(408, 409), Verdict(Signal.IGNORE, _WORKS, RetryClass.TRANSIENT)),
    # Too Early is about replayed TLS early data: the same request again is what it asks for.
    (range(425, 426), Verdict(Signal.IGNORE, _WORKS, RetryClass.TRANSIENT)),
    (range(429, 430), Verdict(Signal.DROP, _NO_SAY, RetryClass.RATE_LIMITED, pause=True)),
    (range(500, 600), Verdict(Signal.DROP, _FAILED, RetryClass.TRANSIENT)),
    (range(503, 504), Verdict(Signal.DROP, _NO_SAY, RetryClass.RATE_LIMITED, pause=True)),
    # -- never sent --
    (FailureKind.INVALID_URL, Verdict(Signal.IGNORE, _NO_SAY)),
    (FailureKind.REFUSED_SCHEME, Verdict(Signal.IGNORE, _NO_SAY)),
    (FailureKind.REFUSED_ADDRESS, Verdict(Signal.IGNORE, _NO_SAY)),
    # Decided by a file that may be a day old: that must not close the breaker of a host that is down.
    (FailureKind.ROBOTS_DISALLOWED, Verdict(Signal.IGNORE, _NO_SAY)),
    (FailureKind.CIRCUIT_OPEN, Verdict(Signal.IGNORE, _NO_SAY)),
    (FailureKind.DEFERRED, Verdict(Signal.IGNORE, _NO_SAY)),
    # -- names: what a name server says tells nothing about the load of the web server --
    (FailureKind.DNS_NOT_FOUND, Verdict(Signal.IGNORE, _FAILED)),
    (FailureKind.DNS_FAILED, Verdict(Signal.IGNORE, _FAILED, RetryClass.TRANSIENT)),
    # -- connections: what a full listen queue, a process that restarts and an overloaded path do --
    (FailureKind.CONNECT_TIMEOUT, Verdict(Signal.DROP, _FAILED, RetryClass.TRANSIENT)),
    (FailureKind.CONNECT_REFUSED, Verdict(Signal.DROP, _FAILED, RetryClass.TRANSIENT)),
    (FailureKind.CONNECTION_LOST, Verdict(Signal.DROP, _FAILED, RetryClass.TRANSIENT)),
    # A certificate does not mend itself between two attempts; a handshake that was cut is CONNECTION_LOST.
    (FailureKind.TLS_FAILED, Verdict(Signal.IGNORE, _FAILED)),
    (FailureKind.READ_TIMEOUT, Verdict(Signal.DROP, _FAILED, RetryClass.TRANSIENT)),
    (FailureKind.TOTAL_TIMEOUT, Verdict(Signal.DROP, _FAILED, RetryClass.TRANSIENT)),
    # -- answers that are of no use, and would be the same again --
    (FailureKind.BAD_RESPONSE, Verdict(Signal.IGNORE, _FAILED)),
    (FailureKind.TOO_MANY_REDIRECTS, Verdict(Signal.IGNORE, _WORKS)),
    (FailureKind.BAD_REDIRECT, Verdict(Signal.IGNORE, _WORKS)),
    (FailureKind.BODY_TOO_LARGE, Verdict(Signal.IGNORE, _WORKS)),
    (FailureKind.DECODE_FAILED, Verdict(Signal.IGNORE, _WORKS)),
    (FailureKind.UNSUPPORTED_CONTENT, Verdict(Signal.IGNORE, _WORKS)),
    # -- our own side --
    (FailureKind.EXTRACT_FAILED, Verdict(Signal.IGNORE, _NO_SAY)),
    (FailureKind.NLP_TIMEOUT, Verdict(Signal.IGNORE, _NO_SAY)),
    (FailureKind.NLP_CRASHED, Verdict(Signal.IGNORE, _NO_SAY)),
    (FailureKind.INTERNAL_ERROR, Verdict(Signal.IGNORE, _NO_SAY)),
)

#: Kinds whose meaning is the status that came with them.
_SAID_BY_STATUS: Final = frozenset({FailureKind.HTTP_STATUS, FailureKind.RATE_LIMITED})

_MIN_STATUS: Final = 100
_FIRST_SERVER_ERROR: Final = 500

#: No status at all where one belongs (a permit that another shard refused): nothing was learnt.
_NOTHING_LEARNT: Final = Verdict(Signal.IGNORE, _NO_SAY)

_BY_KIND: Final = {key: value for key, value in TABLE if isinstance(key, FailureKind)}
_BY_STATUS: Final = {status: value for key, value in TABLE if isinstance(key, range) for status in key}


def verdict(outcome: Outcome) -> Verdict:
    """Look up the consequences of `outcome`; the values are shared, none is made anew."""
    kind = outcome.kind
    if kind is not None and kind not in _SAID_BY_STATUS:
        return _BY_KIND[kind]
    status = outcome.status
    found = _BY_STATUS.get(status)
    if found is not None:
        return found
    # A status outside 100..599 is to be processed as a server error (RFC 9110, section 15).
    return _BY_STATUS[_FIRST_SERVER_ERROR] if status else _NOTHING_LEARNT


def is_answer_below_500(outcome: Outcome) -> bool:
    """Whether an HTTP answer with a status below 500 came, whatever became of its body: the host is alive."""
    return _MIN_STATUS <= outcome.status < _FIRST_SERVER_ERROR
