"""The engine as its users have it: commands in processes of their own, told by their exit codes, words and files.

Whatever a test starts carries a mark in its environment, which children inherit however they are started: by it the
processes of a command are found, killed one by one, and shown to be gone in the end.
"""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from engine.cli.app import invoke

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

ROOT = Path(__file__).resolve().parents[2]
MARK = "SYSTEM_TEST_MARK"

#: Far more than anything here takes: reached only by what hangs.
PATIENCE_S = float(os.environ.get("TEST_PATIENCE_S", "90"))

#: What two runs over the same pages may differ in.
VARYING = ("attempts", "fetch_duration_ms", "process_duration_ms", "enriched_at", "shard")


@dataclass(frozen=True, slots=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def line(self) -> str:
        """Its one line on stderr. A message of more lines, or with a traceback, is a failure of the test."""
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        return lines[0]


class Running:
    """A command that runs, with its processes."""

    def __init__(self, process: subprocess.Popen[bytes], mark: str, words: Path) -> None:
        self.process = process
        self._mark = mark
        self._words = words

    @property
    def err(self) -> str:
        return self._words.read_text(errors="replace")

    def ended(self) -> int:
        """Its exit code, once it has ended."""
        try:
            return self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.kill_all()
            raise AssertionError(f"it hangs:\n{self.err}") from None

    def until(self, holds: Callable[[], Any]) -> Any:
        """What `holds` gives once that is true; the command must live until then."""
        end = time.monotonic() + PATIENCE_S
        while not (found := holds()):
            assert self.process.poll() is None, f"exit code {self.process.returncode}:\n{self.err}"
            assert time.monotonic() < end, f"this never came about:\n{self.err}"
            time.sleep(0.01)
        return found

    def found(self, role: str) -> list[psutil.Process]:
        """The living processes of a role: supervisor, shard, nlp, forkserver or tracker."""
        return [process for process in marked(self._mark) if role_of(process) == role]

    def kill(self, role: str) -> int:
        """SIGKILL one process of this role as soon as there is one; gives its pid."""
        process = self.until(lambda: self.found(role))[0]
        process.kill()
        return int(process.pid)

    def kill_all(self) -> None:
        """SIGKILL every process at once, as a machine's out-of-memory killer or a power cut would."""
        for process in marked(self._mark):
            process.kill()
        self.process.wait()

    def interrupt(self) -> None:
        """What Ctrl-C does: SIGINT to the whole group of the terminal."""
        os.killpg(self.process.pid, signal.SIGINT)


class Enrich:
    """Commands on one workplace, all hosts led to the local web at `port`."""

    def __init__(self, root: Path, port: int) -> None:
        self.root = root
        self.out = root / "out"
        self.port = port
        self.mark = uuid.uuid4().hex
        self._started: list[Running] = []

    def __call__(self, *arguments: str | Path, **options: Any) -> Done:
        """Run a command to its end."""
        stdin = options.pop("stdin", b"")
        process = subprocess.Popen(  # noqa: S603 - our own interpreter
            self._line(arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **self._options(**options),
        )
        try:
            out, err = process.communicate(stdin, timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise AssertionError(f"it hangs:\n{process.communicate()[1].decode()}") from None
        return Done(process.returncode, out.decode(), err.decode())

    def refused(self, *arguments: str | Path, environ: Mapping[str, str] | None = None) -> Done:
        """A command that starts no process, or is refused before it would, in this one: a tenth of the time."""
        out, err = io.StringIO(), io.StringIO()
        before = dict(os.environ)
        os.environ.update(environ or {})
        try:
            with redirect_stdout(out), redirect_stderr(err):
                code = invoke([str(argument) for argument in arguments])
        finally:
            os.environ.clear()
            os.environ.update(before)
        return Done(code, out.getvalue(), err.getvalue())

    def start(self, *arguments: str | Path, **options: Any) -> Running:
        """Begin a command."""
        words = self.root / f"stderr-{len(self._started)}"
        with words.open("wb") as stderr:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter
                self._line(arguments), stdin=subprocess.DEVNULL, stderr=stderr, **self._options(**options)
            )
        running = Running(process, self.mark, words)
        self._started.append(running)
        return running

    def run(self, listing: str | Path, *more: str | Path, **settings: Any) -> tuple[str | Path, ...]:
        """The arguments of `enrich run` into this workplace's folder; settings as group__key."""
        return ("run", listing, "--out", self.out, *more, *self.settings(**settings))

    def settings(self, **settings: Any) -> tuple[str, ...]:
        """Flags that lead every host here, without a delay, and these settings besides."""
        values = {
            "fetch.connect_to": [f"::127.0.0.1:{self.port}"],
            "guard.allow_networks": ["127.0.0.0/8"],
            "politeness.delay_s": 0,
            "fetch.contact": "tests@operator.example",
            **{key.replace("__", "."): value for key, value in settings.items()},
        }
        flags = (("--set", f"{key}={json.dumps(value)}") for key, value in values.items())
        return tuple(part for flag in flags for part in flag)

    def listing(self, urls: Iterable[str], name: str = "urls.txt") -> Path:
        path = self.root / name
        path.write_text("".join(f"{url}\n" for url in urls))
        return path

    def committed(self) -> int:
        """Bytes in the part files: the first are there with the first commit."""
        return sum(part.stat().st_size for part in self.out.glob("parts/part-*"))

    def left(self) -> list[str]:
        """The processes that any command here has left behind; those that are about to go are waited for."""
        gone_by = time.monotonic() + 2
        while (found := marked(self.mark)) and time.monotonic() < gone_by:
            time.sleep(0.02)
        return [role_of(process) for process in found]

    def close(self) -> None:
        """End whatever a failed test has left."""
        for process in marked(self.mark):
            process.kill()
        for running in self._started:
            running.process.wait()

    def _line(self, arguments: Iterable[str | Path]) -> list[str]:
        first, *rest = map(str, arguments)
        program = [sys.executable, first] if first.endswith(".py") else [sys.executable, "-m", "engine", first]
        return [*program, *rest]

    def _options(self, *, environ: Mapping[str, str] | None = None, limits: Callable[[], None] | None = None) -> Any:
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("ENRICH_")}
        return {
            "env": {**inherited, MARK: self.mark, **(environ or {})},
            "cwd": ROOT,
            "start_new_session": True,
            "preexec_fn": limits,
        }


def marked(mark: str) -> list[psutil.Process]:
    """All living processes with this mark. It is asked a hundred times a second, of all processes of the machine."""
    found = []
    for process in psutil.process_iter():
        try:
            if _bears(process, mark) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def _bears(process: psutil.Process, mark: str) -> bool:
    if sys.platform != "linux":
        return process.environ().get(MARK) == mark
    try:  # as it stands there: psutil takes five times as long
        return f"{MARK}={mark}".encode() in Path(f"/proc/{process.pid}/environ").read_bytes()
    except OSError:  # it has gone, or is another user's
        return False


def role_of(process: psutil.Process) -> str:
    """What a process of the engine is, by how it was started."""
    try:
        line = " ".join(process.cmdline())
        parent = process.parent()
        parents = " ".join(parent.cmdline()) if parent is not None else ""
    except psutil.NoSuchProcess:
        return "gone"
    if "resource_tracker" in line:
        return "tracker"
    if "forkserver" in line:
        return "nlp" if "multiprocess.forkserver" in parents else "forkserver"
    return "shard" if "spawn_main" in line else "supervisor"


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def rows(folder: Path) -> dict[str, dict[str, Any]]:
    """The merged rows by fetch_url; a URL with two rows is a failure of the test."""
    found = lines(folder / "enrichment_output.jsonl")
    by_url = {row["fetch_url"]: row for row in found}
    assert len(by_url) == len(found), "a URL has two rows"
    return by_url


def comparable(folder: Path) -> dict[str, dict[str, Any]]:
    """The merged rows without what two runs may differ in."""
    return {url: {key: value for key, value in row.items() if key not in VARYING} for url, row in rows(folder).items()}


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder, byte for byte."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
