"""Commands whose whole process tree is measured: CPU in the end, CPU and memory of each process meanwhile.

A command runs under :mod:`lib.counted`, in a session of its own. The processes of an engine are told apart by what
they were started as: supervisor, shard, fork server, nlp, tracker.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_COUNTED = Path(__file__).with_name("counted.py")
_KIB = 1024

#: How long a command may take to end once it was told to.
_LEAVE_S = 60


@dataclass(frozen=True, slots=True)
class Counted:
    """What a command cost: seconds of CPU (user and system, all its processes), of the clock, and its exit code.

    `peak` are the most bytes that one of its processes held at any time.
    """

    cpu_s: float
    wall_s: float
    code: int
    peak: int


@dataclass(frozen=True, slots=True)
class Usage:
    """One process at one moment. `name` is its role and pid; sizes in bytes, `peak` since it started."""

    name: str
    role: str
    cpu_s: float
    resident: int
    peak: int


@dataclass(slots=True)
class Peaks:
    """The highest memory of each process, over all samples; `resident` has every sample as (seconds, bytes)."""

    peak: dict[str, int] = field(default_factory=dict)
    resident: dict[str, list[tuple[float, int]]] = field(default_factory=dict)

    def add(self, usages: Sequence[Usage], at: float) -> None:
        for usage in usages:
            self.peak[usage.name] = max(usage.peak, self.peak.get(usage.name, 0))
            self.resident.setdefault(usage.name, []).append((at, usage.resident))

    def highest(self, *roles: str) -> int:
        """The most bytes that one process of these roles held at any time."""
        return max((peak for name, peak in self.peak.items() if name.split()[0] in roles), default=0)


class Running:
    """A command that runs; ended with the block. `log` gets its stderr and stdout."""

    def __init__(self, command: Sequence[str | Path], folder: Path, name: str = "command") -> None:
        self.log = folder / f"{name}.log"
        self._report = folder / f"{name}.counted"
        self._report.unlink(missing_ok=True)
        environment = {key: value for key, value in os.environ.items() if not key.startswith("ENRICH_")}
        self.began = time.monotonic()
        with self.log.open("w") as log:
            self._process = subprocess.Popen(  # noqa: S603 - what the benchmark measures
                [sys.executable, _COUNTED, self._report, *map(str, command)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, env=environment,
            )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.alive:
            self.signal(signal.SIGTERM)
            try:
                self._process.wait(_LEAVE_S)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self.began

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def wait(self, timeout_s: float, *, until: Callable[[], bool] | None = None, every_s: float = 0.25) -> bool:
        """Wait for the end, or until `until` (asked each `every_s`) holds; False where neither came in time."""
        end = time.monotonic() + timeout_s
        while self.alive:
            if until is not None and until():
                return True
            if time.monotonic() >= end:
                return False
            time.sleep(every_s)
        return True

    def stop(self) -> Counted:
        """Interrupt it as Ctrl-C does, and wait for its orderly end."""
        if self.alive:
            self.signal(signal.SIGINT)
        return self.counted(_LEAVE_S)

    def counted(self, timeout_s: float) -> Counted:
        """Wait for the end; what it cost. RuntimeError, with the end of its log, where it did not end."""
        if not self.wait(timeout_s):
            raise RuntimeError(f"still running after {timeout_s:g} s; its log ends:\n{self.tail()}")
        return Counted(**json.loads(self._report.read_text()))

    def tail(self, chars: int = 3000) -> str:
        return self.log.read_text(errors="replace")[-chars:]

    def memory(self) -> int:
        """Bytes of all processes of the command now, what they share counted once (Linux: PSS)."""
        total = 0
        try:
            family = psutil.Process(self._process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return 0
        for process in family:
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied, FileNotFoundError, ProcessLookupError):
                total += _proportional(process.pid)
        return total

    def usages(self) -> list[Usage]:
        """Every process of the command now (the counting one is left out)."""
        found = []
        try:
            family = psutil.Process(self._process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []
        by_pid = {process.pid: process for process in family}
        for process in family:
            try:
                with process.oneshot():
                    role = _role(process, by_pid)
                    times = process.cpu_times()
                    status = _status(process.pid)
            except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError, KeyError):
                continue  # it ended meanwhile (KeyError: a zombie has no memory)
            found.append(
                Usage(f"{role} {process.pid}", role, times.user + times.system, status["VmRSS"], status["VmHWM"])
            )
        return found


def _role(process: psutil.Process, family: dict[int, psutil.Process]) -> str:
    line = " ".join(process.cmdline())
    if "resource_tracker" in line:
        return "tracker"
    if "forkserver" in line:
        parent = family.get(process.ppid())
        return "nlp" if parent is not None and "forkserver" in " ".join(parent.cmdline()) else "forkserver"
    return "shard" if "multiprocess" in line or "spawn_main" in line else "supervisor"


def _status(pid: int) -> dict[str, int]:
    """VmRSS and VmHWM in bytes; VmHWM is the kernel's own peak, which no sampling misses."""
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return {name: int(fields[name].split()[0]) * _KIB for name in ("VmRSS", "VmHWM")}


def _proportional(pid: int) -> int:
    """The process's memory, of shared pages its part."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * _KIB
    return 0


def run(command: Sequence[str | Path], folder: Path, timeout_s: float, name: str = "command", code: int = 0) -> Counted:
    """Run a command to its end. RuntimeError, with the end of its log, where it ends otherwise than with `code`."""
    with Running(command, folder, name) as running:
        counted = running.counted(timeout_s)
        if counted.code != code:
            raise RuntimeError(f"exit code {counted.code}; its log ends:\n{running.tail()}")
        return counted
