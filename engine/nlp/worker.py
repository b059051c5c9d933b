"""One page from bytes to its row: extract, analyse, encode. What an NLP child does between two messages.

What the page says of its own use (X-Robots-Tag, the robots meta element) is noted in its row, and obeyed where
politeness.obey_page_directives says so: of a page that is not to be indexed nothing is kept.

Law: every page comes back as a row. What a body cannot give is said in its row by the extractor; a defect of ours
becomes that page's `internal_error`, with its traceback in the log, and the next page is none the worse. Only a signal
(a crash in C code, the alarm of a page that takes too long) or a lack of memory ends the process.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter, time
from typing import TYPE_CHECKING, Final, Protocol

from engine.model.outcome import Failure, FailureKind
from engine.model.record import error_row
from engine.nlp.analyse import Analyser, Subject
from engine.nlp.extract import Extractors
from engine.nlp.page import Worked
from engine.nlp.rowmaker import cut, encode_row, make_row, stamp
from engine.nlp.tags import content_tags
from engine.nlp.values import Extracted
from engine.observe.logs import get_logger
from engine.policy.page_directives import forbids_indexing, forbids_quoting, page_directives
from engine.policy.robots import product_token

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.nlp.models.client import Models
    from engine.nlp.page import Page
    from engine.nlp.values import Analysis
    from engine.settings import Settings

_MAX_MESSAGE_CHARS: Final = 300


class Extractor(Protocol):
    """What :class:`engine.nlp.extract.Extractors` does."""

    def extract(self, body: bytes, content_type: str, url: str) -> Extracted:
        """What `body` says; a body that cannot be used is a failure in the result."""
        ...


@dataclass(slots=True)
class _Study:
    """What is known of a page before its row is made, and the milliseconds that it took."""

    extracted: Extracted
    said: tuple[str, ...]
    text: str
    analysis: Analysis | None = None
    ms: float = 0.0


class PageWorker:
    """Turns pages into rows under one set of settings. UsageError where a library or pipeline they name is missing."""

    def __init__(self, settings: Settings, extractor: Extractor | None = None, models: Models | None = None) -> None:
        self._max_text_length = settings.extract.max_text_length
        self._predefined_tags = settings.extract.predefined_tags
        self._extractor: Extractor = Extractors(settings.extract) if extractor is None else extractor
        self._analyser = Analyser(settings.nlp, models)
        self._token = product_token(settings.fetch.user_agent)
        self._obeys = settings.politeness.obey_page_directives
        self._log = get_logger(__name__)
        #: Of the pages that were prepared and are not yet rows, by the identity of the page.
        self._studies: dict[int, _Study] = {}

    @property
    def known_strings(self) -> int:
        """See :attr:`engine.nlp.analyse.Analyser.known_strings`."""
        return self._analyser.known_strings

    @property
    def batch_pages(self) -> int:
        """See :attr:`engine.nlp.analyse.Analyser.batch_pages`."""
        return self._analyser.batch_pages

    def prepare(self, pages: Sequence[Page], step: Callable[[], None]) -> None:
        """Analyse the pages together; their texts' time is shared out by length.

        What goes wrong here is told by `work`, which then does the page alone.
        """
        studies: dict[int, _Study] = {}
        self._studies = {}
        try:
            for page in pages:
                step()
                started = perf_counter()
                study = studies[id(page)] = self._study(page)
                study.ms = (perf_counter() - started) * 1000
            started = perf_counter()
            found = self._analyser.analyse_all([_subject(study) for study in studies.values()], step)
        except MemoryError:
            raise  # it is the process's, whichever page it was
        except Exception:  # noqa: BLE001 - see above: no page is lost to another's defect
            self._log.debug("pages could not be analysed together", pages=len(pages), exc_info=True)
            return
        ms = (perf_counter() - started) * 1000
        chars = sum(len(study.text) for study in studies.values()) or 1
        for study, analysis in zip(studies.values(), found, strict=True):
            study.analysis = analysis
            study.ms += ms * len(study.text) / chars
        self._studies = studies

    def work(self, page: Page) -> Worked:
        """The page's row. Raises MemoryError, and nothing else but what ends a process."""
        started = perf_counter()
        fetched = page.fetched
        study = self._studies.pop(id(page), None)
        try:
            study = study or self._study(page)
            extracted, said = study.extracted, study.said
            analysis = study.analysis or self._analyser.analyse_all([_subject(study)])[0]
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
        ms = (perf_counter() - started) * 1000 + (study.ms if study is not None else 0.0)
        enriched_at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return Worked(encode_row(stamp(row, process_ms=ms, enriched_at=enriched_at)), kind, ms)

    def _study(self, page: Page) -> _Study:
        """What the page's body says, before its text is analysed."""
        fetched = page.fetched
        extracted = self._extractor.extract(page.body, page.content_type, fetched.final_url or fetched.fetch_url)
        said = page_directives(fetched.x_robots_tag.splitlines(), extracted.meta, self._token)
        if self._obeys and forbids_indexing(said, time()):
            extracted = Extracted(extracted.content_type, failure=extracted.failure)
        return _Study(extracted, said, cut(extracted.text, self._max_text_length))


def _subject(study: _Study) -> Subject:
    extracted = study.extracted
    return Subject(study.text, extracted.title, extracted.language_hint, extracted.names)
