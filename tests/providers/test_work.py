from __future__ import annotations

import asyncio
import random
from contextlib import ExitStack
from itertools import count

import pytest
from providers.rig import Rig, people
from providers.standin import Behaviour, busiest

from engine.errors import OutputError
from engine.policy.job import State
from engine.providers.store import Kept
from engine.providers.terms import Why


@pytest.fixture
def make_rig(tmp_path):
    numbers = count()
    with ExitStack() as stack:

        def make(leads, behaviour, **settings):
            folder = tmp_path / str(next(numbers))
            folder.mkdir()
            rig = Rig(folder, leads, behaviour, **settings)
            stack.callback(rig.store.close)
            return rig

        yield make


#: As the provider is: five to ten minutes a job.
MINUTES = {"least_s": 300.0, "most_s": 600.0}


def test_the_earlier_run_again_takes_as_long_as_its_longest_job(make_rig):
    """42 profiles in 8 minutes, 95 % failed and nobody knew why: now at once, and each failure with its reason."""
    rig = make_rig(people(42, fail=range(0, 42, 6), cancelled=[5]), Behaviour(**MINUTES))
    ending = rig.run()
    longest_s = max(job.ends_at - job.made_at for job in rig.standin.jobs.values())
    assert ending.why is Why.DONE
    assert rig.seconds <= 1.1 * longest_s
    assert max(rig.submits()) - min(rig.submits()) < 5  # at once
    assert rig.states() == {"completed": 34, "failed": 8}
    assert all(n == 1 for n in rig.standin.submitted.values())
    reasons = rig.store.db.execute("SELECT kind, error FROM lead WHERE state = 'failed'").fetchall()
    assert all(kind and error for kind, error in reasons)


def test_the_limit_of_requests_holds_in_every_window_of_the_servers_log(make_rig):
    rig = make_rig(people(400), Behaviour(**MINUTES, limit=50), requests_per_minute=50)
    assert rig.run().why is Why.DONE
    assert busiest([at for at, *_ in rig.standin.log], 60.0) == 50
    assert not [entry for entry in rig.standin.log if entry[3] == 429]
    assert rig.states() == {"completed": 400}


def test_the_next_process_keeps_to_what_the_last_one_left_of_the_limit(make_rig):
    rig = make_rig(people(60), Behaviour(least_s=20, most_s=30, limit=40), requests_per_minute=40, first_poll_s=5.0)
    assert rig.run(at=10, then=lambda work: work.interrupt()).why is Why.INTERRUPTED
    seen = len(rig.standin.log)
    assert rig.run().why is Why.DONE
    assert seen
    assert rig.states() == {"completed": 60}
    assert set(rig.standin.submitted.values()) == {1}


def test_lost_answers_are_uncertain_and_never_submitted_twice(make_rig):
    rig = make_rig(people(60), Behaviour(lost=0.05, seed=3, **MINUTES))
    assert rig.run().why is Why.DONE
    lost = sum("lost" in job.wants for job in rig.standin.jobs.values())
    assert lost
    assert rig.states() == {"completed": 60 - lost, "uncertain": lost}
    rig.store.plan_again((), 0.0)
    rig.run()
    assert set(rig.standin.submitted.values()) == {1}
    assert rig.store.resubmit_uncertain() == lost
    rig.run()
    assert sorted(rig.standin.submitted.values()) == [1] * (60 - lost) + [2] * lost


@pytest.mark.parametrize("tell_wait", [True, False])
def test_a_429_begins_nothing_and_holds_all(make_rig, tell_wait):
    rig = make_rig(people(30), Behaviour(limit=20, tell_wait=tell_wait, **MINUTES), requests_per_minute=0)
    assert rig.run().why is Why.DONE
    assert rig.states() == {"completed": 30}
    assert set(rig.standin.submitted.values()) == {1}
    assert [entry for entry in rig.standin.log if entry[3] == 429]
    assert rig.store.db.execute("SELECT max(attempts) FROM lead").fetchone() == (1,)


def test_no_money_stops_submits_at_once_and_what_is_out_is_collected(make_rig):
    rig = make_rig(people(100), Behaviour(balance_jobs=25, **MINUTES))
    ending = rig.run()
    assert ending.why is Why.THRESHOLD
    assert "402" in ending.message
    assert rig.states() == {"completed": 25, "planned": 75}
    assert sum(entry[3] == 402 for entry in rig.standin.log) <= 25  # those that were in flight
    rig.standin.behaviour.balance_jobs = 0
    assert rig.run().why is Why.DONE
    assert set(rig.standin.submitted.values()) == {1}


def test_a_limit_of_cents_is_kept_and_a_limit_of_jobs_too(make_rig):
    rig = make_rig(people(50), Behaviour(price_cents=10.0, **MINUTES), max_cost_cents=125.0)
    assert rig.run().why is Why.THRESHOLD
    assert rig.counts.cost_cents == 120
    rig = make_rig(people(50), Behaviour(**MINUTES), max_jobs=7)
    assert "leads.max_jobs" in rig.run().message
    assert rig.states() == {"completed": 7, "planned": 43}
    assert rig.run().why is Why.THRESHOLD  # the folder's, not the command's


def test_a_run_that_buys_nothing_stops_early_with_the_reason(make_rig):
    rig = make_rig(
        people(300), Behaviour(fail=0.95, least_s=20, most_s=40), min_success_rate=0.5, first_poll_s=20.0,
        requests_per_minute=60,
    )  # fmt: skip
    ending = rig.run()
    assert ending.why is Why.THRESHOLD
    assert "min_success_rate" in ending.message
    assert rig.counts.of(State.PLANNED) > 150
    assert not rig.counts.of(State.RUNNING)


