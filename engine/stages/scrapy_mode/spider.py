"""The spider: each URL of the inputs once, each answer a row."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any

import orjson
from scrapy import Request, Spider

from engine.model.outcome import Failure, FailureKind
from engine.model.record import Fetched, error_row
from engine.model.url import Target, parse_target
from engine.nlp.page import Page
from engine.nlp.rowmaker import encode_row
from engine.nlp.worker import PageWorker
from engine.shard.requester import status_failure
from engine.shard.rows import utc_now
from engine.stages.scrapy_mode.mapped import failure_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from scrapy.http import Response
    from twisted.python.failure import Failure as TwistedFailure

    from engine.settings import Settings

_ANSWERED = range(200, 300)


class EnrichSpider(Spider):
    """Makes rows of `entries` (input rows, with the URL under `input.url_column`) and gives each line to `write`."""

    name = "enrich"

    def __init__(
        self, settings_of_ours: Settings, entries: Iterable[dict[str, Any]], write: Callable[[bytes], None]
    ) -> None:
        super().__init__()
        self._entries = entries
        self._write = write
        self._column = settings_of_ours.input.url_column
        self._worker = PageWorker(settings_of_ours)

    async def start(self) -> AsyncIterator[Request]:
        """A request for each distinct URL; what is no URL ends here."""
        seen: set[str] = set()
        for entry in self._entries:
            url = str(entry[self._column])
            columns = {key: value for key, value in entry.items() if key != self._column}
            target = parse_target(url)
            key = url if isinstance(target, Failure) else target.fetch_url
            if key in seen:
                continue
            seen.add(key)
            fetched = Fetched(url, key, 0, input=columns)
            if isinstance(target, Failure):
                self._fail(fetched, target)
                continue
            yield Request(
                key, self._answered, errback=self._failed, dont_filter=True,
                cb_kwargs={"fetched": fetched}, headers=_authorization(target),
                meta={"fetched": fetched},
            )  # fmt: skip

    def _answered(self, response: Response, fetched: Fetched) -> None:
        meta = response.meta
        content_type = (response.headers.get("Content-Type") or b"").decode("latin-1")
        fetched = fetched._replace(
            final_url=response.url,
            status_code=response.status,
            content_type=content_type,
            content_length=len(response.body),
            attempts=1 + meta.get("retry_times", 0),
            fetch_duration_ms=1000 * meta.get("download_latency", 0.0),
            x_robots_tag="\n".join(value.decode("latin-1") for value in response.headers.getlist("X-Robots-Tag")),
        )
        if response.status not in _ANSWERED:
            self._fail(fetched, status_failure(response.status))
            return
        page = Page(0, alone=False, fetched=fetched, content_type=content_type, body=response.body)
        self._write(self._worker.work(page).row)

    def _failed(self, failure: TwistedFailure) -> None:
        request: Request = vars(failure)["request"]  # Scrapy puts it there
        attempts = 1 + request.meta.get("retry_times", 0)
        told = failure_of(failure.value or RuntimeError())
        unasked = told.kind in {FailureKind.ROBOTS_DISALLOWED, FailureKind.REFUSED_ADDRESS}
        self._fail(request.meta["fetched"]._replace(attempts=0 if unasked else attempts), told)

    def _fail(self, fetched: Fetched, failure: Failure) -> None:
        self._write(encode_row(error_row(fetched, failure, utc_now())))


def _authorization(target: Target) -> dict[str, str]:
    """The header of a URL that came with user and password (RFC 7617)."""
    return {} if target.auth is None else {"Authorization": f"Basic {b64encode(target.auth.encode()).decode()}"}


def entries_of(lines: Iterable[bytes]) -> Iterable[dict[str, Any]]:
    """The rows of a JSONL list."""
    return (orjson.loads(line) for line in lines if line.strip())
