"""A provider as a table, and the one adapter that reads any such table.

The law: what is not in the table is not assumed. A status that it does not name is pending, an answer that it cannot
place is *broken*: neither success nor failure is ever guessed, for one loses what was paid and the other pays twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from engine.model.lead import LeadFailure
from engine.policy.retry import LONGEST_RETRY_AFTER_S, parse_retry_after
from engine.providers.base import Answer, Call, Facts, Fault, Json, Refusal, Reply, RowReply, RowState, Told

_MAX_ERROR_CHARS: Final = 500
_REDIRECTS: Final = range(300, 400)
_FIRST_ERROR: Final = 400
_FIRST_SERVER_ERROR: Final = 500

#: Statuses that every HTTP API means the same by (RFC 9110, section 15.5 and 15.6; RFC 6585, section 4). 503 is said
#: before any work; 500, 502 and 504 say nothing of what had been begun, and a 408 or 425 leaves it as open.
_FAULTS: Final[dict[int, Fault]] = {
    400: Fault.LEAD,
    401: Fault.KEY,
    402: Fault.BALANCE,
    403: Fault.KEY,
    404: Fault.CALL,
    405: Fault.CALL,
    408: Fault.BROKEN,
    409: Fault.BROKEN,
    413: Fault.LEAD,
    422: Fault.LEAD,
    425: Fault.BROKEN,
    429: Fault.RATE,
    503: Fault.AWAY,
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One call. `lead` names the body's field for the lead (or list of leads, where `bulk` is above 1).

    `required`: body fields without which it is refused; `any_of`: of these a lead must have one. `options`: further
    fields that the body may have. `person`: rows that are no person are left out. `sync`: the POST answers with the
    result.
    """

    lead: str
    required: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    options: frozenset[str] = frozenset()
    struct: bool = True
    person: bool = False
    sync: bool = False
    bulk: int = 1


@dataclass(frozen=True, slots=True)
class Shape:
    """Where a provider's answers have what. Paths are "a.b"; of several the first that is there counts."""

    name: str
    endpoints: Mapping[str, Endpoint]
    submit_path: str = "/{endpoint}"
    poll_path: str = "/job-status/{task_id}"
    cancel_path: str | None = None
    callback_field: str | None = "webhook_url"
    ids: tuple[str, ...] = ("task_id", "id")
    statuses: tuple[str, ...] = ("status",)
    done: frozenset[str] = frozenset({"completed"})
    failed: Mapping[str, LeadFailure] = field(default_factory=lambda: {"failed": LeadFailure.JOB_FAILED})
    started: tuple[str, ...] = ("start_time",)
    results: tuple[str, ...] = ("result",)
    errors: tuple[str, ...] = ("error", "message", "detail")
    costs: tuple[str, ...] = ("charge_amount",)
    rows: tuple[str, ...] = ()  # where a task has several leads: the list with one entry each
    wrappers: tuple[str, ...] = ()  # keys of an answer that are not the result's, where that lies at the top level
    data: tuple[str, ...] = ("structured_data",)
    notes: tuple[str, ...] = ("notes",)
    confidence: tuple[str, ...] = ("confidence_score",)
    sources: tuple[str, ...] = ("references",)
    pending: frozenset[int] = frozenset({202})  # HTTP statuses that mean "not yet" whatever the body says
    gone: frozenset[int] = frozenset({404, 410})  # of a poll: the task is not known
    retry_after: tuple[str, ...] = ("retry_after",)


