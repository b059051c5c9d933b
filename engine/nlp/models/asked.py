"""What passes between a child and the host of its device: the messages, and what the host is told at its start.

Child to host: ASK {id, summary_chars}, body: JSON list of texts. Host to child: READY {devices}, first; then for each
ASK any number of PROGRESS, and TOLD {id}, body: JSON list of [names, summary]. Free of torch: children import this.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from engine.settings import NlpSettings

Span = tuple[int, int, str]


class Message(StrEnum):
    """The types of frames."""

    ASK = "ask"
    READY = "ready"
    PROGRESS = "progress"
    TOLD = "told"


@dataclass(frozen=True, slots=True)
class Told:
    """What the models say of a text: names (None: no such model), and a summary (None: the extractive one stays)."""

    names: list[Span] | None
    summary: str | None


@dataclass(frozen=True, slots=True)
class HostConfig:
    """A host: it listens at `path`, for the device of this `slot`; its log goes where its children's do."""

    path: str
    slot: int
    settings: dict[str, Any]
    life_fd: int
    log_level: str
    log_format: str

    def dumped(self) -> str:
        """As one argument of a command line."""
        return json.dumps(asdict(self))

    @classmethod
    def loaded(cls, text: str) -> HostConfig:
        """What `dumped` gave."""
        return cls(**json.loads(text))

    @property
    def nlp(self) -> NlpSettings:
        """The settings of the group `nlp`."""
        return NlpSettings.model_validate(self.settings)
