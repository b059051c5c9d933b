"""Where the pipeline's files lie: seeds, a folder a stage, the lists between them, copies under the user's names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.errors import UsageError
from engine.output.codec import OUTPUT_NAMES, SUFFIXES, file_name
from engine.sources.source import known_suffix

if TYPE_CHECKING:
    from engine.settings import Settings

#: By number.
STAGES: Final = {1: "discovery", 2: "validation", 3: "enrichment"}
_PROCESSED: Final = "processed"


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage under its settings."""

    number: int
    settings: Settings

    @property
    def name(self) -> str:
        """discovery, validation or enrichment."""
        return STAGES[self.number]

    @property
    def title(self) -> str:
        """For sentences."""
        return f"stage {self.number} ({self.name})"

    @property
    def data(self) -> Path:
        """The folder that all others are in."""
        return Path(self.settings.pipeline.data_dir)

    @property
    def folder(self) -> Path:
        """The run folder."""
        return self.data / _PROCESSED / f"stage{self.number:02}"

    @property
    def output(self) -> Path:
        """Its merged rows."""
        return self.folder / file_name(OUTPUT_NAMES[self.name], self.settings.output.compression)

    @property
    def usable(self) -> Path:
        """The list of its usable URLs, the input of the next stage."""
        return self.data / _PROCESSED / f"stage{self.number:02}_usable.jsonl"

    @property
    def copy(self) -> Path | None:
        """Where the rows are to be found as well; a packed file's name says so."""
        pipeline = self.settings.pipeline
        named = {1: pipeline.discovery_output, 2: pipeline.validation_output, 3: pipeline.enrichment_output}[
            self.number
        ]
        if named is None:
            return None
        suffix = SUFFIXES[self.settings.output.compression]
        return self.data / (named if named.endswith(suffix) else named + suffix)


def seeds(settings: Settings) -> tuple[str, ...]:
    """The inputs of stage 1, as enrich run takes them. Raises UsageError where there is none."""
    text = settings.pipeline.seeds
    if "://" in text:
        return (text,)
    path = Path(settings.pipeline.data_dir) / text
    if path.is_dir():
        found = tuple(str(file) for file in sorted(path.iterdir()) if file.is_file() and known_suffix(file))
        if found:
            return found
        raise UsageError(
            f"{path} holds no list of seeds: put one there, such as {path / 'seeds.txt'} with a URL a line"
        )
    if not path.exists():
        raise UsageError(
            f"{path}: no such file or folder (pipeline.seeds): it is to hold the URLs that stage 1 begins at"
        )
    return (str(path),)
