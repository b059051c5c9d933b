"""Text to what a row says of it: language, entities, keywords, summary.

Deterministic: the same text gives the same analysis in any process, whatever it has analysed before, and with whatever
texts it is analysed together. The built-in pipelines gain nothing from many texts at once; trained ones do, by matrices
that are worth their while, so their texts go through `nlp.pipe` together (:meth:`Analyser.analyse_all`), long ones in
windows. With transformers the names and the summary come from the process that holds the models.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from engine.nlp.available import BUILT_IN, NO_MODEL, NONE
from engine.nlp.entities import list_entities
from engine.nlp.keywords import keywords
from engine.nlp.language import detect_language
from engine.nlp.model_names import tell_spans
from engine.nlp.page_facts import tell
from engine.nlp.pipeline import WITH_MODELS, load
from engine.nlp.summary import summarise
from engine.nlp.terms import Kinds, Terms
from engine.nlp.text import without_surrogates
from engine.nlp.values import Analysis
from engine.nlp.windows import cut_windows, joined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from spacy.language import Language
    from spacy.tokens import Doc

    from engine.nlp.models.asked import Told
    from engine.nlp.models.client import Models
    from engine.settings import NlpSettings

#: Analysed at most, where extract.max_text_length sets no limit: spaCy's own bound for one text.
MAX_ANALYSED_CHARS: Final = 1_000_000
#: Of a pipeline that is not built in: characters of a window, and of the windows that are analysed in one step. A step
#: is so no more work than a few pages, and its time can be bounded like a page's.
WINDOW_CHARS: Final = 10_000
STEP_CHARS: Final = 50_000
#: Of a page that names nothing.
NO_NAMES: Final[Mapping[str, Sequence[str]]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Subject:
    """What is to be analysed: a text, already cut to extract.max_text_length, and what its page says of it.

    `title` is the page's, `hint` its own claim of a language (in any form), `names` those that it says are in it
    (:class:`engine.nlp.values.Extracted`).
    """

    text: str
    title: str = ""
    hint: str | None = None
    names: Mapping[str, Sequence[str]] = field(default_factory=lambda: NO_NAMES)


class _Case:
    """A subject on its way through the analysis: its text as it is analysed, the language, what the models told."""

    __slots__ = ("language", "subject", "text", "told")

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.text = without_surrogates(subject.text[:MAX_ANALYSED_CHARS])
        self.language = detect_language(self.text, subject.hint)
        self.told: Told | None = None

    def doc_of(self, nlp: Language, text: str) -> Doc:
        """The Doc of a window of the text (with models: of all of it), with what is known of its page."""
        doc = nlp.make_doc(text)
        tell(doc, self.subject.names, self.language)
        if self.told is not None and self.told.names is not None:
            tell_spans(doc, self.told.names)
        return doc


class Analyser:
    """Analyses texts; with `models` they find the names and write the summaries. UsageError for a missing pipeline."""

    def __init__(self, settings: NlpSettings, models: Models | None = None) -> None:
        self._settings = settings
        self._models = models
        finds_names = models is not None and settings.ner_model != NO_MODEL
        self._nlp = load(WITH_MODELS if finds_names else settings.pipeline)
        self._kinds: dict[str | None, Kinds] = {}

    @property
    def batch_pages(self) -> int:
        """How many texts it gains from having at once; 1: nothing is gained."""
        name = self._settings.pipeline
        gains = self._models is not None or not (name == NONE or name in BUILT_IN)
        return self._settings.batch_pages if gains else 1

    @property
    def known_strings(self) -> int:
        """How many strings the pipeline's vocabulary holds: it grows with every new word and is never emptied."""
        return len(self._nlp.vocab.strings) if self._nlp is not None else 0

    def analyse(
        self, text: str, title: str = "", hint: str | None = None, names: Mapping[str, Sequence[str]] = NO_NAMES
    ) -> Analysis:
        """The analysis of one text; see :class:`Subject`."""
        return self.analyse_all([Subject(text, title, hint, names)])[0]

    def analyse_all(self, subjects: Sequence[Subject], step: Callable[[], None] = lambda: None) -> list[Analysis]:
        """The analysis of each text, empty with the pipeline `none`.

        `step` is called before each step whose time is bounded.
        """
        if self._nlp is None:
            return [Analysis() for _ in subjects]
        cases = [_Case(subject) for subject in subjects]
        self._ask_models(cases, step)
        return [
            self._analysis(doc, case) for doc, case in zip(self._annotated(self._nlp, cases, step), cases, strict=True)
        ]

    def _ask_models(self, cases: Sequence[_Case], step: Callable[[], None]) -> None:
        """Note what the models say of each text; a text without a word is not sent to them."""
        wanted = [case for case in cases if case.text and not case.text.isspace()]
        if self._models is not None and wanted:
            told = self._models.ask([case.text for case in wanted], self._settings.summary_max_chars, step)
            for case, said in zip(wanted, told, strict=True):
                case.told = said

    def _annotated(self, nlp: Language, cases: Sequence[_Case], step: Callable[[], None]) -> Iterator[Doc]:
        """The Docs of the texts, in order."""
        if self._settings.pipeline in BUILT_IN:  # its components look at all of a document
            for case in cases:
                step()
                doc = case.doc_of(nlp, case.text)
                yield nlp(doc) if len(doc) else doc
            return
        windows = [list(cut_windows(case.text, WINDOW_CHARS)) for case in cases]
        docs = [case.doc_of(nlp, text) for case, texts in zip(cases, windows, strict=True) for text in texts]
        done = iter([doc for group in _steps(docs) for doc in _piped(nlp, group, step)])
        for texts in windows:
            yield joined(list(islice(done, len(texts))))

    def _analysis(self, doc: Doc, case: _Case) -> Analysis:
        language = case.language
        if not len(doc):
            return Analysis(language=language)
        if language not in self._kinds:
            self._kinds[language] = Kinds(language)
        terms = Terms(doc, self._kinds[language])
        summary = case.told.summary if case.told is not None else None
        if summary is None:
            title = without_surrogates(case.subject.title)
            summary = summarise(terms, case.text, title, self._settings.summary_max_chars)
        return Analysis(
            language=language,
            entities=list_entities(doc),
            keywords=keywords(terms, self._settings.top_keywords),
            summary=summary,
        )


def _steps(docs: Sequence[Doc]) -> Iterator[list[Doc]]:
    """Runs of neighbours with at most STEP_CHARS characters, or one that is longer."""
    step: list[Doc] = []
    chars = 0
    for doc in docs:
        length = len(doc.text)
        if step and chars + length > STEP_CHARS:
            yield step
            step, chars = [], 0
        step.append(doc)
        chars += length
    if step:
        yield step


def _piped(nlp: Language, docs: list[Doc], step: Callable[[], None]) -> Iterator[Doc]:
    step()
    yield from nlp.pipe(docs, batch_size=len(docs))
