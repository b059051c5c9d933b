from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
import textwrap
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import OutputError
from engine.model.task import CommitRecord
from engine.output.blocks import PartReader
from engine.output.codec import Encoder, open_lines, part_name
from engine.output.parts import PartWriter

COMPRESSIONS = st.sampled_from(["none", "gz", "zst"])
ROWS = st.lists(st.binary(max_size=60).map(lambda body: body.replace(b"\n", b"") + b"\n"), min_size=1, max_size=8)


@given(compression=COMPRESSIONS, commits=st.lists(ROWS, max_size=6))
def test_rows_come_back_from_where_the_writer_says(compression, commits):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / part_name(0, compression)
        end = 0
        with PartWriter.open(path, compression, None) as writer, PartReader(path, compression) as reader:
            for rows in commits:
                record, places = writer.append(rows)
                stored = path.read_bytes()[record.offset :]
                assert (record.offset, record.length, record.count) == (end, len(stored), len(rows))
                assert record.crc32 == zlib.crc32(stored)
                block = reader.block(record)
                assert record.raw_length == len(block)
                assert [block[start : start + length] for start, length in places] == rows
                end += len(stored)
        with open_lines(path) as lines:
            assert list(lines) == [row for rows in commits for row in rows]


@given(compression=COMPRESSIONS, first=ROWS, lost=st.binary(max_size=40), second=ROWS)
def test_bytes_behind_the_last_commit_are_cut(compression, first, lost, second):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / part_name(0, compression)
        with PartWriter.open(path, compression, None) as writer:
            record, _ = writer.append(first)
        with path.open("ab") as file:
            file.write(lost)
        with PartWriter.open(path, compression, record) as writer:
            writer.append(second)
        with open_lines(path) as lines:
            assert list(lines) == first + second


def test_a_part_without_any_commit_starts_empty(tmp_path):
    path = tmp_path / "part-00000.jsonl"
    path.write_bytes(b"left by a killed process")
    PartWriter.open(path, "none", None).close()
    assert path.read_bytes() == b""


def test_a_part_shorter_than_its_commits_is_refused_and_untouched(tmp_path):
    path = tmp_path / "part-00000.jsonl"
    path.write_bytes(b"{}\n")
    with pytest.raises(OutputError, match=r"part-00000\.jsonl: 3 bytes, but rows up to byte 9 are committed"):
        PartWriter.open(path, "none", CommitRecord(3, 6, 6, 0, 2))
    assert path.read_bytes() == b"{}\n"


class FullDisk:
    """Takes so many bytes in all, a piece at a time if told so, and then refuses as a full disk does."""

    def __init__(self, room, error=errno.ENOSPC):
        self.room = room
        self.error = error

    def write(self, fd, data, offset):
        taken = min(len(data), self.room)
        if not taken:
            raise OSError(self.error, os.strerror(self.error))
        self.room -= taken
        return os.pwrite(fd, data[:taken], offset)


@pytest.mark.parametrize("compression", ["none", "gz", "zst"])
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO])
def test_a_full_disk_leaves_the_part_at_its_last_good_end(tmp_path, compression, error):
    path = tmp_path / part_name(0, compression)
    disk = FullDisk(1000, error)
    with PartWriter.open(path, compression, None, disk.write) as writer:
        good, _ = writer.append([b'{"a":1}\n'])
        before = path.read_bytes()
        disk.room = 5
        with pytest.raises(OutputError, match=rf"part-00000.*: cannot be written: {os.strerror(error)}") as caught:
            writer.append([b'{"b":2}\n'] * 3)
        assert "\n" not in str(caught.value)
        assert path.read_bytes() == before
        disk.room = 1000
        record, _ = writer.append([b'{"c":3}\n'])
        assert record.offset == good.length
    with open_lines(path) as lines:
        assert list(lines) == [b'{"a":1}\n', b'{"c":3}\n']


def test_a_short_write_that_goes_on_loses_nothing(tmp_path):
    path = tmp_path / "part-00000.jsonl"

    def by_threes(fd, data, offset):
        return os.pwrite(fd, data[:3], offset)

    with PartWriter.open(path, "none", None, by_threes) as writer:
        record, _ = writer.append([b'{"a":1}\n', b'{"b":2}\n'])
    assert path.read_bytes() == b'{"a":1}\n{"b":2}\n'
    assert record.length == 16


def test_a_disk_that_takes_nothing_and_says_nothing_is_an_error(tmp_path):
    writer = PartWriter.open(tmp_path / "part-00000.jsonl", "none", None, lambda *_: 0)
    with writer, pytest.raises(OutputError, match="only 0 of 3 bytes were taken"):
        writer.append([b"{}\n"])


def test_the_system_s_own_limit_is_reported_by_name(tmp_path):
    """A real refusal by the kernel, in a process of its own: the limit holds for a whole process."""
    script = textwrap.dedent("""
        import resource, sys
        from pathlib import Path
        from engine.errors import OutputError
        from engine.output.parts import PartWriter
        path = Path(sys.argv[1])
        writer = PartWriter.open(path, "none", None)
        writer.append([b"x" * 99 + b"\\n"])
        resource.setrlimit(resource.RLIMIT_FSIZE, (150, 150))
        try:
            writer.append([b"y" * 99 + b"\\n"])
        except OutputError as error:
            print(error)
        print(path.stat().st_size, writer.end)
    """)
    path = tmp_path / "part-00000.jsonl"
    done = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=True)  # noqa: S603 - our own script
    told, sizes = done.stdout.splitlines()
    assert told == f"{path}: cannot be written: File too large; mend that, then: enrich resume"
    assert sizes == "100 100"


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(OutputError, match=r"absent/part-00000\.jsonl: cannot be written: No such file"):
        PartWriter.open(tmp_path / "absent" / "part-00000.jsonl", "none", None)


def test_closing_twice_is_harmless(tmp_path):
    writer = PartWriter.open(tmp_path / "part-00000.jsonl", "none", None)
    writer.append([b"{}\n"])
    writer.sync()
    writer.close()
    writer.close()


def test_what_cannot_be_synced_is_an_error(tmp_path):
    end, pipe = os.pipe()  # a pipe has no disk: fsync refuses it
    writer = PartWriter(tmp_path / "part-00000.jsonl", pipe, 0, Encoder("none"), os.pwrite)
    with writer, pytest.raises(OutputError, match=r"part-00000\.jsonl: cannot be synced to disk: Invalid argument"):
        writer.sync()
    os.close(end)
