"""Text to what a row says of it: language, entities, keywords, summary.

Deterministic: the same text gives the same analysis in any process, whatever it has analysed before.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from engine.nlp.entities import list_entities
from engine.nlp.keywords import keywords
from engine.nlp.language import detect_language
from engine.nlp.page_facts import tell
from engine.nlp.pipeline import load
from engine.nlp.summary import summarise
from engine.nlp.terms import Kinds, Terms
from engine.nlp.text import without_surrogates
from engine.nlp.values import Analysis

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.settings import NlpSettings

#: Analysed at most, where extract.max_text_length sets no limit: spaCy's own bound for one text.
MAX_ANALYSED_CHARS: Final = 1_000_000
#: Of a page that names nothing.
NO_NAMES: Final[Mapping[str, Sequence[str]]] = MappingProxyType({})


class Analyser:
    """Analyses texts one at a time. Raises UsageError where `settings.pipeline` is missing."""

    def __init__(self, settings: NlpSettings) -> None:
        self._settings = settings
        self._nlp = load(settings.pipeline)
        self._kinds: dict[str | None, Kinds] = {}

    @property
    def known_strings(self) -> int:
        """How many strings the pipeline's vocabulary holds: it grows with every new word and is never emptied."""
        return len(self._nlp.vocab.strings) if self._nlp is not None else 0

    def analyse(
        self, text: str, title: str = "", hint: str | None = None, names: Mapping[str, Sequence[str]] = NO_NAMES
    ) -> Analysis:
        """The analysis of `text`, already cut to extract.max_text_length; empty with the pipeline `none`.

        `title` is the page's, `hint` its own claim of a language (in any form), `names` those that it says are in it
        (:class:`engine.nlp.values.Extracted`).
        """
        if self._nlp is None:
            return Analysis()
        text = without_surrogates(text[:MAX_ANALYSED_CHARS])
        language = detect_language(text, hint)
        doc = self._nlp.make_doc(text)
        if not len(doc):
            return Analysis(language=language)
        tell(doc, names, language)
        doc = self._nlp(doc)
        if language not in self._kinds:
            self._kinds[language] = Kinds(self._nlp.vocab, language)
        terms = Terms(doc, self._kinds[language])
        return Analysis(
            language=language,
            entities=list_entities(doc),
            keywords=keywords(terms, self._settings.top_keywords),
            summary=summarise(terms, text, without_surrogates(title), self._settings.summary_max_chars),
        )
