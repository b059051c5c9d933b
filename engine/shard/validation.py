"""The rows of validation: is a URL usable, judged from its answer's head alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from engine.model.outcome import Failure, FailureKind
from engine.model.stage_rows import validation_row
from engine.policy.probe import total_length
from engine.shard.rows import Made, as_line, utc_now, with_input

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model.record import Fetched
    from engine.model.task import Task
    from engine.settings import ValidationSettings
    from engine.shard.caching import Kept

#: Headers that tell of a server and its page, and of nobody's visit: a Set-Cookie is never among them.
_TOLD: Final = (
    "server", "date", "last-modified", "etag", "cache-control", "expires", "age", "vary", "content-language",
    "content-encoding", "accept-ranges", "x-robots-tag", "x-powered-by", "strict-transport-security", "link",
)  # fmt: skip
_MAX_HEADER_CHARS: Final = 500


class ValidationRows:
    """Stage 2. A page that does not fit the settings is not usable, as one that could not be had."""

    def __init__(self, settings: ValidationSettings) -> None:
        self._wanted = frozenset(settings.content_types)
        self._max_length = settings.max_content_length

    def bare(self, _task: Task, fetched: Fetched) -> Made:
        """See StageRows."""
        length = _length(fetched)
        failure = self._misfit(fetched.media_type, length)
        return self._row(fetched, length, failure)

    def made(self, _task: Task, _fetched: Fetched, _line: bytes, _kind: FailureKind | None) -> Made:
        """See StageRows. No page of this stage goes to the pool."""
        raise TypeError("validation looks into no page")

    def kept(self, _task: Task, _fetched: Fetched, _kept: Kept) -> Made:
        """See StageRows. Nothing of this stage is kept."""
        raise TypeError("validation keeps no page")

    def failed(self, _task: Task, fetched: Fetched, failure: Failure) -> Made:
        """See StageRows."""
        return self._row(fetched, _length(fetched), failure)

    @staticmethod
    def _row(fetched: Fetched, length: int, failure: Failure | None) -> Made:
        row = validation_row(with_input(fetched), utc_now(), length, _told(_headers(fetched)), failure)
        return Made(as_line(row), failure.kind if failure is not None else None)

    def _misfit(self, content_type: str, length: int) -> Failure | None:
        family = f"{content_type.partition('/')[0]}/*"
        if self._wanted and self._wanted.isdisjoint((content_type, family)):
            shown = content_type or "unknown type"
            return Failure(FailureKind.UNSUPPORTED_CONTENT, f"{shown} is not among validation.content_types")
        if 0 < self._max_length < length:
            message = f"{length} bytes are more than {self._max_length} (validation.max_content_length)"
            return Failure(FailureKind.BODY_TOO_LARGE, message)
        return None


def _headers(fetched: Fetched) -> Mapping[str, Any]:
    headers: Mapping[str, Any] = (fetched.observed or {}).get("headers", {})
    return headers


def _length(fetched: Fetched) -> int:
    headers = _headers(fetched)
    told = total_length(fetched.status_code, headers.get("Content-Length", ""), headers.get("Content-Range", ""))
    return fetched.content_length if told is None else told


def _told(headers: Mapping[str, Any]) -> dict[str, str]:
    """As text that any JSON reader takes: a header's bytes may be anything."""
    found = {name: headers.get(name) for name in _TOLD}
    return {name: _text(value) for name, value in found.items() if value is not None}


def _text(value: str) -> str:
    return value[:_MAX_HEADER_CHARS].encode("utf-8", "replace").decode("utf-8")
