"""How many cores this process may use, and the settings that follow from it.

A container on a large machine sees all its cores but may use a few: an engine that starts a process for each core it
sees is throttled by the kernel. So the affinity mask and the cgroup's CPU quota both count.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.settings.groups import Settings

_CGROUP_ROOT: Final = Path("/sys/fs/cgroup")
_CGROUP_MEMBERSHIP: Final = Path("/proc/self/cgroup")

#: Up to so many cores one shard keeps the others' NLP processes busy (a page costs the pool many times its fetch).
_CORES_A_SHARD: Final = 4


def usable_cores(root: Path = _CGROUP_ROOT, membership: Path = _CGROUP_MEMBERSHIP) -> int:
    """Cores that the affinity mask and the CPU quota leave us; a part of a core counts as none, and 1 is the least."""
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return max(1, int(min([cores, *_quotas(root, membership)])))


def resolve_auto(settings: Settings, cores: int | None = None) -> Settings:
    """The settings with every "auto" worked out, and aimd's bounds within one another.

    `cores` is `usable_cores()` unless given. Shards: 1 up to 4 cores, else a fourth of them; NLP processes: the rest,
    at least 1. aimd.max: fetch.max_concurrency; a default that an explicit bound crosses yields to it.
    """
    cores = usable_cores() if cores is None else cores
    run, aimd = settings.run, settings.aimd
    shards = (1 if cores <= _CORES_A_SHARD else cores // _CORES_A_SHARD) if run.shards == "auto" else run.shards
    processes = max(1, cores - shards) if run.nlp_processes == "auto" else run.nlp_processes
    most = settings.fetch.max_concurrency if aimd.max == "auto" else aimd.max
    least = min(aimd.min, most)
    bounds = {"max": most, "min": least, "initial": min(max(aimd.initial, least), most)}
    return settings.model_copy(
        update={
            "run": run.model_copy(update={"shards": shards, "nlp_processes": processes}),
            "aimd": aimd.model_copy(update=bounds),
        }
    )


def needs_pool(settings: Settings) -> bool:
    """Whether pages go to the NLP pool at all: stage 1 looks for links there, stage 2 looks at no page."""
    if settings.run.stage == "enrichment":
        return not (settings.extract.extractor == "none" and settings.nlp.pipeline == "none")
    return settings.run.stage == "discovery"


def _quotas(root: Path, membership: Path) -> Iterator[float]:
    """The CPU quotas, in cores, of our cgroup and its ancestors, of cgroup v2 and v1 (man 7 cgroups)."""
    try:
        lines = membership.read_text(encoding="utf-8").splitlines()
    except OSError:
        return  # no cgroups: not Linux, or /proc is hidden
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            mounts = [root, root / "unified"]
        elif "cpu" in controllers.split(","):
            mounts = [root / controllers, root / "cpu"]
        else:
            continue
        # Without a cgroup namespace the path is the host's and may be absent here: its ancestors still end at the root.
        relative = Path(path.lstrip("/"))
        for folder in (mount / part for mount in mounts for part in (relative, *relative.parents)):
            yield from _quota(folder)


def _quota(folder: Path) -> Iterator[float]:
    try:
        if (v2 := folder / "cpu.max").is_file():
            quota, period = v2.read_text(encoding="utf-8").split()
        else:
            quota = (folder / "cpu.cfs_quota_us").read_text(encoding="utf-8").strip()
            period = (folder / "cpu.cfs_period_us").read_text(encoding="utf-8").strip()
    except OSError:
        return  # no quota is set at this level
    if quota not in {"max", "-1"}:
        yield int(quota) / int(period)
