"""Entities of a Doc: how components add theirs, and how a row lists them.

Law: an entity that is there is never displaced, so the order of components is their rank; among those that one
component adds at a time, the longer wins, then the earlier.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spacy.tokens import Span

from engine.nlp.coreference import fullest_names
from engine.nlp.tokens import known_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from spacy.tokens import Doc


def add_entities(doc: Doc, found: Iterable[tuple[int, int, str]]) -> None:
    """Add to doc.ents the (first token, one after the last, label) that overlap none there."""
    found = sorted(set(found), key=lambda item: (item[0] - item[1], item))
    if not found:
        return
    taken: set[int] = set()
    added = []
    for start, end, label in found:
        tokens = range(start, end)
        if start < end and taken.isdisjoint(tokens) and not any(doc[token].ent_type for token in tokens):
            taken.update(tokens)
            added.append(Span(doc, start, end, label=label))
    if added:
        doc.set_ents(added, default="unmodified")


def list_entities(doc: Doc) -> list[dict[str, Any]]:
    """The row's `entities`: each distinct (text, label) once, in order of first appearance, with its count.

    Names are normalised, and repeats in a shorter form count with the full one (:mod:`engine.nlp.coreference`).
    """
    text = known_text(doc)
    if text is None:
        mentions = [(entity.text, entity.label_) for entity in doc.ents]
    else:
        labels = doc.vocab.strings
        mentions = [(text[entity.start_char : entity.end_char], labels[entity.label]) for entity in doc.ents]
    named = fullest_names(mentions)
    listed: dict[tuple[str, str], dict[str, Any]] = {}
    for mention in mentions:
        name = named[mention]
        if name:
            entry = listed.setdefault((name, mention[1]), {"text": name, "label": mention[1], "count": 0})
            entry["count"] += 1
    return list(listed.values())
