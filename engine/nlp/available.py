"""Whether a pipeline can be loaded, told without importing spaCy (1.5 s): what the command asks before it starts.

A pipeline is `builtin`, `rules` or `none`, an installed spaCy package by its name, or the folder or config of one.
"""

from __future__ import annotations

from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from engine.errors import UsageError

#: The environment variable that tells engine.nlp.preload, in a forkserver, which pipeline to load.
PRELOAD_VARIABLE: Final = "ENGINE_PRELOAD_PIPELINE"

#: Pages are extracted, and not analysed.
NONE: Final = "none"
#: The value of nlp.ner_model and nlp.summarizer_model for none.
NO_MODEL: Final = "none"
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


def pipeline_version(name: str) -> str:
    """What tells two states of a pipeline apart: spaCy's version, its package's, what its folder says of itself."""
    versions = [version("spacy")]
    path = Path(name)
    if name != NONE and name not in BUILT_IN:
        told = [path] if path.is_file() else [path / "meta.json", path / "config.cfg"]
        versions += [sha256(file.read_bytes()).hexdigest() for file in told if file.is_file()]
        try:
            versions.append(version(name))
        except (PackageNotFoundError, ValueError):  # a folder, or a package that was never installed as one
            versions += [str(file.stat().st_mtime_ns) for file in told if file.is_file()]
    return " ".join(versions)
