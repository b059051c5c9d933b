"""A stand-in for Sixtyfour: its calls, shapes, delays, limits and faults, without sockets (standin_server has those).

What a job does is drawn from `Behaviour`, by its number and a seed; a lead may say it itself, in a field `behave`:
"fail", "empty", "lost", "refuse", "top_level", "never", "cancelled". The log says when each request came.
"""

from __future__ import annotations

import json
import random
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

KEY = "sk-standin-5f2e"
SUBMITS = {
    "enrich-lead": "lead_info",
    "people-intelligence": "lead_info",
    "enrich-company": "target_company",
    "company-intelligence": "target_company",
    "qa-agent": "data",
    "research-agent": "input_data",
    "find-email": "lead",
    "find-phone": "lead",
    "find-email-bulk": "leads",
    "find-phone-bulk": "leads",
}
NEEDS = {
    "enrich-company": ["struct"], "company-intelligence": ["struct"], "qa-agent": ["qualification_criteria"],
    "research-agent": ["struct"],
}  # fmt: skip


@dataclass
class Behaviour:
    """Times in seconds, shares from 0 to 1."""

    least_s: float = 0.2
    most_s: float = 0.4
    price_cents: float = 10.0
    fail: float = 0.0
    lost: float = 0.0  # the job is made, its submit's answer never comes
    top_level: float = 0.2
    upper_case: float = 0.3
    limit: int = 0  # requests in any window; above: 429
    window_s: float = 60.0
    tell_wait: bool = True  # with a Retry-After
    balance_jobs: int = 0  # so many jobs can be paid for; then 402
    keep_s: float = 0.0  # results are kept so long; 0 = for ever
    webhook_secret: str = ""
    webhook_duplicates: float = 0.0
    webhook_early: float = 0.0
    seed: int = 1


@dataclass
class Job:
    id: str
    call: str
    leads: list[dict[str, Any]]
    made_at: float
    ends_at: float
    callback: str | None = None
    wants: tuple[str, ...] = ()
    polls: int = 0
    polls_after_told: int = 0  # its webhook's call had been acknowledged
    told: int = 0


