"""The kinds of fault: each disturbs a run, or what a run has left, in one way; :mod:`scene` resumes it and judges.

A kind is a function of a scene that returns once the disturbed command has ended. What it demands on the way (that a
second run is refused, that verify finds a damage) it notes in the scene where it does not hold.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from faults.scene import Scene
    from system.harness import Running


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault. `pool`: its run has NLP processes; `root`: only root can make it."""

    name: str
    strike: Callable[[Scene], None]
    pool: bool
    root: bool


KINDS: dict[str, Kind] = {}


def kind(
    name: str, *, pool: bool = False, root: bool = False
) -> Callable[[Callable[[Scene], None]], Callable[[Scene], None]]:
    def register(strike: Callable[[Scene], None]) -> Callable[[Scene], None]:
        KINDS[name] = Kind(name, strike, pool, root)
        return strike

    return register


# -- signals ----------------------------------------------------------------------------------------------------------


def _kill(scene: Scene, *roles: str) -> None:
    """SIGKILL one process of these roles at a random moment."""
    running = scene.begin()
    if scene.moment(running) and (victim := scene.one(running, *roles)) is not None:
        with suppress(psutil.NoSuchProcess):
            victim.kill()
    scene.stopped(running)


@kind("a shard killed")
def _shard(scene: Scene) -> None:
    _kill(scene, "shard")


@kind("a shard ended by a fault signal")
def _fault_signal(scene: Scene) -> None:
    """Once, and from outside: every URL under way is suspect, and none is guilty."""
    running = scene.begin()
    if scene.moment(running) and (victim := scene.one(running, "shard")) is not None:
        with suppress(psutil.NoSuchProcess):
            victim.send_signal(scene.chance.choice((signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT)))
    if (code := scene.stopped(running)) != 0:
        scene.note(f"exit code {code}: {running.err[-1500:]}")


@kind("the supervisor killed")
def _supervisor(scene: Scene) -> None:
    _kill(scene, "supervisor")


@kind("an NLP child killed, as for want of memory", pool=True)
def _nlp_child(scene: Scene) -> None:
    _kill(scene, "nlp")


@kind("the NLP children's parent killed", pool=True)
def _forkserver(scene: Scene) -> None:
    _kill(scene, "forkserver")


@kind("everything killed at once")
def _all(scene: Scene) -> None:
    running = scene.begin()
    scene.moment(running)
    running.kill_all()


@kind("a process, or all, stopped for a while", pool=True)
def _stopped(scene: Scene) -> None:
    running = scene.begin()
    if scene.moment(running):
        if scene.chance.random() < 0.3:
            victims = scene.processes()
        else:
            one = scene.one(running, "supervisor", "shard", "nlp")
            victims = [one] if one is not None else []
        for number, pause_s in ((signal.SIGSTOP, scene.chance.uniform(0.2, 2.0)), (signal.SIGCONT, 0)):
            for victim in victims:
                with suppress(psutil.NoSuchProcess):
                    victim.send_signal(number)
            time.sleep(pause_s)
    scene.stopped(running)


@kind("SIGTERM", pool=True)
def _terminated(scene: Scene) -> None:
    running = scene.begin()
    if scene.moment(running):
        victims = scene.processes() if scene.chance.random() < 0.5 else scene.processes("supervisor")
        for victim in victims:
            with suppress(psutil.NoSuchProcess):
                victim.send_signal(signal.SIGTERM)
    if (code := scene.stopped(running)) not in (0, 3, -signal.SIGTERM):
        scene.note(f"exit code {code}: {running.err[-1500:]}")


@kind("SIGINT, once or twice")
def _interrupted(scene: Scene) -> None:
    running = scene.begin()
    for _ in range(scene.chance.randint(1, 2)):
        if scene.moment(running, 0.5):
            with suppress(ProcessLookupError):
                running.interrupt()
    if (code := scene.stopped(running)) not in (0, 3, -signal.SIGINT):
        scene.note(f"exit code {code}: {running.err[-1500:]}")


# -- what the system refuses ------------------------------------------------------------------------------------------


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
    _refused(scene, scene.begin(environ={"ENRICH_FAULT": f"part_write:{scene.chance.choice((0.3, 0.6, 1.0))}"}))


@kind("a frontier's device that fails to write (EIO)")
def _failing_frontier(scene: Scene) -> None:
    _refused(scene, scene.begin(environ={"ENRICH_FAULT": f"frontier_commit:{scene.chance.choice((0.1, 0.3, 1.0))}"}))


@kind("killed between the rows and their commit")
def _between(scene: Scene) -> None:
    running = scene.begin(environ={"ENRICH_FAULT": "between_append_and_commit:0.6"})
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


# -- damage -----------------------------------------------------------------------------------------------------------


@kind("a part's end torn off")
def _torn_part(scene: Scene) -> None:
    scene.killed()
    if (part := scene.part()) is not None:
        os.truncate(part, scene.chance.randrange(part.stat().st_size))
        scene.verify_finds(part.name)


