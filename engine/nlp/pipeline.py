"""Builds and loads the spaCy pipeline that analyses pages (`nlp.pipeline`).

The built-in ones are blank English pipelines of our own components: `engine.tokenizer` (a tokenizer), then those of
`COMPONENTS`; `builtin` has a trained recogniser, `rules` does without. They are registered with spaCy when this module
is imported, so that any spaCy config can name them. (A component's name may hold no full stop, hence the underscore.)

Of any other pipeline only what finds entities and sentences is kept. Loaded once a process: children forked after
:mod:`engine.nlp.preload` share it.
"""

from __future__ import annotations

import sys
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import spacy
from spacy.about import __version__ as spacy_version

from engine.errors import UsageError
from engine.nlp import model_names, names, ner, page_facts, phrases, sentences, shapes  # noqa: F401 - importing them registers their components
from engine.nlp.available import NONE, require_pipeline
from engine.nlp.tokens import TOKENIZER

if TYPE_CHECKING:
    from spacy.language import Language

#: Instead of nlp.pipeline, where a transformer finds the names.
WITH_MODELS: Final = "with models"
#: By the value of nlp.pipeline. An entity that is there stays, so the surest come first.
COMPONENTS: Final = {
    "rules": ("engine_sentences", "engine_shapes", "engine_facts", "engine_names", "engine_phrases"),
    "builtin": ("engine_sentences", "engine_shapes", "engine_facts", "engine_ner", "engine_names", "engine_phrases"),
    WITH_MODELS: ("engine_sentences", "engine_shapes", "engine_facts", "engine_models", "engine_phrases"),
}

#: What the row has no field for, by the names that spaCy's trained packages use.
_UNNEEDED: Final = (
    "tagger",
    "parser",
    "morphologizer",
    "attribute_ruler",
    "lemmatizer",
    "trainable_lemmatizer",
    "textcat",
    "textcat_multilabel",
    "entity_linker",
)
#: What encodes tokens for other components; needed only by those that listen to it.
_ENCODERS: Final = frozenset({"tok2vec", "transformer", "curated_transformer"})
_SENTENCE_MAKERS: Final = frozenset({"senter", "sentencizer", "engine_sentences"})


@lru_cache(maxsize=4)
def load(name: str) -> Language | None:
    """The pipeline `name`, the same object each time; None for `none`.

    Raises UsageError with the mend where it is missing or cannot be loaded.
    """
    if name in COMPONENTS:
        return _built_in(name)
    require_pipeline(name)
    if name == NONE:
        return None
    return _installed(name)


def _built_in(name: str) -> Language:
    nlp = spacy.blank("en", config={"nlp": {"tokenizer": {"@tokenizers": TOKENIZER}}})
    # spaCy would compute every attribute of each new word, 19 µs, and a page has some hundred words that its process
    # has not seen. Our components read none: what they ask of a word they remember themselves (engine/nlp/lexicon.py).
    nlp.vocab.lex_attr_getters.clear()  # type: ignore[attr-defined]  # missing in spaCy's stubs
    for component in COMPONENTS[name]:
        nlp.add_pipe(component)
    return nlp


def _installed(name: str) -> Language:
    try:
        if Path(name).is_file():
            nlp = spacy.util.load_model_from_config(spacy.util.load_config(name), auto_fill=True, exclude=_UNNEEDED)
        else:
            nlp = spacy.load(name, exclude=_UNNEEDED)
    except (OSError, ImportError, ValueError) as error:  # spaCy's ways to say that a package is not one it can load
        reason = " ".join(str(error).split())[:300]
        raise UsageError(f"nlp.pipeline: {name} cannot be loaded by spaCy {spacy_version}: {reason}") from error
    for encoder in _ENCODERS.intersection(nlp.pipe_names):
        # A recogniser may have an encoder of its own; the shared one then worked for what is left out.
        if not getattr(nlp.get_pipe(encoder), "listening_components", (encoder,)):
            nlp.remove_pipe(encoder)
    if _SENTENCE_MAKERS.isdisjoint(nlp.pipe_names):
        nlp.add_pipe("engine_sentences")
    nlp.max_length = sys.maxsize  # the analyser cuts the text; spaCy's own limit is an exception
    return nlp
