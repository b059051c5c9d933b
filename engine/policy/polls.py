"""When a job is asked after, and when it has had its time.

The law: the first question comes when the job may well be done; after that the longest pause is a twelfth of the job's
age, within bounds. So an answer is had at the latest a twelfth after it was ready, however long the job took, and a
job of ten minutes is asked some twenty times, not sixty. Each pause is drawn over nearly its whole range ("full
jitter"; M. Brooker, Exponential Backoff And Jitter, 2015), so that jobs begun together are not asked after together.
What a provider asks for is a lower bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: The longest pause as a part of the job's age.
_PART_OF_AGE: Final = 1 / 12

#: The shortest pause as a part of `poll_s`: a draw near nought would ask twice in a breath.
_LEAST_PART: Final = 0.1

#: The first question is spread over so large a part of its time.
_FIRST_SPREAD: Final = 0.1

#: A job that waits in the provider's queue has not begun; but it may wait at the most so many times its own time.
_QUEUE_TIMES: Final = 4


@dataclass(frozen=True, slots=True)
class PollRules:
    """The settings leads.first_poll_s, poll_s, max_poll_s and job_timeout_s; seconds."""

    first_s: float = 60.0
    least_s: float = 10.0
    most_s: float = 60.0
    timeout_s: float = 900.0


def first_poll_s(rules: PollRules, u: float) -> float:
    """Seconds from the submit to the first question; `u` in [0, 1)."""
    return rules.first_s * (1 + _FIRST_SPREAD * u)


def next_poll_s(rules: PollRules, age_s: float, retry_after_s: float | None, u: float) -> float:
    """Seconds to the next question about a job submitted `age_s` ago."""
    longest_s = min(max(rules.least_s, age_s * _PART_OF_AGE), max(rules.least_s, rules.most_s))
    shortest_s = rules.least_s * _LEAST_PART
    delay_s = shortest_s + u * max(0.0, longest_s - shortest_s)
    return max(delay_s, retry_after_s or 0.0)


def deadline(rules: PollRules, submitted_at: float, started_at: float | None) -> float:
    """When a job that still runs has had its time; `started_at` is the provider's word, None while it is queued.

    A provider's clock is not ours: a start before the submit is taken as the submit, and one so late that it would
    stretch the time beyond that of a queued job as the latest allowed.
    """
    latest = submitted_at + _QUEUE_TIMES * rules.timeout_s
    if started_at is None:
        return latest
    return min(max(submitted_at, started_at) + rules.timeout_s, latest)