@kind("a flipped bit in a part")
def _flipped_bit(scene: Scene) -> None:
    if scene.chance.random() < 0.5:
        scene.killed()
    else:
        scene.again()
    if (part := scene.part()) is not None:
        # What lies behind the last commit means nothing: a bit there is no damage.
        cut = scene.enrich.refused("verify", scene.out).code == 0
        flip(part, scene.chance.randrange(part.stat().st_size if cut else max(1, part.stat().st_size // 4)))
        scene.verify_finds(part.name)


def flip(path: Path, at: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        (byte,) = file.read(1)
        file.seek(at)
        file.write(bytes([byte ^ 1 << at % 8]))


@kind("a damaged merged file")
def _damaged_output(scene: Scene) -> None:
    scene.again()
    output = scene.out / scene.chance.choice(("enrichment_output.jsonl", "failures.jsonl"))
    if scene.chance.random() < 0.3:
        output.unlink()
    elif scene.chance.random() < 0.5:
        os.truncate(output, scene.chance.randrange(output.stat().st_size))
    else:
        flip(output, scene.chance.randrange(output.stat().st_size))
    scene.verify_finds(output.name)


def _frontier(scene: Scene) -> Path:
    return scene.chance.choice(sorted(scene.out.glob("state/shard-*.sqlite")))


@kind("a frontier's end torn off")
def _torn_frontier(scene: Scene) -> None:
    scene.interrupted()
    frontier = _frontier(scene)
    size = frontier.stat().st_size
    os.truncate(frontier, scene.chance.choice((size - 8192, size // 2, 4000, 100)))
    scene.verify_finds(frontier.name)


@kind("a frontier gone")
def _lost_frontier(scene: Scene) -> None:
    scene.interrupted()
    frontier = _frontier(scene)
    frontier.unlink()
    scene.verify_finds(frontier.name)


@kind("a frontier's log torn off")
def _torn_log(scene: Scene) -> None:
    scene.killed()
    log = scene.chance.choice(sorted(scene.out.glob("state/shard-*.sqlite-wal")))
    os.truncate(log, scene.chance.randrange(log.stat().st_size + 1))


@kind("a power loss")
def _power_loss(scene: Scene) -> None:
    """The files as they stood at one moment, less what no sync had covered."""
    running = scene.begin()
    scene.moment(running)
    family = scene.processes()
    for process in family:
        with suppress(psutil.NoSuchProcess):
            process.suspend()
    out, saved = scene.out, scene.root / "saved"
    if out.exists():
        shutil.copytree(out, saved)
    running.kill_all()
    if not saved.exists():  # it had not begun
        return
    shutil.rmtree(out)
    saved.rename(out)
    for part in out.glob("parts/part-*"):
        _lose_tail(scene, part)
    for log in out.glob("state/shard-*.sqlite-wal"):
        log.with_name(log.name.removesuffix("-wal") + "-shm").unlink(missing_ok=True)  # never more than a cache
        _lose_tail(scene, log)
    if scene.chance.random() < 0.3 and (gauges := out / "state" / "gauges.json").exists():
        os.truncate(gauges, 0)


def _lose_tail(scene: Scene, path: Path) -> None:
    """Cut a tail, or leave zeros in its place: both are what file systems leave of what was not synced."""
    size = path.stat().st_size
    keep = scene.chance.randrange(size + 1)
    os.truncate(path, keep)
    if scene.chance.random() < 0.3:
        os.truncate(path, size)


# -- commands ---------------------------------------------------------------------------------------------------------


@kind("two runs at once")
def _two_at_once(scene: Scene) -> None:
    first = scene.begin()
    if scene.wait(first, (scene.out / "run.json").exists) is None:
        return
    with suppress(psutil.NoSuchProcess):  # so that it is still there however slow the second one is
        psutil.Process(first.process.pid).suspend()
    command = scene.chance.choice(("resume", "merge", "verify"))
    second = scene.enrich(command, scene.out)
    if second.code != 2 or f"process {first.process.pid}" not in second.err:
        scene.note(f"{command} beside a run: exit code {second.code}: {second.err[-1500:]}")
    psutil.Process(first.process.pid).resume()
    if (code := scene.stopped(first)) != 0:
        scene.note(f"the first run: exit code {code}: {first.err[-1500:]}")


@kind("a stale lock, and orphans")
def _stale_lock(scene: Scene) -> None:
    """The supervisor is killed while a shard is stopped: the shard lives on with its lock until it is woken."""
    running = scene.begin()
    scene.wait(running, lambda: scene.enrich.committed() > 0)
    shards = scene.processes("shard")
    for shard in shards:
        with suppress(psutil.NoSuchProcess):
            shard.suspend()
    for process in scene.processes("supervisor"):
        process.kill()
    running.process.wait()
    again = scene.begin()
    time.sleep(scene.chance.uniform(0, 1))
    for shard in shards:
        with suppress(psutil.NoSuchProcess):
            shard.resume()
    if (code := scene.stopped(again)) != 0:
        scene.note(f"the same command again: exit code {code}: {again.err[-1500:]}")


@kind("a clock set back by an hour")
def _clock(scene: Scene) -> None:
    """What a frontier says is an hour ahead: what waited for a second must not wait for an hour."""
    scene.interrupted()
    ahead_s = 3600
    for frontier in scene.out.glob("state/shard-*.sqlite"):
        with sqlite3.connect(frontier) as db:
            db.execute("UPDATE host SET due = ? WHERE status > 0", (time.time() + ahead_s,))
            db.execute("UPDATE waiting SET not_before = not_before + ?", (ahead_s,))
            db.execute("UPDATE meta SET value = value + ? WHERE name = 'clock'", (ahead_s,))
        db.close()
