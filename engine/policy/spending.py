"""Whether one more lead may be submitted: the two limits of money.

The law: what is spent, and what the jobs that are out may cost yet, never exceed the limit. A job's price is known
only from its answer, so what is out is counted at the dearest price seen; and while no price is known, no more jobs are
out than have ended, and one: a run whose price is ten times what was expected finds out for one job.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final


class Allowance(Enum):
    """What follows for the next submit."""

    GO = "go"
    WAIT = "wait"  # until a job that is out has ended
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Limits:
    """The settings leads.max_jobs and leads.max_cost_cents; 0 = none."""

    max_jobs: int = 0
    max_cost_cents: float = 0.0


@dataclass(slots=True)
class Account:
    """What a run has done so far: submits (second ones too), jobs out, jobs ended, and their costs.

    `doubtful` are jobs that may have been submitted: they may have been billed, and no answer will say so.
    """

    submitted: int = 0
    out: int = 0
    doubtful: int = 0
    ended: int = 0
    spent_cents: float = 0.0
    dearest_cents: float | None = None  # None: no answer has named a price yet

    def paid(self, cents: float | None) -> None:
        """Count what an answer says the job cost."""
        if cents is not None:
            self.spent_cents += cents
            self.dearest_cents = max(self.dearest_cents or 0.0, cents)


_GO: Final = (Allowance.GO, "")


def allowance(limits: Limits, account: Account, count: int = 1) -> tuple[Allowance, str]:
    """Whether `count` more jobs may be submitted now, and why not."""
    if limits.max_jobs and account.submitted + count > limits.max_jobs:
        return Allowance.STOP, f"leads.max_jobs: {account.submitted:,} of {limits.max_jobs:,} jobs were submitted"
    return _affordable(limits.max_cost_cents, account, count) if limits.max_cost_cents else _GO


def _affordable(most_cents: float, account: Account, count: int) -> tuple[Allowance, str]:
    told = f"leads.max_cost_cents: {account.spent_cents:g} of {most_cents:g} cents are spent"
    if account.spent_cents >= most_cents:
        return Allowance.STOP, told
    price = account.dearest_cents
    if price is None:
        known_soon = account.out + count <= account.ended + 1
        return _GO if known_soon else (Allowance.WAIT, "the price of a job is not known yet")
    if account.spent_cents + (account.out + account.doubtful + count) * price <= most_cents:
        return _GO
    if account.out:
        return Allowance.WAIT, "the jobs that are out may cost what is left"
    return Allowance.STOP, f"{told}, and a job costs up to {price:g}"
