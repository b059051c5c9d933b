"""What a child process is told when it is started (pickled once, at the start)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ShardConfig:
    """A shard process. `settings` is Settings.model_dump(mode="json"), secrets included; `folder` the run folder.

    `control_fd` is the shard's end of the control socket, `life_fd` the read end of the supervisor's life pipe.
    `retry_kinds` asks it to queue failed rows again before anything else: None does not, () means every kind. Only a
    shard's first process in a command is asked, so a restart does not take up again what has failed since. `fault` is
    the signal of a fault by which the shard's last process died, 0 where it did not.
    """

    shard: int
    shards: int
    folder: str
    settings: dict[str, Any]
    control_fd: int
    life_fd: int
    log_level: str = "info"
    log_format: str = "console"
    retry_kinds: tuple[str, ...] | None = None
    fault: int = 0


@dataclass(frozen=True, slots=True)
class NlpConfig:
    """A child of the NLP pool, listening on the Unix socket `path`."""

    child: int
    path: str
    settings: dict[str, Any]
    life_fd: int
    log_level: str = "info"
    log_format: str = "console"
