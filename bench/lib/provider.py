"""The tests' stand-in for a provider of jobs (tests/providers), in a process of its own: no kill reaches it."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

TESTS = Path(__file__).resolve().parents[2] / "tests"
sys.path.append(str(TESTS))

from providers.standin import KEY, busiest  # noqa: E402 - see above

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["KEY", "Provider", "busiest", "provider"]


@dataclass(frozen=True, slots=True)
class Provider:
    """`told` is what the server knows: log [(time, method, path, status)], submitted {lead: times}, jobs, calls."""

    url: str

    def told(self) -> dict[str, Any]:
        found: dict[str, Any] = self._get("_standin")
        return found

    def seen(self) -> int:
        """How many requests there were."""
        return int(self._get("_seen"))

    def _get(self, name: str) -> Any:
        with urllib.request.urlopen(f"{self.url}/{name}", timeout=60) as answer:  # noqa: S310 - our own server
            return json.load(answer)


@contextmanager
def provider(**behaviour: Any) -> Iterator[Provider]:
    """Serve a stand-in; `behaviour` are fields of tests/providers/standin.py's Behaviour."""
    line = [sys.executable, str(TESTS / "providers" / "standin_server.py"), json.dumps(behaviour)]
    with subprocess.Popen(  # noqa: S603 - our own interpreter
        line, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            yield Provider(f"http://127.0.0.1:{int(process.stdout.readline())}")
        finally:
            process.terminate()
