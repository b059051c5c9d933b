"""What is done with a folder at rest: the merge, the check, the report. Each holds the folder's lock."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final

from engine.errors import OutputError
from engine.observe.failures import collect
from engine.observe.logs import get_logger
from engine.observe.report import Summary, count_of, summarise
from engine.output.blocks import Part
from engine.output.codec import FAILURES_NAME, file_name, open_lines
from engine.output.merge import merge, rows_by_input
from engine.output.profiles import PROFILES_NAME, write_profiles
from engine.output.verify import verify
from engine.supervisor.folder import RunFolder, opened
from engine.supervisor.manifest import COMPLETE, output_name, stage_of
from engine.supervisor.mend import frontier_damage
from engine.supervisor.status import count

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Sequence
    from pathlib import Path
    from typing import Any

    from engine.model.messages import Gauges
    from engine.observe.report import FailureGroup
    from engine.output.codec import Compression
    from engine.output.merge import MergeResult

_log = get_logger(__name__)

#: What a row without an error is, by stage.
_MADE: Final = {"discovery": "found", "validation": "valid", "enrichment": "enriched"}


def merge_folder(path: Path, *, mark_duplicates: bool | None = None) -> MergeResult:
    """Write the merged output of a run folder again, from its parts. Raises UsageError, OutputError.

    Whether duplicates are marked is the folder's setting; a value given here becomes that.
    """
    with opened(path, create=False) as folder:
        folder.wait_for_orphans()
        if mark_duplicates is not None:
            settings = folder.started["settings"]
            output = {**settings["output"], "mark_duplicates": mark_duplicates}
            folder.write({**folder.started, "settings": {**settings, "output": output}})
        return merge_parts(folder)


def verify_folder(path: Path) -> list[str]:
    """Check a run folder; give each problem as a sentence (none: all is well). Raises UsageError, OutputError."""
    with opened(path, create=False) as folder:
        folder.wait_for_orphans()
        manifest = folder.started
        if manifest["state"] != COMPLETE:
            # Counts are right when a run has ended: a retry that is under way counts its rows as queued again.
            manifest = {**manifest, "counts": {}}
        torn = {shard: words for shard in range(manifest["shards"]) if (words := frontier_damage(folder, shard))}
        problems = [f"state/{folder.frontier(shard).name}: {words}" for shard, words in torn.items()]
        with _parts(folder, without=torn) as parts:
            return problems + verify(parts, folder.path, manifest)


def merge_parts(folder: RunFolder) -> MergeResult:
    """Merge the parts of an opened folder, and note the files in its manifest."""
    manifest = folder.started
    for shard in range(manifest["shards"]):
        if not folder.frontier(shard).exists() and (words := frontier_damage(folder, shard)):
            raise OutputError(f"{folder.frontier(shard)}: {words}; enrich resume makes it again from the inputs")
    output = manifest["settings"]["output"]
    with _parts(folder) as parts, ExitStack() as stack:
        duplicates = None
        if output.get("mark_duplicates"):  # a folder of an earlier version has none
            from engine.output.duplicates import Duplicates  # noqa: PLC0415 - loads numpy, which few runs need here

            duplicates = stack.enter_context(Duplicates(rows_by_input(parts)))
            _log.info("duplicates are marked", rows=duplicates.count)
        result = merge(
            parts,
            folder.path,
            output["order"],
            _compression(folder),
            duplicates=duplicates,
            output_name=output_name(manifest),
        )
    files = dict(result.files)
    if _has_profiles(folder):
        compression = _compression(folder)
        files |= write_profiles(folder.path / file_name(output_name(manifest), compression), folder.path, compression)
    folder.write({**manifest, "outputs": files})
    return result


def counts_of(folder: RunFolder) -> dict[str, Any]:
    """Count a folder's URLs, for its manifest."""
    counts = count(folder.state, folder.started["shards"])
    return {**counts, "rows": counts["done"] + counts["failed"]}


def report(folder: RunFolder, gauges: Sequence[Gauges], finished: int, duration_s: float) -> str:
    """Tell how a complete run went; `finished` rows were made by this command in `duration_s` seconds."""
    counts = folder.started["counts"]
    failures = folder.path / file_name(FAILURES_NAME, _compression(folder))
    groups: Sequence[FailureGroup] = ()
    exact = True
    if failures.exists():
        with open_lines(failures) as lines:
            groups, exact, _ = collect(lines)
    slow_sites = [(site, urls, seconds) for gauge in gauges for site, urls, seconds in gauge["slow_sites"]]
    text = summarise(
        Summary(
            made=_MADE[stage_of(folder.started)],
            rows=counts["rows"],
            failed=counts["failed"],
            finished=finished,
            duration_s=duration_s,
            failed_by_kind=counts["failed_by_kind"],
            groups=groups,
            exact=exact,
            slow_sites=sorted(slow_sites, key=lambda site: -site[2]),
            duplicates=counts["duplicates"],
        )
    )
    if left_out := counts.get("left_out", 0):
        text += f"\n{left_out:,} links were left out: their sites are over discovery.max_pages_per_site"
    facts = folder.started["outputs"].get(file_name(PROFILES_NAME, _compression(folder)))
    if facts is not None:
        text += (
            f"\n{count_of(facts['rows'], 'profile')} in {PROFILES_NAME}; other rows say in no_profile why they are none"
        )
    return text


def _has_profiles(folder: RunFolder) -> bool:
    """Whether a folder's rows are those of a discovery that read profiles."""
    return stage_of(folder.started) == "discovery" and bool(folder.started["fingerprint"].get("discovery.profiles"))


def _compression(folder: RunFolder) -> Compression:
    compression: Compression = folder.started["fingerprint"]["output.compression"]
    return compression


@contextmanager
def _parts(folder: RunFolder, without: Container[int] = ()) -> Iterator[list[Part]]:
    """Open the frontiers, and give the parts with what they know; a shard that never began has neither."""
    from engine.frontier.store import Store  # noqa: PLC0415 - numpy's import, which a new run need not wait for

    compression = _compression(folder)
    with ExitStack() as stack:
        parts: list[Part] = []
        for shard in range(folder.started["shards"]):
            path = folder.part(shard, compression)
            if shard in without or not folder.frontier(shard).exists():
                continue
            store = Store.open(folder.frontier(shard))
            stack.callback(store.close)
            if path.exists() or store.last_commit() is not None:
                parts.append(Part(path, compression, store.commit_records, store.live_rows))
        yield parts
