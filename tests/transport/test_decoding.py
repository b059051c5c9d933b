from __future__ import annotations

import gzip
import zlib

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from engine.transport.decoding import MAX_MEMBERS, STEP_BYTES, DecodeError, decoder_for


def raw_deflate(data: bytes) -> bytes:
    coder = zlib.compressobj(wbits=-15)
    return coder.compress(data) + coder.flush()


CODINGS = {
    "gzip": gzip.compress,
    "X-GZIP": gzip.compress,
    "deflate": zlib.compress,
    "Deflate": raw_deflate,
    "br": brotli.compress,
    "zstd": zstandard.compress,
    "gzip, br": lambda data: brotli.compress(gzip.compress(data)),
    "zstd,deflate ,gzip": lambda data: gzip.compress(zlib.compress(zstandard.compress(data))),
}


def decode(label: str, *pieces: bytes) -> bytes:
    decoder = decoder_for(label)
    assert decoder is not None
    decoded = [out for piece in pieces for out in decoder.feed(piece)]
    decoder.finish()
    return b"".join(decoded)


@pytest.mark.parametrize("label", CODINGS)
@given(data=st.binary(max_size=3000), cut=st.integers(1, 64))
def test_a_body_is_decoded_however_it_is_cut(label, data, cut):
    coded = CODINGS[label](data)
    assert decode(label, *(coded[i : i + cut] for i in range(0, len(coded), cut))) == data


@pytest.mark.parametrize("label", CODINGS)
def test_a_large_body_is_decoded_whole(label):
    data = bytes(range(256)) * 8192 + bytes(3 << 20)
    assert decode(label, CODINGS[label](data)) == data


@pytest.mark.parametrize("label", CODINGS)
def test_a_body_that_ends_early_or_is_something_else_fails(label):
    coded = CODINGS[label](bytes(range(256)) * 40)
    with pytest.raises(DecodeError):
        decode(label, coded[: len(coded) // 2])
    with pytest.raises(DecodeError):
        decode(label, b"\x55 plain text, not coded at all \xff\xfe" * 10)
    assert decode(label, b"") == b""


@pytest.mark.parametrize("label", ["gzip", "br", "zstd"])
def test_a_bomb_comes_in_steps_that_can_be_stopped(label):
    decoder = decoder_for(label)
    assert decoder is not None
    largest = max(len(piece) for piece in decoder.feed(CODINGS[label](bytes(16 << 20))))
    assert largest <= (8 << 20 if label == "zstd" else 2 * STEP_BYTES)


def test_members_of_gzip_follow_each_other_and_rubbish_after_them_is_ignored():
    two = gzip.compress(b"one ") + gzip.compress(b"two")
    assert decode("gzip", two) == b"one two"
    assert decode("gzip", two[:22], two[22:25], two[25:], b"\x00\x00rubbish", b"more") == b"one two"
    assert decode("gzip", two + b"\x1f", b"\x00") == b"one two"
    assert decode("zstd", zstandard.compress(b"one ") + zstandard.compress(b"two")) == b"one two"
    with pytest.raises(DecodeError):
        decode("gzip", gzip.compress(b"") * (MAX_MEMBERS + 1))


@pytest.mark.parametrize("label", ["", "identity", "utf-8", "none", "aws-chunked", ","])
def test_an_unknown_coding_is_none(label):
    assert decoder_for(label) is None


def test_what_passes_between_two_codings_is_bounded():
    """A stream of empty blocks, packed a thousandfold: the outer coding yields much, the inner one nothing."""
    nothing = gzip.compress(b"")[:10] + b"\0\0\0\xff\xff" * 1_000_000
    decoder = decoder_for("gzip, gzip", max_body_bytes=100_000)
    with pytest.raises(DecodeError, match="between two"):
        list(decoder.feed(gzip.compress(nothing)))
    whole = bytes(range(256)) * 390
    assert b"".join(decoder_for("gzip, br", len(whole)).feed(brotli.compress(gzip.compress(whole)))) == whole


def test_a_long_stack_of_codings_is_refused():
    with pytest.raises(DecodeError, match="more than"):
        decoder_for("gzip, gzip, gzip, gzip")