def test_a_wrong_key_stops_everything_and_loses_nothing(make_rig):
    rig = make_rig(people(20), Behaviour(**MINUTES))
    rig.run(at=5, then=lambda work: work.interrupt())
    known, rig.standin.handle = rig.standin.handle, lambda m, p, _h, b, now: known(m, p, {"x-api-key": "no"}, b, now)
    ending = rig.run()
    assert ending.why is Why.REFUSED
    assert rig.states() == {"running": 20}
    rig.standin.handle = known
    assert rig.run().why is Why.DONE
    assert set(rig.standin.submitted.values()) == {1}


def test_an_overdue_job_expires_and_a_retry_asks_by_the_same_id(make_rig):
    rig = make_rig(people(3, never=[1]), Behaviour(**MINUTES))
    assert rig.run().why is Why.DONE
    assert rig.states() == {"completed": 2, "expired": 1}
    assert 900 <= rig.seconds <= 1000
    next(job for job in rig.standin.jobs.values() if "never" in job.wants).ends_at = 0.0
    assert rig.store.plan_again((), 1_700_000_000.0 + rig.now) == 1
    assert rig.run().why is Why.DONE
    assert rig.states() == {"completed": 3}
    assert set(rig.standin.submitted.values()) == {1}


def test_what_the_provider_no_longer_knows_expires(make_rig):
    rig = make_rig(people(2), Behaviour(least_s=5, most_s=6, keep_s=1.0))
    assert rig.run().why is Why.DONE
    assert rig.counts.by_kind == {"result_gone": 2}


def test_empty_results_and_refused_leads_say_so(make_rig):
    rig = make_rig(people(4, empty=[1], refuse=[2]), Behaviour(**MINUTES))
    rig.run()
    assert rig.counts.by_kind == {"nothing_found": 1, "refused": 1}
    assert rig.counts.succeeded == 2
    assert rig.counts.cost_cents == 30  # nothing found was paid for


def test_a_provider_that_is_away_ends_the_run_and_all_is_still_planned(make_rig):
    rig = make_rig(people(5), Behaviour())

    async def refused(_call):
        from engine.providers.caller import NotSent  # noqa: PLC0415

        return NotSent("connection refused")

    rig.caller.call = refused
    ending = rig.run()
    assert ending.why is Why.THRESHOLD
    assert "does not answer" in ending.message
    assert rig.states() == {"planned": 5}


def test_errors_of_polls_are_no_failed_jobs(make_rig):
    rig = make_rig(people(6), Behaviour(**MINUTES))
    known, chance = rig.standin.handle, random.Random(1)  # noqa: S311 - which polls

    def broken(method, path, headers, body, now):
        reply = known(method, path, headers, body, now)
        if method == "GET" and chance.random() < 0.3:
            reply.status, reply.body = 500, {"error": "internal"}
        elif method == "GET" and chance.random() < 0.3:
            reply.body = None
        return reply

    rig.standin.handle = broken
    assert rig.run().why is Why.DONE
    assert rig.states() == {"completed": 6}


def test_batches_of_the_other_shape_end_row_by_row(make_rig):
    rig = make_rig(
        people(250, fail=[7]), Behaviour(least_s=30, most_s=60), provider="rowbatch", path="batches",
        base_url="http://127.0.0.1:1", first_poll_s=10.0,
    )  # fmt: skip
    assert rig.run().why is Why.DONE
    assert len(rig.submits()) == 3
    assert rig.states() == {"completed": 249, "failed": 1}
    assert rig.counts.cost_cents == 249 * 2 + 1
    assert set(rig.standin.submitted.values()) == {1}


def test_bulk_calls_and_synchronous_ones(make_rig):
    rig = make_rig(people(150), Behaviour(least_s=3, most_s=5), path="find-email-bulk-async", first_poll_s=2.0)
    assert rig.run().why is Why.DONE
    assert rig.states() == {"completed": 150}
    assert len(rig.submits()) == 2
    rig = make_rig(people(5), Behaviour(), path="enrich-lead")
    assert rig.run().why is Why.DONE
    assert rig.states() == {"completed": 5}
    assert rig.counts.cost_cents == 50


def test_a_disk_that_is_full_is_told_as_that(make_rig):
    rig = make_rig(people(20), Behaviour(**MINUTES))

    def full(*_):
        raise OutputError("the disk is full")

    rig.store.answered = full
    with pytest.raises(OutputError, match="the disk is full"):
        rig.run()


def test_an_overdue_batch_is_cancelled_where_the_provider_can(make_rig):
    rig = make_rig(
        people(3, never=[1]), Behaviour(least_s=30, most_s=60), provider="rowbatch", path="batches",
        base_url="http://127.0.0.1:1", first_poll_s=10.0,
    )  # fmt: skip
    assert rig.run().why is Why.DONE
    assert rig.states() == {"expired": 3}
    assert [path for _, _, path, _ in rig.standin.log if path.endswith("/cancel")]


def test_a_call_that_came_between_the_decision_to_poll_and_the_poll_spares_it(make_rig):
    rig = make_rig(people(1), Behaviour(least_s=30, most_s=30), first_poll_s=60.0)

    def call_when_the_poll_is_decided(work):
        enter = work._gate.enter

        def entered(now):
            (job,) = rig.standin.jobs.values()
            name, body = rig.standin.event(job)
            event = Kept(name, None, body)
            assert rig.store.keep_event(event, now)
            asyncio.get_running_loop().call_soon(work.event, event)  # and the poll's first step after it
            return enter(now)

        work._gate.enter = entered

    assert rig.run(at=31, then=call_when_the_poll_is_decided).why is Why.DONE
    assert rig.states() == {"completed": 1}
    assert [method for _, method, *_ in rig.standin.log] == ["POST"]
    assert rig.work._gate.in_flight == 0
