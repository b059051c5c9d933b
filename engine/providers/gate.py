"""What every request to a provider passes: the rate budget, the adaptive limit, the breaker, and pauses.

One provider is one host with one key: a 429 on a poll holds submits too. The policies are those of fetching
(:mod:`engine.policy.verdict` says what an outcome means to them). `now` is passed in; nothing here waits.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Final

from engine.model.outcome import FailureKind, Outcome
from engine.policy.retry import RetryRules, retry_delay
from engine.policy.verdict import RetryClass, is_answer_below_500, verdict
from engine.providers.base import Answer
from engine.providers.caller import NotSent

if TYPE_CHECKING:
    from engine.policy.aimd import ShardLimit
    from engine.policy.breaker import Breaker
    from engine.policy.rate_budget import RateBudget
    from engine.providers.caller import Lost

#: The provider's one vote in the adaptive limit.
_HOST: Final = 0

_TOO_MANY: Final = 429
_LIMIT_HEADER: Final = "x-ratelimit-limit"
#: A limit with more is none, and Python refuses to read thousands.
_MAX_DIGITS: Final = 9


@dataclass(frozen=True, slots=True)
class PauseRules:
    """How long a 429 or 503 holds all requests: what it asks for, up to `max_retry_after_s`, else our own delay.

    `rate_limit_s` is the window of the limit: without a word from the provider, a 429 is over when that is. After
    `max_pauses` of them with no other answer between, the run stops.
    """

    retry: RetryRules
    rate_limit_s: float = 60.0
    max_retry_after_s: float = 300.0
    max_pauses: int = 5


@dataclass(frozen=True, slots=True)
class Pass:
    """One request's leave to go."""

    permit: int
    sent_at: float


class Gate:
    """Lets requests through, and learns from their ends. `in_flight` is the number of those that are out."""

    def __init__(self, budget: RateBudget, limit: ShardLimit, breaker: Breaker, rules: PauseRules) -> None:
        self._budget = budget
        self._limit = limit
        self._breaker = breaker
        self._rules = rules
        self._answered = False
        self._pauses = 0
        self._paused_at = -inf
        self.in_flight = 0

    @property
    def limit(self) -> int:
        """Requests at once, now."""
        return self._limit.limit

    def ready(self, now: float) -> bool:
        """Whether a request may start now."""
        breaker_at = self._breaker.retry_at(now)
        return (
            self.in_flight < self._limit.limit
            and breaker_at is not None
            and breaker_at <= now
            and self._budget.ready(now)
        )

    def enter(self, now: float) -> Pass:
        """Start a request; only when `ready`."""
        permit = self._breaker.admit(now)
        if permit is None:
            raise RuntimeError("the gate was entered while it is shut")
        self._budget.start()
        self.in_flight += 1
        return Pass(permit, now)

    def leave(
        self, given: Pass, got: Answer | NotSent | Lost | None, now: float, retry_after_s: float | None, u: float
    ) -> None:
        """End a request with what became of it; None: it was cancelled. `u` in [0, 1) spreads a pause."""
        self._budget.end(now)
        if got is None:
            self._breaker.release(given.permit, now)
            self.in_flight -= 1
            return
        outcome = _outcome(got)
        found = verdict(outcome)
        self._answered = self._answered or is_answer_below_500(outcome)
        self._limit.on_outcome(_HOST, found.signal, self._answered, given.sent_at, now, self.in_flight)
        self.in_flight -= 1
        self._breaker.record(given.permit, found.breaker, now)
        if found.pause:
            if given.sent_at >= self._paused_at:  # what was under way when the pause began is part of the same one
                self._pauses += 1
                self._paused_at = now
            self._budget.pause(now + self._pause_s(outcome.status, retry_after_s, u))
        elif isinstance(got, Answer):
            self._pauses = 0
            said = got.headers.get(_LIMIT_HEADER, "")
            if len(said) <= _MAX_DIGITS and said.isascii() and said.isdigit():
                self._budget.lower(int(said))

    def tick(self, now: float) -> None:
        """Let the limit rise where it may."""
        self._limit.tick(now, self.in_flight)

    def retry_at(self, now: float) -> float | None:
        """When to look again; None: when a request ends."""
        if self.in_flight >= self._limit.limit:
            return None
        breaker_at, budget_at = self._breaker.retry_at(now), self._budget.retry_at(now)
        return None if breaker_at is None or budget_at is None else max(breaker_at, budget_at)

    def hopeless(self) -> str | None:
        """Why no further request makes sense; None while one does."""
        if self._breaker.exhausted:
            return f"the provider does not answer: {self._breaker.failed_probes} tries after pauses failed"
        if 0 < self._rules.max_pauses <= self._pauses:
            return f"the provider turns every request away (429 or 503), {self._pauses} times in a row"
        return None

    def _pause_s(self, status: int, retry_after_s: float | None, u: float) -> float:
        if status == _TOO_MANY and retry_after_s is None:
            return self._rules.rate_limit_s * (1 + self._rules.retry.jitter * u)
        rules = RetryRules(
            self._pauses + 1, self._rules.retry.base_delay_s, self._rules.retry.max_delay_s,
            self._rules.retry.rate_limit_delay_s, self._rules.retry.jitter,
        )  # fmt: skip
        delay_s = retry_delay(
            rules, RetryClass.RATE_LIMITED, self._pauses, retry_after_s, self._rules.max_retry_after_s, u
        )
        return delay_s or 0.0


def _outcome(got: Answer | NotSent | Lost) -> Outcome:
    if isinstance(got, Answer):
        return Outcome(got.status)
    return Outcome(0, FailureKind.CONNECT_REFUSED if isinstance(got, NotSent) else FailureKind.CONNECTION_LOST)
