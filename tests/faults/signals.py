"""Signals to any process or all, two commands on one folder, and a clock that is set back."""

from __future__ import annotations

import signal
import sqlite3
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import psutil
from faults.registry import kind

if TYPE_CHECKING:
    from faults.scene import Scene


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


@kind("the NLP children's parent stopped, and one of them killed", pool=True)
def _deaf_parent(scene: Scene) -> None:
    """Nobody tells of the child's end, and none takes its place, until the parent is replaced."""
    running = scene.begin()
    if scene.moment(running) and (parent := scene.one(running, "forkserver")) is not None:
        child = scene.one(running, "nlp")
        for victim, number in ((parent, signal.SIGSTOP), (child, signal.SIGKILL)):
            with suppress(psutil.NoSuchProcess):
                if victim is not None:
                    victim.send_signal(number)
    if (code := scene.stopped(running)) != 0:
        scene.note(f"exit code {code}: {running.err[-1500:]}")


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
