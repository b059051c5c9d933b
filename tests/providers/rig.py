"""A run of the work in fake time, against the stand-in without sockets."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import fake_time
from providers.fake_caller import FakeCaller
from providers.standin import Behaviour, Standin

from engine.leads.setup import make_gate, make_provider, make_rules
from engine.policy.lead import identity
from engine.policy.success import SuccessWindow
from engine.providers.counts import account, count
from engine.providers.store import JobStore, NewLead
from engine.providers.terms import Clock
from engine.providers.work import Work
from engine.settings import load

if TYPE_CHECKING:
    from pathlib import Path

#: The wall clock of fake time: what the loop's clock says, and this.
EPOCH = 1_700_000_000.0


class Rig:
    """A store with leads, and the stand-in. `run` works until an end; `seconds` is how long that took."""

    def __init__(self, folder: Path, leads, behaviour: Behaviour, **settings):
        self.settings = load([], {}, {f"leads.{key}": value for key, value in settings.items()}).settings
        self.provider = make_provider(self.settings)
        self.standin = Standin(behaviour)
        self.store = JobStore.open(folder / "leads.sqlite", create=True)
        self.store.db.execute("PRAGMA synchronous = OFF")
        self.store.ingest(NewLead(identity("x", lead), lead, lead) for lead in leads)
        self.caller = FakeCaller(self.standin)
        self.seconds = 0.0
        self.now = 1000.0
        self.work = None

    def run(self, *, at=None, then=None):
        """Work to an end. `then(work)` is called `at` so many seconds from the start."""

        async def main():
            loop = asyncio.get_running_loop()
            chance = random.Random(7)  # noqa: S311 - jitter
            began = loop.time()
            rules = make_rules(self.settings, 60.0)
            wall = EPOCH + self.now - began
            spent = self.store.leased(wall + began - rules.window_s - rules.lease_s)
            self.work = Work(
                self.store,
                self.provider,
                self.caller,
                gate=make_gate(self.settings, 60.0, spent, began),
                rules=rules,
                account=account(self.store.db),
                success=SuccessWindow(self.settings.leads.min_success_rate, self.settings.leads.success_window),
                clock=Clock(loop.time, lambda: wall + loop.time(), chance.random),
            )
            if at is not None:
                loop.call_at(began + at, then, self.work)
            ending = await self.work.run()
            self.seconds = loop.time() - began
            self.now += self.seconds
            return ending

        return fake_time.run(main())

    @property
    def counts(self):
        return count(self.store.db)

    def states(self):
        return {state.value: n for state, n in self.counts.by_state.items()}

    def submits(self):
        return [at for at, method, _, status in self.standin.log if method == "POST"]


def people(n, **behave):
    """`n` leads; of `behave` each is a behaviour, and the numbers of the leads that have it."""
    leads = [{"name": f"Person {i}"} for i in range(n)]
    for what, numbers in behave.items():
        for i in numbers:
            leads[i]["behave"] = what
    return leads
