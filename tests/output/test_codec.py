from __future__ import annotations

import gzip

import pytest
import zstandard

from engine.errors import OutputError
from engine.output.codec import CorruptError, Encoder, decode, file_name, open_lines, part_name

COMPRESSIONS = ["none", "gz", "zst"]


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_frames_joined_as_bytes_read_as_one_file(tmp_path, compression):
    encoder = Encoder(compression)
    path = tmp_path / file_name("rows.jsonl", compression)
    path.write_bytes(encoder.encode(b'{"a":1}\n') + encoder.encode(b"") + encoder.encode(b'{"a":2}\n{"a":3}\n'))
    with open_lines(path) as lines:
        assert list(lines) == [b'{"a":1}\n', b'{"a":2}\n', b'{"a":3}\n']


def test_other_tools_read_our_frames():
    block = b'{"a":1}\n' * 1000
    assert gzip.decompress(Encoder("gz").encode(block) * 2) == block * 2
    assert zstandard.ZstdDecompressor().decompress(Encoder("zst").encode(block)) == block


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_equal_blocks_give_equal_bytes(compression):
    assert Encoder(compression).encode(b"x\n" * 99) == Encoder(compression).encode(b"x\n" * 99)


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_decode_refuses_what_was_not_written(compression):
    block = b'{"a":1}\n' * 50
    stored = Encoder(compression).encode(block)
    assert decode(stored, compression, len(block)) == block
    with pytest.raises(CorruptError):
        decode(stored[:-3], compression, len(block))
    with pytest.raises(CorruptError):
        decode(stored, compression, len(block) - 1)


@pytest.mark.parametrize("compression", ["gz", "zst"])
def test_lines_of_a_damaged_file_end_in_an_error(tmp_path, compression):
    path = tmp_path / file_name("rows.jsonl", compression)
    path.write_bytes(Encoder(compression).encode(b"{}\n" * 10) + b"no frame at all")
    with open_lines(path) as lines, pytest.raises(CorruptError):
        list(lines)


def test_a_file_that_is_missing_is_named(tmp_path):
    with (
        pytest.raises(OutputError, match=r"rows\.jsonl: cannot be read: No such file"),
        open_lines(tmp_path / "rows.jsonl"),
    ):
        pass


def test_names_tell_the_compression():
    assert part_name(3, "none") == "part-00003.jsonl"
    assert part_name(12, "zst") == "part-00012.jsonl.zst"
