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
        texts = [without_surrogates(subject.text[:MAX_ANALYSED_CHARS]) for subject in subjects]
        told = self._told(texts, step)
        languages = [detect_language(text, subject.hint) for text, subject in zip(texts, subjects, strict=True)]
        docs = self._annotated(self._nlp, subjects, texts, languages, told, step)
        return [
            self._analysis(self._nlp, doc, text, subject.title, language, said.summary if said else None)
            for doc, text, subject, language, said in zip(docs, texts, subjects, languages, told, strict=True)
        ]

    def _told(self, texts: Sequence[str], step: Callable[[], None]) -> Sequence[Told | None]:
        """What the models say of each text; a text without a word is not sent to them."""
        wanted = [number for number, text in enumerate(texts) if text and not text.isspace()]
        told: list[Told | None] = [None] * len(texts)
        if self._models is not None and wanted:
            found = self._models.ask([texts[number] for number in wanted], self._settings.summary_max_chars, step)
            for number, said in zip(wanted, found, strict=True):
                told[number] = said
        return told

    def _annotated(  # noqa: PLR0913, PLR0917 - the columns of one table of texts
        self,
        nlp: Language,
        subjects: Sequence[Subject],
        texts: Sequence[str],
        languages: Sequence[str | None],
        told: Sequence[Told | None],
        step: Callable[[], None],
    ) -> Iterator[Doc]:
        """The Docs of the texts, in order."""
        whole = self._settings.pipeline in BUILT_IN  # its components look at all of a document
        made: list[Doc] = []
        counts: list[int] = []
        for subject, text, language, said in zip(subjects, texts, languages, told, strict=True):
            windows = [text] if whole else list(cut_windows(text, WINDOW_CHARS))
            counts.append(len(windows))
            for window in windows:
                made.append(nlp.make_doc(window))
                tell(made[-1], subject.names, language)
            if said is not None and said.names is not None:
                tell_spans(made[-1], said.names)  # with models there is one window
        if whole:
            for doc in made:
                step()
                yield nlp(doc) if len(doc) else doc
            return
        done = iter([doc for docs in _steps(made) for doc in _piped(nlp, docs, step)])
        for count in counts:
            yield joined(list(islice(done, count)))

    def _analysis(  # noqa: PLR0913, PLR0917 - as above
        self, nlp: Language, doc: Doc, text: str, title: str, language: str | None, summary: str | None
    ) -> Analysis:
        if not len(doc):
            return Analysis(language=language)
        if language not in self._kinds:
            self._kinds[language] = Kinds(nlp.vocab, language)
        terms = Terms(doc, self._kinds[language])
        return Analysis(
            language=language,
            entities=list_entities(doc),
            keywords=keywords(terms, self._settings.top_keywords),
            summary=summarise(terms, text, without_surrogates(title), self._settings.summary_max_chars)
            if summary is None
            else summary,
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
