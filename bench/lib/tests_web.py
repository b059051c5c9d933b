"""The local web of the tests (tests/web/server.py), in a process of its own.

Against lib.web it has many different pages, and its log has also the requests that were cut off by a kill.
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

TESTS = Path(__file__).resolve().parents[2] / "tests"
sys.path.append(str(TESTS))

from web import pages, politeness  # noqa: E402, F401 - see above; what is imported from here

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class TestsWeb:
    port: int
    path: Path

    def log(self) -> list[dict[str, Any]]:
        """Every request so far, in order of arrival; see tests/web/server.py."""
        return politeness.load(self.path)


@contextmanager
def tests_web(folder: Path) -> Iterator[TestsWeb]:
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "web.jsonl"
    line = [sys.executable, TESTS / "web" / "server.py", "--log", log]
    line += ["--stamp"] if sys.platform == "linux" else []  # a busy machine's delays are not the engine's
    with subprocess.Popen(  # noqa: S603 - our own interpreter
        line, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            yield TestsWeb(int(process.stdout.readline().rpartition(":")[2]), log)
        finally:
            process.terminate()
