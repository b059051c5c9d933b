from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import OutputError, UsageError
from engine.model.lead import LeadFailure
from engine.policy.job import Event
from engine.providers.base import Reply, RowReply, RowState
from engine.providers.counts import RATE_WINDOW_S, account, count, per_s
from engine.providers.store import JobStore, Kept, NewLead

DONE = RowReply(RowState.DONE, {"structured_data": {"a": 1}}, cost_cents=5.0)
PENDING = RowReply(RowState.PENDING)


def leads(*names):
    return [NewLead(name.encode(), {"name": name}, {"name": name}) for name in names]


@pytest.fixture
def store(tmp_path):
    opened = JobStore.open(tmp_path / "leads.sqlite", create=True)
    yield opened
    opened.close()


def states(store):
    return {state.value: n for state, n in count(store.db).by_state.items()}


def submitted(store, wall=1.0):
    return store.intend([store.planned(0, 10)], wall)[0]


def test_inputs_are_taken_in_whole_or_not_at_all(store):
    def broken():
        yield from leads("a", "b")
        raise UsageError("cut short")

    with pytest.raises(UsageError):
        store.ingest(broken())
    assert not store.ingested
    assert states(store) == {}
    assert store.ingest(leads("a", "b", "a")) == (2, 1)
    assert store.ingested
    assert count(store.db).duplicates == 1


def test_an_intent_is_on_disk_before_anything_else(tmp_path, store):
    store.ingest(leads("a"))
    submitted(store)
    store.db.close()  # as a kill: nothing more is written
    again = JobStore.open(tmp_path / "leads.sqlite")
    assert states(again) == {"submitting": 1}
    assert again.recover("the run ended") == 1
    assert states(again) == {"uncertain": 1}
    assert again.planned(0, 10) == []
    assert account(again.db).submitted == 1
    store.db = again.db  # which the fixture closes


def test_what_was_not_begun_was_no_attempt(store):
    store.ingest(leads("a"))
    store.not_begun(submitted(store))
    assert states(store) == {"planned": 1}
    assert account(store.db).submitted == 0


def test_an_answer_counts_once(store):
    store.ingest(leads("a"))
    task = submitted(store)
    assert store.answered(task, Reply((PENDING,), "t1"), 9.0, 2.0) == []
    assert [task.task_id for task in store.open_tasks()] == ["t1"]
    (ended,) = store.answered(task, Reply((DONE,)), None, 3.0)
    assert ended.cost_cents == 5
    assert store.answered(task, Reply((DONE,)), None, 4.0) == []
    assert store.answered(task, Reply((RowReply(RowState.FAILED),)), None, 4.0) == []
    assert count(store.db).cost_cents == 5
    assert store.open_tasks() == []


def test_a_call_that_says_what_became_of_a_lost_submit_is_believed(store):
    store.ingest(leads("a"))
    task = submitted(store)
    store.lost(task, "no answer")
    assert states(store) == {"uncertain": 1}
    assert store.task_of(task.mark, "t1").id == task.id
    store.answered(task, Reply((DONE,), "t1"), None, 3.0)
    assert states(store) == {"completed": 1}
    assert store.task_of(task.mark, "t2") is None  # our mark with another id is nobody's call
    assert store.task_of(None, "t1").id == task.id


def test_an_overdue_job_is_asked_after_again_and_what_is_gone_is_planned_again(store):
    store.ingest(leads("a", "b"))
    one, two = store.intend([[lead] for lead in store.planned(0, 2)], 1.0)
    for task, name in ((one, "t1"), (two, "t2")):
        store.answered(task, Reply((PENDING,), name, started_at=2.0), 9.0, 2.0)
    store.expire(one, Event.OVERDUE, LeadFailure.OVERDUE, "late", 1000.0)
    store.expire(two, Event.GONE, LeadFailure.RESULT_GONE, "gone", 1000.0)
    assert states(store) == {"expired": 2}
    assert store.plan_again({"overdue"}, 2000.0) == 1
    (task,) = store.open_tasks()
    assert (task.task_id, task.submitted_at, task.started_at) == ("t1", 2000.0, None)
    assert store.plan_again((), 2000.0) == 1
    assert states(store) == {"running": 1, "planned": 1}


def test_a_call_is_kept_once(store):
    event = Kept("e1", None, b"{}")
    assert store.keep_event(event, 1.0)
    assert not store.keep_event(event, 2.0)
    assert store.unused_events() == [event]
    store.event_used(event)
    assert store.unused_events() == []
    assert not store.keep_event(event, 3.0)


def test_what_is_no_store_is_refused(tmp_path):
    with pytest.raises(UsageError, match="no such file"):
        JobStore.open(tmp_path / "leads.sqlite")
    (tmp_path / "leads.sqlite").write_bytes(b"x" * 5000)
    with pytest.raises(OutputError, match="the record of jobs is damaged"):
        JobStore.open(tmp_path / "leads.sqlite")


STEPS = st.lists(st.tuples(st.sampled_from(["intend", "lost", "not_begun", "run", "done", "kill"]), st.integers(0, 3)))


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_no_order_of_events_submits_a_lead_twice(steps, tmp_path):
    """A lead that went out is out until it is proved not to be: whatever comes, and whenever the process is killed."""
    path = tmp_path / "any.sqlite"
    for file in tmp_path.glob("any.*"):
        file.unlink()
    store = JobStore.open(path, create=True)
    store.db.execute("PRAGMA synchronous = OFF")
    store.ingest(leads("a", "b", "c", "d"))
    out, sent = [], set()
    for step, which in steps:
        task = out[which % len(out)] if out else None
        if step == "intend" and (planned := store.planned(0, 1)):
            assert planned[0].n not in sent
            out += store.intend([planned], 1.0)
            sent.add(planned[0].n)
        elif step == "kill":
            store.db.close()
            store = JobStore.open(path)
            store.db.execute("PRAGMA synchronous = OFF")
            store.recover("killed")
        elif task is not None and step == "not_begun":
            n = store.db.execute("SELECT n FROM lead WHERE task = ? AND state = 'submitting'", (task.id,)).fetchone()
            store.not_begun(task)
            out.remove(task)
            if n is not None:
                sent.discard(n[0])
        elif task is not None:
            if step == "lost":
                store.lost(task, "x")
            else:
                store.answered(task, Reply((DONE if step == "done" else PENDING,), f"t{task.id}"), None, 2.0)
    store.close()


def test_the_rate_is_that_of_the_last_minutes(store):
    store.ingest(leads("a", "b", "c", "d"))
    assert per_s(store.db, 50.0) is None
    first, second = store.intend([[lead] for lead in store.planned(0, 2)], 100.0)
    assert per_s(store.db, 100.0) is None
    store.answered(first._replace(task_id="t1"), Reply((DONE,), "t1"), None, 150.0)
    assert per_s(store.db, 200.0) == 0.01
    store.answered(second._replace(task_id="t2"), Reply((DONE,), "t2"), None, 900.0)
    assert per_s(store.db, 900.0) == 1 / RATE_WINDOW_S
