"""Entities of a Doc: how components add theirs, and how a row lists them.

Law: an entity that is there is never displaced, so the order of components is their rank; among those that one
component adds at a time, the longer wins, then the earlier.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spacy.tokens import Span

from engine.nlp.coreference import fullest_names

if TYPE_CHECKING:
    from collections.abc import Iterable

    from spacy.tokens import Doc


def add_entities(doc: Doc, found: Iterable[tuple[int, int, str]]) -> None:
    """Add to doc.ents the (first token, one after the last, label) that overlap none there."""
    found = sorted(set(found), key=lambda item: (item[0] - item[1], item))
    if not found:
        return
    taken = bytearray((doc.to_array("ENT_TYPE") != 0).tobytes())
    added = []
    for start, end, label in found:
        if start < end and 1 not in taken[start:end]:
            taken[start:end] = b"\1" * (end - start)
            added.append(Span(doc, start, end, label=label))
    if added:
        doc.set_ents(added, default="unmodified")


def list_entities(doc: Doc) -> list[dict[str, Any]]:
    """The row's `entities`: each distinct (text, label) once, in order of first appearance, with its count.

    Names are normalised, and repeats in a shorter form count with the full one (:mod:`engine.nlp.coreference`).
    """
    mentions = [(entity.text, entity.label_) for entity in doc.ents]
    named = fullest_names(mentions)
    listed: dict[tuple[str, str], dict[str, Any]] = {}
    for mention in mentions:
        text = named[mention]
        if text:
            entry = listed.setdefault((text, mention[1]), {"text": text, "label": mention[1], "count": 0})
            entry["count"] += 1
    return list(listed.values())
