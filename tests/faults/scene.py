"""A round: a run of the engine that is disturbed, the folder that it leaves, and what a resume makes of it.

The oracle is a run that nothing happened to: in the end each distinct URL has one row, valid JSON, equal to the
oracle's but for times, attempts and shard, and `enrich verify` finds nothing.
"""

from __future__ import annotations

import json
import shutil
import signal
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from system.harness import PATIENCE_S, VARYING, Enrich, marked, role_of

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterable

    import psutil
    from system.harness import Done, Running

ROLES = ("supervisor", "shard", "nlp", "forkserver")

#: One request a host at a time, a commit each second: long enough for any moment to fall into the work.
SETTINGS = {"retry__base_delay_s": 0.2, "run__nlp_processes": 2, "nlp__pipeline": "none"}
FETCH_ONLY = {**SETTINGS, "extract__extractor": "none"}

#: So often a disturbed run is resumed before it counts as one that never ends.
MAX_RESUMES = 3


def urls(count: int) -> list[str]:
    """Pages of slow hosts, 25 of each: two seconds of work; and one of each other end that a URL may come to."""
    odd = ["status/404", "redirect/2", "redirect-loop", "bad-gzip", "pdf"]
    ends = [f"http://slow-80-a.test/{path}" for path in odd]
    ends += ["http://robots-deny-x.test/html/1", "no url at all", "ftp://slow-80-a.test/", "http://10.0.0.1/"]
    pages, hosts = count - len(ends), max(1, count // 25)
    return [f"http://slow-80-{n % hosts}.test/html/{n // hosts}" for n in range(pages)] + ends


@dataclass(slots=True)
class Oracle:
    """The rows of an undisturbed run by fetch_url (or the text, where it was no URL), and how long that took."""

    rows: dict[str, dict[str, Any]]
    length_s: float


@dataclass(slots=True)
class Found:
    """What a round came to."""

    lost: int = 0
    twice: int = 0
    differ: int = 0
    hangs: int = 0
    resume_s: float | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        return not (self.lost or self.twice or self.differ or self.hangs or self.notes)


@dataclass(frozen=True, slots=True)
class Stage:
    """What all rounds share: a folder, the web's port, the list, and an oracle with and without an NLP pool."""

    root: Path
    port: int
    listing: Path
    shards: int
    oracles: dict[bool, Oracle] = field(default_factory=dict)

    def settings(self, *, pool: bool, shards: int = 0) -> dict[str, Any]:
        return {**(SETTINGS if pool else FETCH_ONLY), "run__shards": shards or self.shards}


def stage(root: Path, port: int, count: int, shards: int = 2, pools: Iterable[bool] = (False, True)) -> Stage:
    """Write a list of so many URLs, and make the undisturbed runs: without a pool, and with one."""
    listing = root / "urls.txt"
    listing.write_text("".join(f"{url}\n" for url in urls(count)))
    shared = Stage(root, port, listing, shards)
    shared.oracles.update({pool: undisturbed(shared, pool=pool) for pool in pools})
    return shared


class Scene:
    """One round's folder and command; `chance` decides the moments and the victims."""

    def __init__(self, stage: Stage, chance: random.Random, *, pool: bool) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="round-", dir=stage.root))
        self.enrich = Enrich(self.root, stage.port)
        self.chance = chance
        self.oracle = stage.oracles[pool]
        self.found = Found()
        settings = stage.settings(pool=pool, shards=chance.randint(1, stage.shards))
        self.arguments = self.enrich.run(stage.listing, **settings)

    @property
    def out(self) -> Path:
        return self.enrich.out

    # -- the disturbed run ----------------------------------------------------------------------------------------

    def begin(self, **options: Any) -> Running:
        return self.enrich.start(*self.arguments, **options)

    def again(self, **options: Any) -> Done:
        """The same command to its end."""
        return self.enrich(*self.arguments, **options)

    def pause(self, running: Running, seconds: float) -> bool:
        """Let it run on; False where it ended meanwhile."""
        end = time.monotonic() + seconds
        while running.process.poll() is None and time.monotonic() < end:
            time.sleep(0.01)
        return running.process.poll() is None

    def moment(self, running: Running, latest: float = 0.8) -> bool:
        """Let it run to a random moment of its length."""
        return self.pause(running, self.oracle.length_s * self.chance.uniform(0.05, latest))

    def committed(self, running: Running) -> None:
        """Let it run until rows are committed; on to a random moment from there, too."""
        self.wait(running, lambda: self.enrich.committed() > 0)
        self.pause(running, self.chance.uniform(0, 0.5))

    def wait(self, running: Running, holds: Callable[[], Any]) -> Any:
        """What `holds` gives once it is true, or None where the command ended first."""
        end = time.monotonic() + PATIENCE_S
        while running.process.poll() is None and time.monotonic() < end:
            if found := holds():
                return found
            time.sleep(0.01)
        return None

    def processes(self, role: str = "") -> list[psutil.Process]:
        """The living processes, of a role where one is named."""
        return [process for process in marked(self.enrich.mark) if role in ("", role_of(process))]

    def one(self, running: Running, *roles: str) -> psutil.Process | None:
        """A process of one of these roles, waited for."""
        wanted = roles or (self.chance.choice(ROLES),)
        found = self.wait(running, lambda: [each for role in wanted for each in self.processes(role)])
        return self.chance.choice(found) if found else None

    def stopped(self, running: Running) -> int:
        """Its exit code; a command that does not end is a hang, and is killed."""
        try:
            return running.ended()
        except AssertionError as error:
            self.found.hangs += 1
            self.found.notes.append(str(error)[-2000:])
            return -signal.SIGKILL

    def killed(self) -> None:
        """A run that is killed whole, with rows committed."""
        running = self.begin()
        self.committed(running)
        running.kill_all()

    def interrupted(self) -> None:
        """A run that is interrupted, with rows committed: its files are at rest."""
        running = self.begin()
        self.committed(running)
        with suppress(ProcessLookupError):
            running.interrupt()
        self.stopped(running)

    def part(self) -> Path | None:
        """A part with rows."""
        parts = [part for part in sorted(self.out.glob("parts/part-*")) if part.stat().st_size]
        return self.chance.choice(parts) if parts else None

    def note(self, words: str) -> None:
        self.found.notes.append(words)

    def verify_finds(self, words: str) -> None:
        """Demand that verify finds damage and names `words`."""
        done = self.enrich.refused("verify", self.out)
        if done.code != 5 or words not in done.out:
            self.note(f"verify did not find the damage to {words}: exit code {done.code}: {done.out}{done.err}")

    # -- what becomes of it ---------------------------------------------------------------------------------------

    def resume(self) -> Found:
        """Resume until it is complete, and judge the rows."""
        found = self.found
        began, had = time.monotonic(), self._parts()
        for _ in range(MAX_RESUMES):
            begun = (self.out / "run.json").exists()  # else it was struck before there was anything to resume
            running = self.enrich.start("resume", self.out) if begun else self.begin()
            self.wait(running, lambda: self._parts() != had)
            found.resume_s = found.resume_s or time.monotonic() - began
            if (code := self.stopped(running)) == 0 or found.hangs:
                break
            self.note(f"resume: exit code {code}: {running.err[-1500:]}")
        self.judge()
        if left := self.enrich.left():
            self.note(f"left behind: {left}")
        return found

    def _parts(self) -> list[tuple[str, int]]:
        found = []
        for part in sorted(self.out.glob("parts/part-*")):
            with suppress(FileNotFoundError):  # a resume that mends may have taken it away just now
                found.append((part.name, part.stat().st_size))
        return found

    def judge(self) -> None:
        """Compare the merged rows with the oracle's, and ask verify."""
        found, expected = self.found, self.oracle.rows
        rows = read(self.out)
        by_url = steady(rows)
        found.lost = len(expected.keys() - by_url.keys())
        found.twice = len(rows) - len(by_url)
        unlike = [url for url, row in by_url.items() if expected.get(url) != row]
        found.differ = len(unlike)
        for url in unlike[:3]:
            before, after = expected.get(url, {}), by_url[url]
            keys = [key for key in after if before.get(key) != after[key]]
            self.note(f"{url} differs: {[(key, before.get(key), after[key]) for key in keys][:4]}")
        done = self.enrich.refused("verify", self.out)
        if done.code:
            self.note(f"verify, in the end: exit code {done.code}: {done.out}{done.err}")

    def close(self) -> None:
        self.enrich.close()
        shutil.rmtree(self.root, ignore_errors=True)


def read(folder: Path) -> list[dict[str, Any]]:
    """The merged rows; what is no JSON is an error of whoever asks."""
    path = folder / "enrichment_output.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def steady(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The rows by URL, without what two runs may differ in."""
    return {
        row["fetch_url"] or row["url"]: {key: value for key, value in row.items() if key not in VARYING} for row in rows
    }


def undisturbed(shared: Stage, *, pool: bool) -> Oracle:
    """The rows that all rounds are compared with."""
    root = shared.root / f"oracle-{'pool' if pool else 'fetch'}"
    root.mkdir()
    enrich = Enrich(root, shared.port)
    began = time.monotonic()
    done = enrich(*enrich.run(shared.listing, **shared.settings(pool=pool)))
    length_s = time.monotonic() - began
    assert done.code == 0, done.err
    return Oracle(steady(read(enrich.out)), length_s)
