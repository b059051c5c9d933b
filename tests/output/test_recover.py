from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from engine.output.codec import open_lines, part_name
from engine.output.parts import PartWriter
from engine.output.recover import LAST_CHECKED, damaged

COMPRESSIONS = st.sampled_from(["none", "gz", "zst"])
COMMITS = st.lists(st.integers(1, 6), min_size=1, max_size=7)  # rows of each commit


def write_part(path, compression, counts):
    records = {}
    with PartWriter.open(path, compression, None) as writer:
        for commit, count in enumerate(counts, 1):
            records[commit], _ = writer.append([b'{"row":"%d of %d"}\n' % (row, commit) for row in range(count)])
    return records


@given(compression=COMPRESSIONS, counts=COMMITS, data=st.data(), deep=st.booleans())
def test_a_cut_at_any_byte_loses_exactly_the_commits_behind_it(compression, counts, data, deep):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / part_name(0, compression)
        records = write_part(path, compression, counts)
        size = path.stat().st_size
        cut = data.draw(st.integers(0, size))
        with path.open("r+b") as file:
            file.truncate(cut)

        lost = damaged(path, records.items(), deep)
        assert lost == {commit for commit, record in records.items() if record.offset + record.length > cut}

        # What the frontier does next: drop them, open after the last one left, and write again.
        kept = {commit: record for commit, record in records.items() if commit not in lost}
        with PartWriter.open(path, compression, kept[max(kept)] if kept else None) as writer:
            writer.append([b'{"row":"again"}\n'])
        with open_lines(path) as lines:
            assert len(list(lines)) == sum(record.count for record in kept.values()) + 1


@given(compression=COMPRESSIONS, counts=COMMITS, data=st.data(), deep=st.booleans())
def test_a_changed_byte_damages_its_commit_only(compression, counts, data, deep):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / part_name(0, compression)
        records = write_part(path, compression, counts)
        content = bytearray(path.read_bytes())
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] ^= 1 << data.draw(st.integers(0, 7))
        path.write_bytes(content)
        hit = {commit for commit, record in records.items() if 0 <= at - record.offset < record.length}
        assert damaged(path, records.items(), deep) == hit


def test_an_early_commit_is_read_only_when_asked_to_look_deep(tmp_path):
    path = tmp_path / "part-00000.jsonl"
    records = write_part(path, "none", [1] * (LAST_CHECKED + 1))
    with path.open("r+b") as file:
        file.write(b"\0\0")
    assert damaged(path, records.items(), deep=False) == set()
    assert damaged(path, records.items(), deep=True) == {1}


def test_zeros_that_a_power_failure_left_at_the_end_are_found(tmp_path):
    path = tmp_path / "part-00000.jsonl"
    records = write_part(path, "none", [2] * 10)
    with path.open("r+b") as file:
        file.seek(records[8].offset + 3)
        file.write(bytes(path.stat().st_size - records[8].offset - 3))
    assert damaged(path, iter(records.items()), deep=False) == {8, 9, 10}


def test_a_part_that_is_gone_loses_all(tmp_path):
    path = tmp_path / "part-00000.jsonl"
    records = write_part(path, "none", [1, 2])
    path.unlink()
    assert damaged(path, records.items(), deep=False) == {1, 2}
    assert damaged(tmp_path / "never", [], deep=True) == set()