@dataclass(frozen=True, slots=True)
class ShapedProvider:
    """The adapter: a shape, one of its endpoints, and what the settings add to each body."""

    shape: Shape
    endpoint: str
    struct: Mapping[str, Json] = field(default_factory=dict)
    extra: Mapping[str, Json] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    submit_timeout_s: float = 60.0

    @property
    def name(self) -> str:
        """The provider's."""
        return self.shape.name

    @property
    def bulk(self) -> int:
        """How many leads a task may have."""
        return self._call.bulk

    @property
    def retry_hints(self) -> Sequence[str]:
        """Where in an answer's body it is said how long to wait."""
        return self.shape.retry_after

    @property
    def person(self) -> bool:
        """Whether the call is about people."""
        return self._call.person

    @property
    def _call(self) -> Endpoint:
        return self.shape.endpoints[self.endpoint]

    def missing(self, info: Mapping[str, Json]) -> str | None:
        """See Provider."""
        lacking = [name for name in self.required if not _filled(info.get(name))]
        if lacking:
            return f"it has no {' and no '.join(lacking)}"
        wanted = self._call.any_of
        if wanted and not any(_filled(info.get(name)) for name in wanted):
            return f"it has none of {', '.join(wanted)}"
        return None if any(_filled(value) for value in info.values()) else "it is empty"

    def submit(self, infos: Sequence[Mapping[str, Json]], callback_url: str | None) -> Call:
        """See Provider."""
        call = self._call
        body: dict[str, Json] = {**self.extra}
        body[call.lead] = list(infos) if call.bulk > 1 else infos[0]
        if call.struct and self.struct:
            body["struct"] = dict(self.struct)
        if callback_url is not None and self.shape.callback_field and not call.sync:
            body[self.shape.callback_field] = callback_url
        path = self.shape.submit_path.replace("{endpoint}", self.endpoint)
        return Call("POST", path, body, self.submit_timeout_s)

    def read_submit(self, answer: Answer, count: int, wall_now: float) -> Reply | Refusal:
        """See Provider."""
        return self._read(answer, count, wall_now)

    def poll(self, task_id: str) -> Call:
        """See Provider."""
        return Call("GET", _path(self.shape.poll_path, task_id))

    def read_poll(self, answer: Answer, count: int, wall_now: float) -> Reply | Refusal:
        """See Provider."""
        found = self._read(answer, count, wall_now)
        if isinstance(found, Refusal):
            if answer.status in self.shape.gone:
                return Refusal(Fault.GONE, found.message, found.retry_after_s)
            if found.fault in {Fault.LEAD, Fault.CALL}:
                return Refusal(Fault.BROKEN, found.message, found.retry_after_s)  # it is a question, not a lead
        return found

    def cancel(self, task_id: str) -> Call | None:
        """See Provider."""
        path = self.shape.cancel_path
        return None if path is None else Call("POST", _path(path, task_id))

    def read_event(self, body: Json) -> Told | None:
        """See Provider."""
        task_id = find(body, self.shape.ids)
        if not isinstance(task_id, str | int) or find(body, self.shape.statuses) is None:
            return None
        rows = find(body, self.shape.rows) if self.shape.rows else None
        return Told(str(task_id), self._reply(body, len(rows) if isinstance(rows, list) and rows else 1, None))

    def facts(self, result: Json) -> Facts:
        """See Provider."""
        if not isinstance(result, Mapping):
            return Facts({} if result is None else {"value": result})
        shape = self.shape
        data = find(result, shape.data)
        known = {path for paths in (shape.data, shape.notes, shape.confidence, shape.sources) for path in paths}
        if not isinstance(data, Mapping):
            # find-email and its like have no wrapper: the result is itself the data.
            data = {key: value for key, value in result.items() if key not in known}
        notes, confidence = find(result, shape.notes), find(result, shape.confidence)
        return Facts(
            data,
            notes if isinstance(notes, str) else None,
            float(confidence) if _is_number(confidence) else None,
            find(result, shape.sources),
        )

    # -- reading ------------------------------------------------------------------------------------------------------

    def _read(self, answer: Answer, count: int, wall_now: float) -> Reply | Refusal:
        wait_s = retry_after(answer, self.shape.retry_after, wall_now)
        if answer.status in self.shape.pending:
            body = answer.body if isinstance(answer.body, Mapping) else {}
            return self._reply(body, count, wait_s)
        if answer.status in _REDIRECTS:
            return Refusal(Fault.CALL, f"HTTP {answer.status}: it redirects, and a call is never sent elsewhere")
        if answer.status >= _FIRST_ERROR:
            fault = _FAULTS.get(answer.status, Fault.BROKEN if answer.status >= _FIRST_SERVER_ERROR else Fault.LEAD)
            return Refusal(fault, f"HTTP {answer.status}: {_sentence(answer.body, self.shape.errors)}", wait_s)
        if not isinstance(answer.body, Mapping):
            return Refusal(Fault.BROKEN, f"HTTP {answer.status}, and its body is no JSON object", wait_s)
        return self._reply(answer.body, count, wait_s)

    def _reply(self, body: Mapping[str, Json], count: int, wait_s: float | None) -> Reply:
        task_id = find(body, self.shape.ids)
        listed = find(body, self.shape.rows) if self.shape.rows else None
        if isinstance(listed, list) and len(listed) == count and all(isinstance(row, Mapping) for row in listed):
            rows = tuple(self._row(row) for row in listed)
        else:
            rows = self._spread(self._row(body), count)
        return Reply(
            rows,
            str(task_id) if isinstance(task_id, str | int) and not isinstance(task_id, bool) else None,
            timestamp(find(body, self.shape.started)),
            wait_s,
        )

    def _spread(self, whole: RowReply, count: int) -> tuple[RowReply, ...]:
        """One answer for several leads: its list of results, one each, or the same word for all."""
        if count == 1 or whole.state is RowState.PENDING:
            return (whole,) * count
        cost = None if whole.cost_cents is None else whole.cost_cents / count
        if whole.state is RowState.FAILED:
            return (RowReply(RowState.FAILED, whole.result, whole.kind, whole.error, cost),) * count
        result = whole.result
        inner = result if isinstance(result, list) else find(result, ("results", "leads", "rows", "data"))
        if isinstance(inner, list) and len(inner) == count:
            return tuple(RowReply(RowState.DONE, each, cost_cents=cost) for each in inner)
        told = f"the answer for {count} leads does not say which is whose"
        return (RowReply(RowState.DONE, result, LeadFailure.BAD_ANSWER, told, cost),) * count

    def _row(self, body: Mapping[str, Json]) -> RowReply:
        shape = self.shape
        status = str(find(body, shape.statuses) or "").strip().casefold()
        result = find(body, shape.results)
        cost = find(body, shape.costs)
        cents = float(cost) if _is_number(cost) else None
        if status in shape.failed:
            return RowReply(RowState.FAILED, result, shape.failed[status], _sentence(body, shape.errors), cents)
        at_top = {key: value for key, value in body.items() if key not in shape.wrappers}
        if status in shape.done:
            return RowReply(RowState.DONE, at_top if result is None else result, cost_cents=cents)
        # A synchronous call answers with the result and no status at all.
        if not status and (result is not None or any(find(body, (path,)) is not None for path in shape.data)):
            return RowReply(RowState.DONE, at_top if result is None else result, cost_cents=cents)
        return RowReply(RowState.PENDING)


