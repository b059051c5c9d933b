"""Damage to what a run has left: ends torn off, bits flipped, files gone, and what a power failure leaves."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

import psutil
from faults.registry import kind

if TYPE_CHECKING:
    from pathlib import Path

    from faults.scene import Scene


@kind("a part's end torn off")
def _torn_part(scene: Scene) -> None:
    _left(scene)
    if (part := scene.part()) is not None:
        if scene.chance.random() < 0.3:
            part.unlink()
        else:
            os.truncate(part, scene.chance.randrange(part.stat().st_size))
        scene.verify_finds(part.name)


def _left(scene: Scene) -> None:
    """A run that was killed, or one that is complete."""
    if scene.chance.random() < 0.5:
        scene.killed()
    else:
        scene.again()


@kind("a flipped bit in a part")
def _flipped_bit(scene: Scene) -> None:
    _left(scene)
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
