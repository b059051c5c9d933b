from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

# The children import their targets by name, and these tests the helpers: importlib mode adds no folder to the path.
HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from supervisor_helpers import COMMAND, Command, Workplace  # noqa: E402 - see above

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    return Workplace(tmp_path)


@pytest.fixture
def start(place: Workplace) -> Iterator[Callable[..., Command]]:
    """Start a supervisor as a command; whatever it leaves is ended with the test."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(*sources: str, mode: str = "run", shards: int = 2) -> Command:
        arguments = [str(HERE), str(place.out), str(shards), mode, *sources]
        with (place.root / "stderr").open("ab") as stderr:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter
                [sys.executable, "-c", COMMAND, *arguments], stderr=stderr, start_new_session=True
            )
        started.append(process)
        return Command(process)

    yield begin
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
