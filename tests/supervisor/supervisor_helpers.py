"""What the supervisor tests share: a folder to work in, requests, and a supervisor in a process of its own."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import psutil

from engine.settings import load
from engine.supervisor import child
from engine.supervisor.manifest import read_manifest
from engine.supervisor.plan import RunRequest
from engine.supervisor.processes import Targets
from engine.supervisor.run import run

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from engine.errors import ExitCode

HERE = Path(__file__).parent
FAKES = Targets("fake_children:shard", "fake_children:nlp", ())
TICK_S = 0.05

#: A command of its own, for tests that signal it: argv is this file's folder, DIR, SHARDS, MODE and the inputs.
COMMAND = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from supervisor_helpers import command
command(Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4], tuple(sys.argv[5:]))
"""


@dataclass
class Workplace:
    """A folder with a list in it, and the run's folder beside."""

    root: Path

    @property
    def out(self) -> Path:
        return self.root / "out"

    @property
    def markers(self) -> Path:
        return self.root / "markers"

    def urls(self, *urls: str, name: str = "urls.txt") -> str:
        path = self.root / name
        path.write_text("".join(f"{url}\n" for url in urls))
        return str(path)

    def run(self, *sources: str, targets: Targets = FAKES, tick_s: float = TICK_S, **changes: Any) -> ExitCode:
        return run(request(self.out, sources, **changes), targets, orphan_wait_s=2, tick_s=tick_s)

    def rows(self) -> list[dict[str, Any]]:
        lines = (self.out / "enrichment_output.jsonl").read_bytes().splitlines()
        return [orjson.loads(line) for line in lines]

    def row_urls(self) -> list[str]:
        return sorted(row["url"] for row in self.rows())

    @property
    def manifest(self) -> dict[str, Any]:
        return read_manifest(self.out)

    @property
    def stderr(self) -> str:
        return (self.root / "stderr").read_text()

    def noted(self, name: str) -> list[str]:
        path = self.markers / name
        return path.read_text().splitlines() if path.exists() else []


def request(out: Path, sources: tuple[str, ...], **changes: Any) -> RunRequest:
    """A request with settings by key (`run__shards=2`) and fields by name."""
    fields = {name: changes.pop(name) for name in ("mode", "fresh", "retry_kinds") if name in changes}
    flags = {"run.shards": 2, "run.nlp_processes": 1} | {key.replace("__", "."): changes[key] for key in changes}
    return RunRequest(out, load([], {}, flags), sources=sources, progress=False, log_level="critical", **fields)


def command_line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return ""


def command(out: Path, shards: int, mode: str, sources: tuple[str, ...]) -> None:
    child._TOLD_WITHIN_S = 2.0  # as the tick, shorter than a user's: some tests wait for it
    wanted = replace(request(out, sources, mode=mode, run__shards=shards), log_level="info")
    sys.exit(int(run(wanted, FAKES, tick_s=TICK_S)))


@dataclass
class Command:
    """A supervisor in a process group of its own."""

    process: subprocess.Popen[bytes]

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def forkservers(self) -> list[psutil.Process]:
        """Its own child of that name: what the server forks bears it too."""
        direct = psutil.Process(self.process.pid).children()
        return [child for child in direct if "forkserver" in command_line(child)]

    def until(self, condition: Callable[[], Any]) -> Any:
        """Wait for what the children do; a command that ends first is a failure."""
        for _ in range(2000):
            if found := condition():
                return found
            if self.process.poll() is not None:
                raise AssertionError(f"the command ended with {self.process.returncode}")
            time.sleep(0.01)
        raise AssertionError("waited in vain")