def _path(path: str, task_id: str) -> str:
    """A path with a task's id as one segment of it, whatever characters the id has."""
    return path.replace("{task_id}", quote(task_id, safe=""))


def find(body: Json, paths: Sequence[str]) -> Json:
    """What lies at the first of the paths that is there and not null."""
    for path in paths:
        value = body
        for key in path.split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        if value is not None:
            return value
    return None


def retry_after(answer: Answer, paths: Sequence[str], wall_now: float) -> float | None:
    """Seconds to wait that the answer asks for, in its header or its body."""
    if (header := answer.headers.get("retry-after")) is not None:
        return parse_retry_after(header, wall_now)
    asked = find(answer.body, paths)
    return min(max(0.0, float(asked)), LONGEST_RETRY_AFTER_S) if _is_number(asked) else None


def timestamp(value: Json) -> float | None:
    """Seconds since 1970 of an RFC 3339 time or a number (milliseconds, where seconds would be far ahead)."""
    if _is_number(value):
        in_ms = 1e11
        return float(value) / 1000 if value > in_ms else float(value)
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _sentence(body: Json, paths: Sequence[str]) -> str:
    """What an answer says went wrong: texts as they are, a validation's list as "field: message"."""
    told = [str(_told(value)) for path in paths if (value := find(body, (path,)))]
    text = ": ".join(dict.fromkeys(part for part in told if part))
    return (text or "no reason is given")[:_MAX_ERROR_CHARS]


def _told(value: Json) -> str:
    if isinstance(value, list):
        return "; ".join(_told(item) for item in value)
    if isinstance(value, Mapping) and isinstance(value.get("msg"), str):
        where = value.get("loc")
        place = ".".join(map(str, where)) if isinstance(where, list) else ""
        return f"{place}: {value['msg']}" if place else str(value["msg"])
    if isinstance(value, Mapping) and isinstance(value.get("message"), str):
        return str(value["message"])
    return str(value)


def _filled(value: Any) -> bool:  # noqa: ANN401 - any JSON value
    return bool(value.strip()) if isinstance(value, str) else value not in (None, [], {})


def _is_number(value: Any) -> bool:  # noqa: ANN401 - any JSON value
    return isinstance(value, int | float) and not isinstance(value, bool)
