"""What the providers' answers mean, one shape at a time: those that are published, and those that clients have met."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.model.lead import LeadFailure
from engine.providers.base import Answer, Fault, Refusal, Reply, RowState
from engine.providers.rowbatch import SHAPE as ROWBATCH
from engine.providers.shape import ShapedProvider, timestamp
from engine.providers.sixtyfour import SHAPE as SIXTYFOUR

NOW = 1_700_000_000.0
LEAD = ShapedProvider(SIXTYFOUR, "enrich-lead-async", {"role": "their job"})
RESULT = {
    "structured_data": {"role": "pilot", "more": 1},
    "notes": "n",
    "references": {"u": "d"},
    "confidence_score": 8,
}


def poll(body, status=200, headers=None, count=1, provider=LEAD):
    return provider.read_poll(Answer(status, headers or {}, body), count, NOW)


def submit(body, status=200, count=1, provider=LEAD, headers=None):
    return provider.read_submit(Answer(status, headers or {}, body), count, NOW)


def test_a_submit_is_written_as_published():
    call = LEAD.submit([{"name": "Ada"}], "https://me.example/hook?mark=m")
    assert (call.method, call.path) == ("POST", "/enrich-lead-async")
    hook = "https://me.example/hook?mark=m"
    assert call.body == {"lead_info": {"name": "Ada"}, "struct": {"role": "their job"}, "webhook_url": hook}
    assert LEAD.poll("t1").path == "/job-status/t1"
    assert LEAD.cancel("t1") is None


@pytest.mark.parametrize(
    "status", ["pending", "queued", "running", "RUNNING", "processing", "continued_as_new", "new?"]
)
def test_a_job_under_way_is_pending_whatever_it_is_called(status):
    for reply in (submit({"task_id": "t", "status": status}), poll({"id": "t", "run_id": "r", "status": status})):
        assert isinstance(reply, Reply)
        assert (reply.task_id, reply.pending) == ("t", True)


@pytest.mark.parametrize("status", ["completed", "COMPLETED", " Completed "])
def test_a_result_lies_below_result_or_at_the_top_level(status):
    frame = {"id": "t", "run_id": "r", "start_time": "2023-11-14T22:13:20Z", "close_time": "x", "status": status}
    for body in ({**frame, "result": RESULT}, {**frame, **RESULT}):
        reply = poll({**body, "charge_amount": 12, "task_type": "enrich_lead"})
        (row,) = reply.rows
        assert row.state is RowState.DONE
        assert row.cost_cents == 12
        assert reply.started_at == NOW
        facts = LEAD.facts(row.result)
        assert facts.data == {"role": "pilot", "more": 1}
        assert (facts.notes, facts.confidence, facts.sources) == ("n", 8.0, {"u": "d"})


def test_a_synchronous_answer_is_the_result_itself():
    sync = ShapedProvider(SIXTYFOUR, "enrich-lead", {})
    assert sync.submit([{"name": "A"}], "https://hook.example/").body == {"lead_info": {"name": "A"}}
    (row,) = submit(RESULT, provider=sync).rows
    assert row.state is RowState.DONE
    assert sync.facts(row.result).data == RESULT["structured_data"]


def test_contacts_have_no_wrapper():
    email = ShapedProvider(SIXTYFOUR, "find-email-async")
    result = {"email": [["a@b.example", "OK", "COMPANY"]], "cost_cents": 5}
    (row,) = poll({"id": "t", "status": "completed", "result": result}, provider=email).rows
    assert row.cost_cents == 5
    assert email.facts(row.result).data["email"] == [["a@b.example", "OK", "COMPANY"]]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("failed", LeadFailure.JOB_FAILED),
        ("CANCELLED", LeadFailure.JOB_CANCELLED),
        ("terminated", LeadFailure.JOB_CANCELLED),
        ("timed_out", LeadFailure.JOB_TIMED_OUT),
    ],
)
def test_a_failed_job_has_its_reason(status, kind):
    (row,) = poll({"id": "t", "status": status, "error": "Task failed"}).rows
    assert (row.state, row.kind, row.error) == (RowState.FAILED, kind, "Task failed")
    (row,) = poll({"id": "t", "status": status}).rows
    assert row.error == "no reason is given"


@pytest.mark.parametrize(
    ("status", "body", "fault", "words"),
    [
        (400, {"error": "bad_request", "message": "no name"}, Fault.LEAD, "bad_request: no name"),
        (401, {"detail": "Invalid key"}, Fault.KEY, "Invalid key"),
        (402, {"error": "payment_required", "message": "add funds"}, Fault.BALANCE, "add funds"),
        (403, {}, Fault.KEY, "no reason is given"),
        (404, {"detail": "Not Found"}, Fault.CALL, "Not Found"),
        (422, {"detail": [{"loc": ["body", "struct"], "msg": "Missing"}]}, Fault.LEAD, "body.struct: Missing"),
        (429, None, Fault.RATE, "HTTP 429"),
        (500, {"error": "internal"}, Fault.BROKEN, "internal"),
        (502, None, Fault.BROKEN, "HTTP 502"),
        (503, None, Fault.AWAY, "HTTP 503"),
        (302, None, Fault.CALL, "redirects"),
        (200, None, Fault.BROKEN, "no JSON object"),
        (200, ["x"], Fault.BROKEN, "no JSON object"),
    ],
)  # fmt: skip
def test_what_a_refused_submit_means(status, body, fault, words):
    found = submit(body, status)
    assert isinstance(found, Refusal)
    assert found.fault is fault
    assert words in found.message


def test_a_refused_question_says_nothing_of_the_job():
    for status in (400, 405, 422, 500):
        assert poll({}, status).fault is Fault.BROKEN
    assert poll({"detail": "Job not found"}, 404).fault is Fault.GONE


def test_how_long_to_wait_is_read_from_the_header_or_the_body():
    assert submit(None, 429, headers={"retry-after": "7"}).retry_after_s == 7
    assert submit({"retry_after": 9}, 429).retry_after_s == 9
    assert submit({"retry_after": "soon"}, 429, headers={"retry-after": "?"}).retry_after_s is None


def test_a_webhook_says_the_same_as_a_poll():
    told = LEAD.read_event({"task_id": "t", "status": "completed", "task_type": "x", "result": RESULT})
    assert told.task_id == "t"
    assert told.reply.rows[0].result == RESULT
    assert LEAD.read_event({"task_id": "t", "status": "failed", "error": "e"}).reply.rows[0].error == "e"
    for body in (None, [], {}, {"status": "completed"}, {"task_id": None, "status": "x"}, {"task_id": "t"}):
        assert LEAD.read_event(body) is None


def test_leads_in_bulk_are_told_apart_by_their_place():
    bulk = ShapedProvider(SIXTYFOUR, "find-email-bulk-async")
    assert bulk.bulk == 100
    assert bulk.submit([{"name": "A"}, {"name": "B"}], None).body == {"leads": [{"name": "A"}, {"name": "B"}]}
    body = {
        "id": "t",
        "status": "completed",
        "result": {"results": [{"email": "a"}, {"email": "b"}]},
        "charge_amount": 8,
    }
    rows = poll(body, count=2, provider=bulk).rows
    assert [row.result for row in rows] == body["result"]["results"]
    assert [row.cost_cents for row in rows] == [4, 4]
    rows = poll(body, count=3, provider=bulk).rows  # the paid answer is kept, and nobody's
    assert {row.kind for row in rows} == {LeadFailure.BAD_ANSWER}
    assert rows[0].result == body["result"]


def test_the_other_shape_has_a_status_for_each_row():
    batch = ShapedProvider(ROWBATCH, "batches", {"who": "x"})
    assert batch.submit([{"name": "A"}], "https://h.example/").body == {
        "rows": [{"name": "A"}], "struct": {"who": "x"}, "callback": "https://h.example/",
    }  # fmt: skip
    reply = submit({"batch_id": 7, "rows": [{"state": "waiting"}] * 2}, 202, 2, batch)
    assert (reply.task_id, reply.pending, len(reply.rows)) == ("7", True, 2)
    rows = [{"state": "ok", "output": {"fields": {"a": 1}, "score": 2}, "price_cents": 3}, {"state": "working"}]
    reply = poll({"batch_id": "7", "rows": rows, "poll_after_s": 4}, 202, count=2, provider=batch)
    assert [row.state for row in reply.rows] == [RowState.DONE, RowState.PENDING]
    assert (reply.partly_done, reply.retry_after_s) == (True, 4)
    assert batch.facts(reply.rows[0].result).data == {"a": 1}
    rows[1] = {"state": "error", "problem": {"title": "no page"}, "price_cents": 1}
    row = poll({"batch_id": "7", "rows": rows}, count=2, provider=batch).rows[1]
    assert (row.state, row.error, row.cost_cents) == (RowState.FAILED, "no page", 1)
    assert batch.cancel("7").path == "/batches/7/cancel"
    assert batch.poll("a/../b?c#d é").path == "/batches/a%2F..%2Fb%3Fc%23d%20%C3%A9"
    assert batch.read_event({"batch_id": "7", "state": "ok", "rows": []}).reply.rows[0].state is RowState.DONE
    assert poll({"problem": {"title": "gone"}}, 410, provider=batch).fault is Fault.GONE


def test_what_a_lead_lacks_is_named():
    assert LEAD.missing({"age": 3}).startswith("it has none of name")
    assert LEAD.missing({"name": "Ada"}) is None
    strict = ShapedProvider(SIXTYFOUR, "enrich-lead-async", required=("name", "company"))
    assert strict.missing({"name": " "}) == "it has no name and no company"
    assert ShapedProvider(ROWBATCH, "batches").missing({}) == "it is empty"


NAMES = "status id task_id result rows error detail start_time charge_amount structured_data state batch_id output"
KEYS = st.sampled_from([*map(str.strip, NAMES.split(" "))])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None)
@given(JSON, st.integers(200, 599), st.integers(1, 3), st.sampled_from([LEAD, ShapedProvider(ROWBATCH, "batches")]))
def test_no_answer_crashes_and_none_is_guessed(body, status, count, provider):
    for found in (submit(body, status, count, provider), poll(body, status, count=count, provider=provider)):
        if isinstance(found, Reply):
            assert len(found.rows) == count
            for row in found.rows:
                provider.facts(row.result)
        else:
            assert found.message
    if (told := provider.read_event(body)) is not None:
        assert told.reply.rows


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("2023-11-14T22:13:20Z", NOW),
        ("2023-11-14T22:13:20", NOW),
        (NOW, NOW),
        (NOW * 1000, NOW),
        ("soon", None),
        (True, None),
    ],
)
def test_times_are_read_as_they_come(value, seconds):
    assert timestamp(value) == seconds
