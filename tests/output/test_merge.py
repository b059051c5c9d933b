from __future__ import annotations

import hashlib
import resource
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import OutputError
from engine.output.codec import open_lines
from engine.output.merge import merge

COMPRESSIONS = ["none", "gz", "zst"]
#: Commits of each shard; a commit is rows of (number of its URL, failed). A URL that comes again replaces its row.
COMMIT = st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=1, max_size=5, unique_by=lambda row: row[0])


def fill(shard, commits, text=""):
    for commit in commits:
        # Positions neither follow the order of completion nor keep the shards apart.
        shard.commit(
            [
                (number * 7919 % 97 * 10 + shard.shard, f"https://s{shard.shard}.example/{number}", failed, text)
                for number, failed in commit
            ]
        )


def read(path):
    with open_lines(path) as lines:
        return list(lines)


@dataclass
class Case:
    shards: list
    order: str
    compression: str
    merged_as: str
    window_bytes: int


CASES = st.builds(
    Case,
    shards=st.lists(st.lists(COMMIT, max_size=5), min_size=1, max_size=3),
    order=st.sampled_from(["completion", "input"]),
    compression=st.sampled_from(COMPRESSIONS),
    merged_as=st.sampled_from(COMPRESSIONS),
    window_bytes=st.sampled_from([1, 1500, 1 << 20]),
)


@settings(deadline=None)
@given(case=CASES)
def test_a_merge_gives_each_live_row_once_in_order(shard_of, oracle, case):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parts = [shard_of(folder, number, case.compression) for number in range(len(case.shards))]
        for part, commits in zip(parts, case.shards, strict=True):
            fill(part, commits)

        result = merge(
            [part.part for part in parts], folder, case.order, case.merged_as, window_bytes=case.window_bytes
        )

        rows, failed = oracle(parts, case.order)
        output, failures = (folder / file for file in result.files)
        assert read(output) == rows
        assert read(failures) == failed
        assert (result.rows, result.failed) == (len(rows), len(failed))
        for path, count in ((output, len(rows)), (failures, len(failed))):
            content = path.read_bytes()
            assert result.files[path.name] == {
                "bytes": len(content),
                "rows": count,
                "sha256": hashlib.sha256(content).hexdigest(),
            }
        assert not list(folder.glob("*.tmp"))


@pytest.mark.parametrize(("compression", "suffix"), [("none", ""), ("gz", ".gz"), ("zst", ".zst")])
def test_files_are_named_as_documented_and_readable_when_empty(tmp_path, compression, suffix):
    result = merge([], tmp_path, "completion", compression)
    assert list(result.files) == [f"enrichment_output.jsonl{suffix}", f"failures.jsonl{suffix}"]
    assert [read(tmp_path / name) for name in result.files] == [[], []]
    assert all((tmp_path / name).stat().st_size for name in result.files) == (compression != "none")


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_blocks_that_are_live_as_a_whole_are_copied_as_they_lie(tmp_path, shard_of, compression):
    shard = shard_of(tmp_path, 0, compression)
    fill(shard, [[(0, False), (1, True)], [(2, False)]])
    merge([shard.part], tmp_path, "completion", compression)
    assert (tmp_path / shard.path.name.replace("part-00000", "enrichment_output")).read_bytes() == (
        shard.path.read_bytes()
    )


@pytest.mark.parametrize("order", ["completion", "input"])
@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_damage_names_the_part_and_the_commit_and_leaves_the_older_output(tmp_path, shard_of, order, compression):
    shard = shard_of(tmp_path, 0, compression)
    fill(shard, [[(0, False)], [(1, True)], [(2, False)]])
    merged = [tmp_path / name for name in merge([shard.part], tmp_path, order, compression).files]
    before = [path.read_bytes() for path in merged]
    content = bytearray(shard.path.read_bytes())
    content[shard.records[2].offset + 5] ^= 1
    shard.path.write_bytes(content)

    wrong = r"part-00000.*: commit 2: its checksum is wrong; to fetch its pages again: enrich resume"
    with pytest.raises(OutputError, match=wrong):
        merge([shard.part], tmp_path, order, compression)
    shard.path.write_bytes(content[: shard.records[3].offset + 1])
    with pytest.raises(OutputError, match=r"part-00000.*: commit 2: "):
        merge([shard.part], tmp_path, order, compression)
    shard.path.unlink()
    with pytest.raises(OutputError, match=r"part-00000.*: commit 1: .* bytes are missing"):
        merge([shard.part], tmp_path, order, compression)

    assert [path.read_bytes() for path in merged] == before
    assert not list(tmp_path.glob("*.tmp"))


@pytest.mark.parametrize("order", ["completion", "input"])
def test_a_live_row_of_an_unknown_commit_is_an_error(tmp_path, shard_of, order):
    shard = shard_of(tmp_path, 0)
    fill(shard, [[(0, False)], [(1, False)]])
    del shard.records[2]
    with pytest.raises(OutputError, match="rows of commit 2 are live, but the frontier holds no such commit"):
        merge([shard.part], tmp_path, order, "none")


@pytest.mark.parametrize("order", ["completion", "input"])
def test_records_may_be_given_as_a_mapping(tmp_path, shard_of, oracle, order):
    shard = shard_of(tmp_path, 0)
    fill(shard, [[(0, False)], [(1, True)]])
    merge([replace(shard.part, records=shard.records)], tmp_path, order, "none")
    assert read(tmp_path / "enrichment_output.jsonl") == oracle([shard], order)[0]


def test_a_checkpoint_can_stop_a_merge_and_nothing_changes(tmp_path, shard_of):
    shard = shard_of(tmp_path, 0)
    fill(shard, [[(0, False)], [(1, False)]])

    def stop():
        raise KeyboardInterrupt

    for order in ("completion", "input"):
        with pytest.raises(KeyboardInterrupt):
            merge([shard.part], tmp_path, order, "none", checkpoint=stop)
    assert [path.name for path in tmp_path.iterdir()] == ["part-00000.jsonl"]


def test_a_disk_that_refuses_leaves_the_older_output(tmp_path, shard_of):
    shard = shard_of(tmp_path, 0)
    fill(shard, [[(number, False)] for number in range(12)], text="x" * 5000)
    output = tmp_path / "enrichment_output.jsonl"
    output.write_bytes(b"older\n")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(OutputError, match=r"enrichment_output\.jsonl: cannot be written: File too large"):
            merge([shard.part], tmp_path, "completion", "none")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert output.read_bytes() == b"older\n"
    assert not list(tmp_path.glob("*.tmp"))
