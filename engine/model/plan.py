"""What a child process is told when it is started (pickled once, at the start)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ShardConfig:
    """A shard process. `settings` is Settings.model_dump(mode="json"), secrets included; `folder` the run folder.

    `control_fd` is the shard's end of the control socket, `life_fd` the read end of the supervisor's life pipe.
    """

    shard: int
    shards: int
    folder: str
    settings: dict[str, Any]
    control_fd: int
    life_fd: int
    log_level: str = "info"
    log_format: str = "console"


@dataclass(frozen=True, slots=True)
class NlpConfig:
    """A child of the NLP pool, listening on the Unix socket `path`."""

    child: int
    path: str
    settings: dict[str, Any]
    life_fd: int
    log_level: str = "info"
    log_format: str = "console"
