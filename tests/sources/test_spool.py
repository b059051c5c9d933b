"""stdin is kept whole, or not at all."""

from __future__ import annotations

import gzip
import io

import pytest
import zstandard

from engine.errors import OutputError, UsageError
from engine.sources.source import Format
from engine.sources.spool import spool_stdin, spooled


def test_keeps_every_byte_and_nothing_beside(tmp_path):
    data = bytes(range(256)) * 10_000
    spool_stdin(io.BytesIO(data), tmp_path / "stdin")
    assert (tmp_path / "stdin").read_bytes() == data
    assert [path.name for path in tmp_path.iterdir()] == ["stdin"]


class _Broken(io.BytesIO):
    def read(self, size=-1):
        if self.tell():
            raise OSError(5, "Input/output error")
        return super().read(size)


def test_a_stream_that_breaks_leaves_no_file(tmp_path):
    with pytest.raises(UsageError, match="cannot read stdin: input/output error"):
        spool_stdin(_Broken(b"http://h/\n" * 200_000), tmp_path / "stdin")
    assert list(tmp_path.iterdir()) == []


def test_a_closed_stdin_is_named(tmp_path):
    stream = io.BytesIO()
    stream.close()
    with pytest.raises(UsageError, match="cannot read stdin"):
        spool_stdin(stream, tmp_path / "stdin")


def test_a_folder_that_cannot_be_written_is_an_output_error(tmp_path):
    with pytest.raises(OutputError, match=r"cannot keep stdin in .*no such file"):
        spool_stdin(io.BytesIO(b"x"), tmp_path / "gone" / "stdin")


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.compress])
@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (b'\n {"url": "http://h/"}\n', Format.JSONL),
        (b'\xef\xbb\xbf"http://h/"\n', Format.JSONL),
        (b"http://h/\n", Format.TXT),
        (b"", Format.TXT),
    ],
)
def test_a_spooled_stdin_is_what_its_bytes_say(tmp_path, pack, text, kind):
    path = tmp_path / "stdin"
    path.write_bytes(pack(text))
    assert spooled(path).format is kind
    assert spooled(path).path == path
