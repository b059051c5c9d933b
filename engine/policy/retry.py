"""When a failed request is made again, and when it is given up.

The law: every delay comes from a finite table made once (doubling until the maximum, then the maximum), so that no
count of attempts overflows or waits longer than allowed. What a server asks for is a lower bound, itself bounded.
Jitter only adds. A retry waits in the frontier, with its slot free.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

from engine.policy.verdict import RetryClass

#: No Retry-After is taken to be longer: beyond it a date is a mistake, and sums with it stay exact.
LONGEST_RETRY_AFTER_S: Final = 366 * 86_400.0

#: An HTTP date has at most 33 characters ("Wednesday, 09-Nov-94 08:49:37 GMT"); a longer value is none.
_MAX_VALUE_CHARS: Final = 64


def doubling(first_s: float, longest_s: float) -> tuple[float, ...]:
    """`first_s`, twice that, and so on, up to and with `longest_s`; seconds. (0.0,) where `first_s` is not above 0."""
    delays = []
    delay_s = first_s
    while 0 < delay_s < longest_s:
        delays.append(delay_s)
        delay_s *= 2
    delays.append(longest_s if first_s > 0 else 0.0)
    return tuple(delays)


@dataclass(frozen=True, slots=True)
class RetryRules:
    """The settings of group `retry`. Seconds, but `jitter`: the largest part of a delay that is added to it at random.

    `max_attempts` counts the first request too.
    """

    max_attempts: int = 3
    base_delay_s: float = 1.0
    max_delay_s: float = 60.0
    rate_limit_delay_s: float = 5.0
    jitter: float = 0.1
    delays_s: dict[RetryClass, tuple[float, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        delays_s = {
            RetryClass.TRANSIENT: doubling(self.base_delay_s, self.max_delay_s),
            RetryClass.RATE_LIMITED: doubling(self.rate_limit_delay_s, self.max_delay_s),
        }
        object.__setattr__(self, "delays_s", delays_s)


def retry_delay(  # noqa: PLR0913, PLR0917 -- six independent facts; a value object a retry would be made to be taken apart
    rules: RetryRules,
    retry_class: RetryClass,
    attempts_made: int,
    retry_after_s: float | None,
    max_retry_after_s: float,
    u: float,
) -> float | None:
    """Seconds to wait before the next attempt, or None: give up.

    `attempts_made` counts the attempt that just failed (so it is at least 1). `retry_after_s` is what the answer asked
    for; of that at most `max_retry_after_s` is respected (0: all of it). The result is never below either.
    """
    if attempts_made >= rules.max_attempts:
        return None
    delays_s = rules.delays_s[retry_class]
    delay_s = delays_s[min(max(attempts_made, 1), len(delays_s)) - 1]
    if retry_after_s is not None:
        asked_s = min(retry_after_s, max_retry_after_s) if max_retry_after_s > 0 else retry_after_s
        delay_s = max(delay_s, asked_s)
    return delay_s * (1.0 + rules.jitter * u)


def parse_retry_after(value: str, wall_now: float) -> float | None:
    """Seconds from now that a Retry-After header asks for (RFC 9110, section 10.2.3), at most a year; None for garbage.

    `wall_now` is the time of day in seconds since 1970, which a date is compared with. What lies in the past, or is
    negative, is 0. All three date forms of RFC 9110, section 5.6.7, are read.
    """
    text = value.strip()
    if len(text) > _MAX_VALUE_CHARS or not text.isascii():
        return None
    digits = text.removeprefix("-")
    if digits.isdigit():
        return 0.0 if digits is not text else min(float(digits), LONGEST_RETRY_AFTER_S)
    if not text[:1].isalpha():  # every form of a date begins with the name of a day
        return None
    try:
        moment = parsedate_to_datetime(text)
        if moment.tzinfo is None:  # asctime's form names no zone; HTTP dates are all in UTC
            moment = moment.replace(tzinfo=UTC)
        wait_s = moment.timestamp() - wall_now
    except (ValueError, OverflowError, IndexError, TypeError):
        return None
    return min(max(wait_s, 0.0), LONGEST_RETRY_AFTER_S)