@dataclass
class Reply:
    """`lost`: the server drops the connection instead of answering."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)
    lost: bool = False
    job: Job | None = None
    early: bool = False


class Standin:
    """The provider. `now` is passed in with each request."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.jobs: dict[str, Job] = {}
        self.batches: dict[str, Job] = {}
        self.log: list[tuple[float, str, str, int]] = []
        self.submitted: Counter[str] = Counter()  # by lead: what the server was asked to do, lost answers too
        self._recent: deque[float] = deque()

    def handle(self, method: str, path: str, headers: dict[str, str], body: Any, now: float) -> Reply:
        reply = self._handle(method, path, headers, body, now)
        self.log.append((now, method, path, reply.status))
        return reply

    def _handle(  # noqa: PLR0911 - a route a line
        self, method: str, path: str, headers: dict[str, str], body: Any, now: float
    ) -> Reply:
        given = headers.get("x-api-key", "")
        if given != KEY:
            return Reply(401, {"error": "unauthorized", "message": f"the key {given} is not valid"})
        if (refusal := self._over_limit(now)) is not None:
            return refusal
        path = path.partition("?")[0]
        if path == "/api/usage":
            return Reply(200, {"requests": len(self.log)}, self._limits())
        if method == "POST" and path == "/batches":
            return self._batch(body, now)
        if method == "GET" and path.startswith("/batches/"):
            return self._poll_batch(path.rpartition("/")[2], now)
        if method == "POST":
            name = path.strip("/")
            call, is_async = name.removesuffix("-async"), name.endswith("-async")
            return (
                self._submit(call, body, now, is_async=is_async)
                if call in SUBMITS
                else Reply(404, {"detail": "Not Found"})
            )
        if path.startswith("/job-status/"):
            return self._poll(path.rpartition("/")[2], now)
        return Reply(404, {"detail": "Not Found"})

    def _limits(self) -> dict[str, str]:
        limit = self.behaviour.limit
        if not limit:
            return {}
        return {"X-RateLimit-Limit": str(limit), "X-RateLimit-Remaining": str(max(0, limit - len(self._recent)))}

    def _over_limit(self, now: float) -> Reply | None:
        rules = self.behaviour
        while self._recent and self._recent[0] <= now - rules.window_s:
            self._recent.popleft()
        if rules.limit and len(self._recent) >= rules.limit:
            wait_s = self._recent[0] + rules.window_s - now
            told = {"Retry-After": str(max(1, round(wait_s + 0.5)))} if rules.tell_wait else {}
            return Reply(429, {"error": "rate_limited", "message": "too many requests"}, {**self._limits(), **told})
        self._recent.append(now)
        return None

    def _submit(self, call: str, body: Any, now: float, *, is_async: bool) -> Reply:
        field_name = SUBMITS[call]
        missing = [
            name for name in (field_name, *NEEDS.get(call, ())) if not (isinstance(body, dict) and body.get(name))
        ]
        if missing:
            return Reply(
                422,
                {"detail": [{"loc": ["body", name], "msg": "Field required", "type": "missing"} for name in missing]},
            )
        leads = body[field_name] if call.endswith("-bulk") else [body[field_name]]
        if any("refuse" in _behave(lead) for lead in leads):
            return Reply(400, {"error": "bad_request", "message": "this lead cannot be taken"})
        if self.behaviour.balance_jobs and len(self.jobs) >= self.behaviour.balance_jobs:
            return Reply(402, {"error": "payment_required", "message": "the balance is used up"}, self._limits())
        job = self._made(call, leads, body.get("webhook_url"), now)
        if "lost" in job.wants:
            return Reply(0, None, lost=True, job=job)
        early = bool(job.callback) and self._chance(job, "early") < self.behaviour.webhook_early
        if not is_async:
            job.ends_at = now
            return Reply(200, self._result(job, wrapped=False), self._limits(), job=job)
        status = "RUNNING" if "upper_case" in job.wants else "pending"
        return Reply(200, {"task_id": job.id, "status": status}, self._limits(), job=job, early=early)

    def _made(self, call: str, leads: list[dict[str, Any]], callback: str | None, now: float) -> Job:
        rules, number = self.behaviour, len(self.jobs) + len(self.batches)
        chance = random.Random(f"{rules.seed}/{number}")  # noqa: S311 - made-up jobs
        wants = {want for lead in leads for want in _behave(lead)}
        wants |= {
            want for want in ("fail", "lost", "top_level", "upper_case") if chance.random() < getattr(rules, want)
        }
        ends_at = float("inf") if "never" in wants else now + chance.uniform(rules.least_s, rules.most_s)
        job = Job(
            f"task-{number:06d}-{chance.getrandbits(32):08x}", call, leads, now, ends_at, callback, tuple(sorted(wants))
        )
        (self.batches if call == "batches" else self.jobs)[job.id] = job
        self.submitted.update(_who(lead) for lead in leads)
        return job

    def _chance(self, job: Job, what: str) -> float:
        return random.Random(f"{self.behaviour.seed}/{job.id}/{what}").random()  # noqa: S311 - made-up jobs

    def _poll(self, task_id: str, now: float) -> Reply:
        job = self.jobs.get(task_id)
        kept_s = self.behaviour.keep_s
        if job is None or (kept_s and now > job.ends_at + kept_s):
            return Reply(404, {"detail": "Job not found"}, self._limits())
        job.polls += 1
        if now < job.ends_at:
            status = "RUNNING" if "upper_case" in job.wants else "running"
            running = {"id": job.id, "run_id": f"run-{job.id}", "start_time": job.made_at, "status": status}
            return Reply(200, running, self._limits(), job=job)
        job.polls_after_told += bool(job.told)
        return Reply(200, self._ended(job), self._limits(), job=job)

    def _ended(self, job: Job) -> dict[str, Any]:
        frame = {"id": job.id, "run_id": f"run-{job.id}", "start_time": job.made_at, "close_time": job.ends_at}
        if "cancelled" in job.wants:
            return {**frame, "status": "CANCELLED", "error": "cancelled by an operator"}
        if "fail" in job.wants:
            return {**frame, "status": "failed", "error": "Task failed", "charge_amount": 0}
        result = self._result(job, wrapped=True)
        if "top_level" in job.wants and "structured_data" in result:
            return {**frame, **result, "status": "completed", "charge_amount": self.behaviour.price_cents}
        status = "COMPLETED" if "upper_case" in job.wants else "completed"
        charged = {"charge_amount": self.behaviour.price_cents * len(job.leads), "task_type": job.call}
        return {**frame, "status": status, "result": result, **charged}

    def _result(self, job: Job, *, wrapped: bool) -> dict[str, Any]:
        cost = self.behaviour.price_cents
        if job.call.startswith("find-email"):
            each = [{"email": [[f"{_who(lead)}@example.org".lower(), "OK", "COMPANY"]]} for lead in job.leads]
            return {"results": each} if job.call.endswith("-bulk") else {**each[0], "cost_cents": cost}
        if "empty" in job.wants:
            data: dict[str, Any] = {}
        else:
            data = {"summary": f"facts about {_who(job.leads[0])}", "number": len(job.id), "unasked": None}
        found = {
            "structured_data": data, "notes": "found on two pages", "findings": [], "confidence_score": 8.5,
            "references": {"https://example.org/": "a page"},
        }  # fmt: skip
        return found if wrapped else {**found, "charge_amount": cost}

    def event(self, job: Job) -> tuple[str, bytes]:
        """The id and the body of the webhook's call about a job."""
        ended = self._ended(job)
        told = {"task_id": job.id, "status": ended["status"], "task_type": job.call}
        told |= {key: ended[key] for key in ("result", "error", "charge_amount") if key in ended}
        if "result" not in told and "structured_data" in ended:
            told["result"] = {key: ended[key] for key in ("structured_data", "notes", "references", "confidence_score")}
        return f"evt-{job.id}", json.dumps(told).encode()

    # -- the other shape ----------------------------------------------------------------------------------------------

    def _batch(self, body: Any, now: float) -> Reply:
        if not isinstance(body, dict) or not isinstance(body.get("rows"), list) or not body["rows"]:
            return Reply(422, {"problem": {"title": "rows are missing"}})
        job = self._made("batches", body["rows"], body.get("callback"), now)
        if "lost" in job.wants:
            return Reply(0, None, lost=True, job=job)
        return Reply(202, {"batch_id": job.id, "rows": [{"state": "waiting"} for _ in job.leads]}, job=job)

    def _poll_batch(self, task_id: str, now: float) -> Reply:
        job = self.batches.get(task_id)
        if job is None:
            return Reply(410, {"problem": {"title": "no such batch"}})
        job.polls += 1
        rows = []
        for place, lead in enumerate(job.leads):
            # Rows of a batch end one after another.
            done_at = job.made_at + (job.ends_at - job.made_at) * (place + 1) / len(job.leads)
            if now < done_at:
                rows.append({"state": "working"})
            elif "fail" in _behave(lead):
                rows.append({"state": "error", "problem": {"title": "no page to read"}, "price_cents": 1})
            else:
                output = {"fields": {"who": _who(lead)}, "score": 3, "links": ["https://example.org/"]}
                rows.append({"state": "ok", "output": output, "price_cents": 2})
        pending = now < job.ends_at
        told = {"batch_id": job.id, "begun_at": job.made_at, "rows": rows}
        return Reply(202 if pending else 200, {**told, "poll_after_s": 0.05} if pending else told, job=job)


def _behave(lead: dict[str, Any]) -> tuple[str, ...]:
    value = lead.get("behave", "")
    return tuple(value.split()) if isinstance(value, str) else ()


def _who(lead: dict[str, Any]) -> str:
    return str(lead.get("name") or lead.get("company") or sorted(lead.items()))


def busiest(times: list[float], window_s: float) -> int:
    """The most requests in any window (half open) of a log."""
    most = 0
    inside: deque[float] = deque()
    for at in sorted(times):
        inside.append(at)
        while inside[0] <= at - window_s:
            inside.popleft()
        most = max(most, len(inside))
    return most
