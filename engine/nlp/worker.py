"""One page from bytes to its row: extract, analyse, encode. What an NLP child does between two messages.

What the page says of its own use (X-Robots-Tag, the robots meta element) is noted in its row, and obeyed where
politeness.obey_page_directives says so: of a page that is not to be indexed nothing is kept.

Law: every page comes back as a row. What a body cannot give is said in its row by the extractor; a defect of ours
becomes that page's `internal_error`, with its traceback in the log, and the next page is none the worse. Only a signal
(a crash in C code, the alarm of a page that takes too long) or a lack of memory ends the process.
"""

from __future__ import annotations

from datetime import UTC, datetime
from time import perf_counter, time
from typing import TYPE_CHECKING, Final, Protocol

from engine.model.outcome import Failure, FailureKind
from engine.model.record import error_row
from engine.nlp.analyse import Analyser
from engine.nlp.extract import Extractors
from engine.nlp.page import Worked
from engine.nlp.rowmaker import cut, encode_row, make_row, stamp
from engine.nlp.tags import content_tags
from engine.nlp.values import Extracted
from engine.observe.logs import get_logger
from engine.policy.page_directives import forbids_indexing, forbids_quoting, page_directives
from engine.policy.robots import product_token

if TYPE_CHECKING:
    from engine.nlp.page import Page
    from engine.settings import Settings

_MAX_MESSAGE_CHARS: Final = 300


class Extractor(Protocol):
    """What :class:`engine.nlp.extract.Extractors` does."""

    def extract(self, body: bytes, content_type: str, url: str) -> Extracted:
        """What `body` says; a body that cannot be used is a failure in the result."""
        ...


class PageWorker:
    """Turns pages into rows under one set of settings. UsageError where a library or pipeline they name is missing."""

    def __init__(self, settings: Settings, extractor: Extractor | None = None) -> None:
        self._max_text_length = settings.extract.max_text_length
        self._predefined_tags = settings.extract.predefined_tags
        self._extractor: Extractor = Extractors(settings.extract) if extractor is None else extractor
        self._analyser = Analyser(settings.nlp)
        self._token = product_token(settings.fetch.user_agent)
        self._obeys = settings.politeness.obey_page_directives
        self._log = get_logger(__name__)

    @property
    def known_strings(self) -> int:
        """See :attr:`engine.nlp.analyse.Analyser.known_strings`."""
        return self._analyser.known_strings

    def work(self, page: Page) -> Worked:
        """The page's row. Raises MemoryError, and nothing else but what ends a process."""
        started = perf_counter()
        fetched = page.fetched
        try:
            extracted = self._extractor.extract(page.body, page.content_type, fetched.final_url or fetched.fetch_url)
            said = page_directives(fetched.x_robots_tag.splitlines(), extracted.meta, self._token)
            if self._obeys and forbids_indexing(said, time()):
                extracted = Extracted(extracted.content_type, failure=extracted.failure)
            text = cut(extracted.text, self._max_text_length)
            analysis = self._analyser.analyse(text, extracted.title, extracted.language_hint, extracted.names)
            tags = content_tags(fetched.final_url or fetched.fetch_url, self._predefined_tags)
            row = make_row(fetched, extracted, analysis, tags=tags, max_text_length=self._max_text_length)
            if not extracted.whole:
                row["metadata"]["truncated"] = True
            if said:
                row["metadata"]["robots"] = said
                if self._obeys and forbids_quoting(said):
                    row["content_summary"] = ""
            kind = extracted.failure.kind if extracted.failure is not None else None
        except MemoryError:
            raise  # not a defect, and no state to go on from
        except Exception as error:  # noqa: BLE001 - a defect costs its page, not the pages of a whole process
            self._log.exception("a page could not be processed", url=fetched.url)
            kind = FailureKind.INTERNAL_ERROR
            reason = f"{type(error).__name__}: {error}"[:_MAX_MESSAGE_CHARS]
            row = error_row(fetched, Failure(kind, f"processing the page failed: {reason}"), "")
        ms = (perf_counter() - started) * 1000
        enriched_at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return Worked(encode_row(stamp(row, process_ms=ms, enriched_at=enriched_at)), kind, ms)
