"""Telling our own outage from dead hosts.

The law: when nobody answers, the fault is ours. An outage is declared when no host at all has answered for `silence_s`
while requests to several hosts failed, or, where the system says that the network cannot be reached, almost at once.
Only hosts that have answered in this run bear witness (before the first answer of all: any host), so a list that ends
with its dead hosts is no outage. While it lasts everything waits but a probe now and then, and no attempt is charged.

It ends with the first answer; or, so that a run whose hosts are all really dead ends too, after a bounded time: then
the detector keeps silent, and attempts are charged as ever, until somebody answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Final

from engine.model.outcome import FailureKind

if TYPE_CHECKING:
    from engine.model.outcome import Outcome

#: What only something beyond our own network can have sent, though it is no HTTP answer.
_ANSWERED: Final = frozenset(
    {FailureKind.DNS_NOT_FOUND, FailureKind.CONNECT_REFUSED, FailureKind.TLS_FAILED, FailureKind.BAD_RESPONSE}
)
#: What a dead network looks like from here, and a dead host too.
_SILENT: Final = frozenset(
    {
        FailureKind.DNS_FAILED,
        FailureKind.CONNECT_TIMEOUT,
        FailureKind.CONNECTION_LOST,
        FailureKind.READ_TIMEOUT,
        FailureKind.TOTAL_TIMEOUT,
    }
)


def network_sign(outcome: Outcome) -> bool | None:
    """Whether the outcome shows a working network: True somebody answered, False silence, None it says nothing."""
    if outcome.status or outcome.kind in _ANSWERED:
        return True
    return False if outcome.kind in _SILENT else None


@dataclass(frozen=True, slots=True)
class OutageRules:
    """Seconds, and `min_hosts`: how many hosts must have failed in the silence.

    From `suspect_s` of silence on, failures are charged to nobody; that time is bounded, for each silence ends in an
    answer (which is charged) or in an outage.
    Until the first answer of a run an outage lasts at most `max_at_start_s`: a list of dead hosts is then as likely.
    """

    silence_s: float = 30.0
    suspect_s: float = 5.0
    unreachable_silence_s: float = 2.0
    min_hosts: int = 3
    probe_every_s: float = 5.0
    max_outage_s: float = 600.0
    max_at_start_s: float = 60.0


class OutageDetector:
    """One a shard; fed with the end of every request, asked before every start."""

    __slots__ = (
        "_answered_at",
        "_given_up",
        "_hosts",
        "_next_probe_at",
        "_out_since",
        "_rules",
        "_silent_since",
        "_unreachable",
    )

    def __init__(self, rules: OutageRules) -> None:
        self._rules = rules
        self._answered_at = -inf  # -inf: nobody has answered in this run
        self._silent_since = inf  # inf: no request that counts has failed since the last answer
        self._hosts: set[int] = set()  # of the failures since then; at most min_hosts of them
        self._unreachable: set[int] = set()
        self._out_since = inf
        self._next_probe_at = -inf
        self._given_up = False

    def record(  # noqa: PLR0913 -- called once a request: a value object would cost more than the rule
        self,
        answered: bool,
        host: int,
        now: float,
        *,
        host_has_answered: bool,
        sent_at: float,
        unreachable: bool = False,
    ) -> None:
        """Count the end of a request that was sent at `sent_at`; `answered` is `network_sign` of its outcome.

        `unreachable`: the system itself said that there is no network (ENETUNREACH, ENETDOWN).
        """
        if answered:
            self._answered_at = now
            if self._silent_since != inf or self._given_up:
                self._silent_since = self._out_since = inf
                self._given_up = False
                self._hosts.clear()
                self._unreachable.clear()
            return
        if not host_has_answered and self._answered_at != -inf:
            return
        # Up to the last answer the network was there, though this request was under way by then.
        self._silent_since = min(self._silent_since, max(sent_at, self._answered_at))
        if len(self._hosts) < self._rules.min_hosts:
            self._hosts.add(host)
        if unreachable and len(self._unreachable) < self._rules.min_hosts:
            self._unreachable.add(host)

    def is_suspected(self, now: float) -> bool:
        """Whether failures are to be charged to nobody: an outage, or several hosts silent and nobody answering."""
        if self.is_out(now):
            return True
        if self._given_up or len(self._hosts) < self._rules.min_hosts:
            return False
        certain = len(self._unreachable) >= self._rules.min_hosts
        return certain or now - self._silent_since >= self._rules.suspect_s

    def is_out(self, now: float) -> bool:
        """Whether everything is to wait. Call it before each start: an outage begins and is given up here."""
        if self._given_up or len(self._hosts) < self._rules.min_hosts:
            return False
        rules = self._rules
        if self._out_since == inf:
            certain = len(self._unreachable) >= rules.min_hosts
            needed_s = rules.unreachable_silence_s if certain else rules.silence_s
            if now - self._silent_since < needed_s:
                return False
            self._out_since = now
            self._next_probe_at = now + rules.probe_every_s
        longest_s = rules.max_at_start_s if self._answered_at == -inf else rules.max_outage_s
        if now - self._out_since >= longest_s:
            self._given_up = True
            return False
        return True

    def may_probe(self, now: float) -> bool:
        """Whether one request may be sent in spite of the outage, to any host that is due; True once each interval."""
        if now < self._next_probe_at:
            return False
        self._next_probe_at = now + self._rules.probe_every_s
        return True

    @property
    def next_probe_at(self) -> float:
        """When `may_probe` will say yes again."""
        return self._next_probe_at
