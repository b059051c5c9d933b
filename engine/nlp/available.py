"""Whether a pipeline can be loaded, told without importing spaCy (1.5 s): what the command asks before it starts.

A pipeline is `builtin`, `rules` or `none`, an installed spaCy package by its name, or the folder or config of one.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Final

from engine.errors import UsageError

#: The environment variable that tells engine.nlp.preload, in a forkserver, which pipeline to load.
PRELOAD_VARIABLE: Final = "ENGINE_PRELOAD_PIPELINE"

#: Pages are extracted, and not analysed.
NONE: Final = "none"
#: Made of the engine's own components, without a download. `builtin` may add trained ones, `rules` never does.
BUILT_IN: Final = frozenset({"builtin", "rules"})


def require_pipeline(name: str) -> None:
    """Raise UsageError, with the mend, if nlp.pipeline names what is not there."""
    if name == NONE or name in BUILT_IN or Path(name).exists():
        return
    if "/" in name or "\\" in name:
        raise UsageError(f"nlp.pipeline: no such folder or config: {name}")
    if not name.isidentifier() or find_spec(name) is None:
        raise UsageError(
            f"nlp.pipeline: the spaCy package {name} is not installed; install it: python -m spacy download {name}"
        )
