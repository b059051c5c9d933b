from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

TESTS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS))  # `web` and `system` are imported by name; importlib mode adds no folder to the path

from system.harness import Enrich  # noqa: E402 - see above

if TYPE_CHECKING:
    from collections.abc import Iterator


class Server:
    """The local web in a process of its own: the engine's kills do not reach it, and its clock is not the engine's."""

    def __init__(self, port: int, log: Path) -> None:
        self.port = port
        self.log = log


@pytest.fixture(scope="session")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("web") / "log.jsonl"
    command = [sys.executable, TESTS / "web" / "server.py", "--log", log]
    command += ["--stamp"] if sys.platform == "linux" else []  # on a busy machine the server looks late
    with subprocess.Popen(  # noqa: S603 - our own interpreter
        command, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline().rpartition(":")[2])
        yield Server(port, log)
        process.terminate()


@pytest.fixture
def enrich(tmp_path: Path, web: Server) -> Iterator[Enrich]:
    """Commands of one test; it fails if any of them leaves a process behind."""
    place = Enrich(tmp_path, web.port)
    yield place
    left = place.left()
    place.close()
    assert left == []
