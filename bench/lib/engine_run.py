"""The engine as a benchmark runs it: the same command line as a user's, and what it tells while it is on."""

from __future__ import annotations

import json
import shutil
import sys
from compileall import compile_dir
from pathlib import Path
from typing import TYPE_CHECKING, Any

import engine
from engine.errors import OutputError
from engine.supervisor.status import count
from lib.processes import Running

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: Everything that answers is on loopback; no delay, and the site's limit is as wide as the host's, unless said.
LOCAL: dict[str, Any] = {
    "guard.allow_private_addresses": True,
    "fetch.contact": "bench@example.org",
    "politeness.delay_s": 0,
}

#: The fetching side alone: no text, no pool.
FETCH_ONLY: dict[str, Any] = {"extract.extractor": "none", "nlp.pipeline": "none"}


def all_hosts_at(port: int) -> dict[str, Any]:
    """Settings that lead every host to one loopback port."""
    return {"fetch.connect_to": [f"::127.0.0.1:{port}"]}


def command(
    out: Path, inputs: Iterable[Path | str], settings: Mapping[str, Any], *, verb: str = "run", log_level: str = "info"
) -> list[str]:
    """The command line of `enrich VERB` with these settings; `resume` takes no inputs."""
    line = [sys.executable, "-m", "engine", verb]
    begins = verb in {"run", "discover", "validate"}
    line += [*map(str, inputs), "--out", str(out)] if begins else [str(out)]
    for key, value in settings.items():
        line += ["--set", f"{key}={json.dumps(value)}"]
    return [*line, "--no-progress", "--log-format", "json", "--log-level", log_level]


class EngineRun(Running):
    """A run of the engine; `out` is its folder."""

    def __init__(
        self, out: Path, inputs: Iterable[Path | str], settings: Mapping[str, Any], *, verb: str = "run",
        log_level: str = "info",
    ) -> None:  # fmt: skip
        self.out = out
        out.parent.mkdir(parents=True, exist_ok=True)
        # As an installation does: with PYTHONDONTWRITEBYTECODE set, each process would else compile the engine anew.
        compile_dir(Path(engine.__file__).parent, quiet=1)
        super().__init__(
            command(out, inputs, settings, verb=verb, log_level=log_level), out.parent, f"{out.name}-{verb}"
        )

    def gauges(self) -> list[dict[str, Any]]:
        """What each shard told last; empty before the first word."""
        try:
            return json.loads((self.out / "state" / "gauges.json").read_bytes())["per_shard"]
        except FileNotFoundError:
            return []

    def total(self, gauge: str) -> int:
        """A gauge summed over the shards."""
        return sum(shard[gauge] for shard in self.gauges())

    def manifest(self) -> dict[str, Any]:
        """run.json; empty where there is none yet."""
        try:
            return json.loads((self.out / "run.json").read_bytes())
        except FileNotFoundError:
            return {}

    def remove(self) -> None:
        """Remove the run folder: the next run begins anew."""
        shutil.rmtree(self.out, ignore_errors=True)

    def part_bytes(self) -> int:
        """How much the shards have appended: the first byte is the first row that is safe."""
        return sum(part.stat().st_size for part in (self.out / "parts").glob("part-*"))

    def known(self) -> int:
        """Distinct URLs in the frontiers, as far as they are committed."""
        shards = len(list((self.out / "state").glob("shard-*.sqlite")))
        try:
            return count(self.out / "state", shards)["known"]
        except OutputError:  # it is just being made
            return 0

    def state_bytes(self) -> int:
        """What the frontiers take on disk, their logs included."""
        return sum(file.stat().st_size for file in (self.out / "state").glob("shard-*.sqlite*"))

    def records(self) -> list[dict[str, Any]]:
        """The log records so far."""
        found = []
        for line in self.log.read_text(errors="replace").splitlines():
            if line.startswith("{"):
                try:
                    found.append(json.loads(line))
                except json.JSONDecodeError:
                    continue  # the line that is being written
        return found

    def failed_by_kind(self) -> dict[str, int]:
        """Error rows by kind, from the last gauges."""
        total: dict[str, int] = {}
        for shard in self.gauges():
            for kind, rows in shard["failed_by_kind"].items():
                total[kind] = total.get(kind, 0) + rows
        return total
