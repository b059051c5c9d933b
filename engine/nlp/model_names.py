"""Names that a transformer found, as entities of a Doc (component `engine_models`).

The model works on texts, in a process of its own (:mod:`engine.nlp.models`); what it found travels on the Doc, as a
page's facts do (:mod:`engine.nlp.page_facts`). Entities that are there already stay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from spacy.language import Language

from engine.nlp.entities import add_entities

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spacy.tokens import Doc

_SPANS: Final = "engine.spans"


def tell_spans(doc: Doc, spans: Sequence[tuple[int, int, str]]) -> None:
    """Put on `doc` the (first character, one after the last, label) of the names in its text."""
    doc.user_data[_SPANS] = spans


@Language.component("engine_models", assigns=["doc.ents", "token.ent_type", "token.ent_iob"])
def model_names(doc: Doc) -> Doc:
    """`doc` with the told names among its entities; one that begins or ends inside a token takes the whole of it."""
    found = []
    for start, end, label in doc.user_data.get(_SPANS) or ():
        span = doc.char_span(start, end, label=label, alignment_mode="expand")
        if span is not None:
            found.append((span.start, span.end, label))
    add_entities(doc, found)
    return doc
