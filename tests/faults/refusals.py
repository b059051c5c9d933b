"""What the system refuses: room, rights, descriptors, a device, an ear."""

from __future__ import annotations

import ctypes
import fcntl
import os
import resource
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from faults.registry import kind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from faults.scene import Scene
    from system.harness import Running


def _refused(scene: Scene, running: Running) -> None:
    """A run whose output is refused ends with 4 and one sentence that says how to go on."""
    code = scene.stopped(running)
    last = (running.err.splitlines() or [""])[-1]
    if code not in (0, 4) or (code == 4 and "enrich resume" not in last) or "Traceback" in running.err:
        scene.note(f"exit code {code}: {running.err[-2500:]}")


@kind("files that may not grow (RLIMIT_FSIZE)")
def _small_files(scene: Scene) -> None:
    most = scene.chance.choice((20_000, 60_000, 120_000, 200_000))

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # so that the write itself fails, as on a full disk
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))

    _refused(scene, scene.begin(limits=limit))


@kind("a disk that is full", root=True)
def _full_disk(scene: Scene) -> None:
    out = scene.out
    out.mkdir()
    with tmpfs(out, "300k"):
        _refused(scene, scene.begin())
        kept = out.with_name("kept")
        shutil.copytree(out, kept)
    out.rmdir()
    kept.rename(out)


@contextmanager
def tmpfs(path: Path, size: str) -> Iterator[None]:
    """A small disk at `path`."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", path], check=True)  # noqa: S603, S607
    try:
        yield
    finally:
        subprocess.run(["umount", path], check=True)  # noqa: S603, S607


def without_override() -> None:
    """Give up what lets root write where nobody may (CAP_DAC_OVERRIDE), for the command and its children."""
    drop = 24  # PR_CAPBSET_DROP: a program that root starts gets what is in the bounding set
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in (1, 2):
        libc.prctl(drop, capability, 0, 0, 0)


def _read_only(scene: Scene, path: str) -> None:
    running = scene.begin(limits=without_override)
    if scene.wait(running, (scene.out / path).is_dir):
        scene.moment(running, 0.6)
        (scene.out / path).chmod(0o555)
    _refused(scene, running)
    if scene.enrich.refused("status", scene.out).code == 0:
        done = scene.enrich("resume", scene.out, limits=without_override)
        if done.code not in (0, 2, 4) or "Traceback" in done.err:
            scene.note(f"resume on a read-only folder: exit code {done.code}: {done.err[-1500:]}")
    (scene.out / path).chmod(0o755)


@kind("the output folder read-only")
def _read_only_output(scene: Scene) -> None:
    _read_only(scene, ".")


@kind("the frontiers' folder read-only")
def _read_only_state(scene: Scene) -> None:
    _read_only(scene, "state")


@kind("few file descriptors")
def _few_files(scene: Scene) -> None:
    most = scene.chance.choice((48, 64, 96))

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

    running = scene.begin(limits=limit)
    if (code := scene.stopped(running)) != 0 or "few open files" not in running.err:
        scene.note(f"exit code {code} with {most} descriptors: {running.err[-2500:]}")


@kind("a device that fails to write (EIO)")
def _failing_device(scene: Scene) -> None:
    _refused(scene, scene.begin(environ={"ENGINE_FAULT": f"part_write:{scene.chance.choice((0.3, 0.6, 1.0))}"}))


@kind("a frontier's device that fails to write (EIO)")
def _failing_frontier(scene: Scene) -> None:
    _refused(scene, scene.begin(environ={"ENGINE_FAULT": f"frontier_commit:{scene.chance.choice((0.1, 0.3, 1.0))}"}))


@kind("killed between the rows and their commit")
def _between(scene: Scene) -> None:
    running = scene.begin(environ={"ENGINE_FAULT": "between_append_and_commit:0.6"})
    if (code := scene.stopped(running)) not in (0, 5):
        scene.note(f"exit code {code}: {running.err[-1500:]}")


@kind("nobody reads stderr")
def _no_stderr(scene: Scene) -> None:
    options, line = scene.enrich._options(), scene.enrich._line(scene.arguments)  # its stderr is ours
    reader, writer = os.pipe()
    with subprocess.Popen(line, stderr=writer, stdin=subprocess.DEVNULL, **options) as process:  # noqa: S603
        os.close(writer)
        time.sleep(scene.chance.uniform(0, 1))
        os.close(reader)
        try:
            code = process.wait(60)
        except subprocess.TimeoutExpired:
            scene.found.hangs += 1
            process.kill()
            return
    if code != 0:
        scene.note(f"exit code {code}")


@kind("a full pipe")
def _full_pipe(scene: Scene) -> None:
    """Nobody reads its stderr, and nobody closes it either."""
    options, line = scene.enrich._options(), scene.enrich._line((*scene.arguments, "--log-level", "debug"))
    reader, writer = os.pipe()
    if hasattr(fcntl, "F_SETPIPE_SZ"):  # elsewhere it is 64 KB
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    with subprocess.Popen(line, stderr=writer, stdin=subprocess.DEVNULL, **options) as process:  # noqa: S603
        os.close(writer)
        try:
            code = process.wait(60)
        except subprocess.TimeoutExpired:
            scene.found.hangs += 1
            process.kill()
            return
        finally:
            os.close(reader)
    if code != 0:
        scene.note(f"exit code {code}")
