"""Where models run (`nlp.device`): every CUDA device, else Apple's, else the CPU; or the one that is named.

    python -m engine.nlp.models.devices DEVICE     says what is wrong with it, exit code 2

asked by the command before the run: torch is not to be loaded in the supervisor.
"""

from __future__ import annotations

import sys

import torch

from engine.errors import ExitCode, UsageError


def devices_of(device: str) -> list[str]:
    """The devices, as torch names them. UsageError where the one that is named is not there."""
    cuda = [f"cuda:{number}" for number in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    if device == "auto":
        return cuda or (["mps"] if torch.backends.mps.is_available() else ["cpu"])
    there = {"cpu", *cuda, *(["cuda"] if cuda else []), *(["mps"] if torch.backends.mps.is_available() else [])}
    if device not in there:
        raise UsageError(
            f"nlp.device: {device} is not there; torch {torch.__version__} sees {', '.join(sorted(there))}"
        )
    return [device]


if __name__ == "__main__":
    try:
        devices_of(sys.argv[1])
    except UsageError as error:
        sys.stderr.write(str(error))
        sys.exit(ExitCode.USAGE)
