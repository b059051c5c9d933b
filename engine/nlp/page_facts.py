"""What a page says of itself, as entities of its text (component `engine_facts`).

Structured data names persons, organisations, products and events; where the text writes one of these names it is that
entity, whatever it looks like, and the only source of PRODUCT. The names and the language travel on the Doc, so that
the component stands in any spaCy pipeline, and does nothing where nobody has told it anything.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

import numpy as np
from spacy.lang.en.stop_words import STOP_WORDS
from spacy.language import Language

from engine.nlp.entities import add_entities
from engine.nlp.lexicon import LEXICON
from engine.nlp.text import squeeze, without_surrogates
from engine.nlp.tokens import RegexTokenizer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from spacy.tokens import Doc

#: Labels whose names are taken from a page.
LABELS: Final = frozenset({"PERSON", "ORG", "GPE", "LOC", "PRODUCT", "EVENT"})
#: Names of a label and characters of a name beyond which a page is listing, or lying.
_MOST_NAMES: Final = 50
_MOST_CHARS: Final = 100
_SHORTEST: Final = 3

_NAMES: Final = "engine.names"
_LANGUAGE: Final = "engine.language"


def tell(doc: Doc, names: Mapping[str, Sequence[str]], language: str | None) -> None:
    """Put on `doc` the names by label that its page gives, and its language (BCP 47; None: unknown)."""
    doc.user_data[_NAMES] = names
    doc.user_data[_LANGUAGE] = language


def language_of(doc: Doc) -> str | None:
    """The language that was told."""
    language = doc.user_data.get(_LANGUAGE)
    return language if isinstance(language, str) else None


@Language.factory("engine_facts", assigns=["doc.ents", "token.ent_type", "token.ent_iob"])
def create_facts(nlp: Language, name: str) -> Facts:
    """The factory that a spaCy config names."""
    return Facts(nlp, name)


class Facts:
    """Adds the told names to a Doc's entities."""

    def __init__(self, nlp: Language, name: str = "engine_facts") -> None:
        self.name = name
        self._nlp = nlp

    def __call__(self, doc: Doc) -> Doc:
        """`doc` with its page's names among its entities."""
        told: Mapping[str, Sequence[str]] = doc.user_data.get(_NAMES) or {}
        found: list[tuple[int, int, str]] = []
        if not LABELS.isdisjoint(told):
            text = LEXICON.of(doc)
            for label in sorted(LABELS.intersection(told)):
                for name in islice(dict.fromkeys(told[label]), _MOST_NAMES):
                    words = self._words(name, label, text.words)
                    places = np.flatnonzero(text.words == words[0]).tolist() if words else ()
                    spans = [(at, at + len(words), label) for at in places]
                    found += [span for span in spans if text.words[span[0] : span[1]].tolist() == words]
            LEXICON.remember(doc, text)  # not those of the names
        if found:
            add_entities(doc, found)
        return doc

    def _words(self, name: str, label: str, text: NDArray[np.intp]) -> list[int]:
        """The numbers of the words of a name that would not be written so by chance; none of another.

        A single word that the text (the numbers of its words) also writes small is no name there: a site may be called
        Recipes.
        """
        name = squeeze(without_surrogates(name))
        if not name or len(name) > _MOST_CHARS:
            return []
        tokenizer = self._nlp.tokenizer
        if isinstance(tokenizer, RegexTokenizer):
            tokens = tokenizer.tokens(name)
        else:
            tokens = LEXICON.of(self._nlp.make_doc(name))
        words: list[int] = tokens.words.tolist()
        first = LEXICON.words[words[0]]
        if len(words) == 1 and (
            label == "PERSON"
            or len(first) < _SHORTEST
            or first.lower() in STOP_WORDS
            or (first != first.lower() and np.any(text == LEXICON.number(first.lower())))
        ):
            return []  # "admin", "X", "The"
        return words if any(LEXICON.words[word][0].isupper() for word in words) else []
