"""Where a model lies on this machine, and whether all is there before a run begins. Loads neither torch nor models.

A model is a folder, or the name of a repository of the Hugging Face hub whose files are in its local cache: the engine
asks no network for models, so being offline changes nothing.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.errors import UsageError
from engine.nlp.available import BUILT_IN, NO_MODEL

if TYPE_CHECKING:
    from engine.settings import NlpSettings

_PACKAGES: Final = ("torch", "transformers")
#: One of these holds a model's weights; an index names the files of a large one.
_WEIGHTS: Final = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)


def require_models(settings: NlpSettings) -> None:
    """Raise UsageError, with the mend, if nlp.use_transformers asks for what is not there."""
    if not settings.use_transformers:
        return
    if settings.pipeline not in BUILT_IN:
        raise UsageError(
            f"nlp.use_transformers works with nlp.pipeline builtin or rules, not {settings.pipeline}: "
            "set one or the other"
        )
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"nlp.use_transformers needs {' and '.join(missing)}: pip install 'enrich-engine[transformers]'"
        )
    for key in ("ner_model", "summarizer_model"):
        try:
            model_folder(getattr(settings, key))
        except UsageError as error:
            raise UsageError(f"nlp.{key}: {error}") from error
    if settings.device not in {"auto", "cpu"}:
        _require_device(settings.device)


def model_folder(name: str) -> str:
    """The folder of a model; "" for `none`. Raises UsageError where it is not complete."""
    if name == NO_MODEL:
        return ""
    folder = Path(name) if Path(name).is_dir() else _cached(name)
    if not (folder / "config.json").is_file() or not any((folder / weights).is_file() for weights in _WEIGHTS):
        raise UsageError(f"{folder} holds no model: it needs config.json and one of {', '.join(_WEIGHTS[::2])}")
    return str(folder)


def _cached(name: str) -> Path:
    from huggingface_hub import snapshot_download  # noqa: PLC0415 - comes with transformers, an extra
    from huggingface_hub.errors import HFValidationError  # noqa: PLC0415 - likewise

    try:
        return Path(snapshot_download(name, local_files_only=True))
    except HFValidationError as error:
        raise UsageError(f"no such folder, and no name of a model: {name}") from error
    except OSError as error:  # LocalEntryNotFoundError is one
        raise UsageError(f"the model {name} is not on this machine; fetch it: hf download {name}") from error


def _require_device(device: str) -> None:
    asked = subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", "engine.nlp.models.devices", device], capture_output=True, text=True, check=False
    )
    if asked.returncode:
        raise UsageError(asked.stderr.strip().splitlines()[-1] if asked.stderr.strip() else f"nlp.device: {device}")
