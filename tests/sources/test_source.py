"""What INPUT may be, and the one line that refuses what it may not be."""

from __future__ import annotations

import os

import pytest

from engine.errors import UsageError
from engine.sources.source import Compression, Format, Source, fingerprint, resolve


@pytest.mark.parametrize(
    ("name", "kind", "compression"),
    [
        ("a.txt", Format.TXT, Compression.NONE),
        ("a.b.CSV", Format.CSV, Compression.NONE),
        ("a.tsv.gz", Format.TSV, Compression.GZ),
        ("a.jsonl.zst", Format.JSONL, Compression.ZST),
        ("a.ndjson", Format.JSONL, Compression.NONE),
        ("a.parquet", Format.PARQUET, Compression.NONE),
    ],
)
def test_a_file_is_what_its_name_says(tmp_path, name, kind, compression):
    path = tmp_path / name
    path.touch()
    assert resolve(str(path)) == Source(str(path), kind, compression, path)


def test_a_page_is_named_without_its_password():
    source = resolve("https://u:secret@h.example/x")
    assert (source.format, source.name) == (Format.PAGE, "https://h.example/x")
    assert source.url == "https://u:secret@h.example/x"


def test_a_dash_is_stdin():
    assert resolve("-").is_stdin
    assert not resolve("https://h.example/").is_stdin


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("missing.txt", "no such file"),
        ("", "is a folder"),
        ("list.xyz", "known kind: name it as one of .txt .csv"),
        ("list", "known kind"),
        ("list.gz", "known kind"),
        ("fifo.txt", "no regular file: pipe it in"),
    ],
)
def test_what_cannot_be_an_input_is_refused_in_one_line_that_names_it(tmp_path, name, says):
    for made in ("list.xyz", "list", "list.gz"):
        (tmp_path / made).touch()
    os.mkfifo(tmp_path / "fifo.txt")
    with pytest.raises(UsageError) as caught:
        resolve(str(tmp_path / name))
    message = str(caught.value)
    assert says in message
    assert repr(str(tmp_path / name)) in message
    assert "\n" not in message


@pytest.mark.parametrize(
    "text", ["ftp://h/", "http://", "http://u:secret@h:x/", "s3://bucket/key", "\0.txt", "a\nb.txt"]
)
def test_what_is_no_file_and_no_page_is_refused(text):
    with pytest.raises(UsageError) as caught:
        resolve(text)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_an_unreadable_file_is_refused(tmp_path):
    path = tmp_path / "a.txt"
    path.touch(mode=0)
    with pytest.raises(UsageError, match=r"cannot read .*permission denied"):
        resolve(str(path))


def test_a_fingerprint_covers_the_size_the_start_and_the_end(tmp_path):
    path = tmp_path / "a.txt"
    seen = set()
    size = 3 << 20
    for change_at in (None, 0, size - 1):
        data = bytearray(size)
        if change_at is not None:
            data[change_at] = 1
        path.write_bytes(data)
        print_ = fingerprint(path)
        assert print_["size"] == size
        seen.add(print_["sha256"])
    assert len(seen) == 3
    assert fingerprint(path) == fingerprint(path)
    path.write_bytes(data + b"x")
    assert fingerprint(path)["size"] == size + 1


def test_a_fingerprint_of_a_lost_file_names_it(tmp_path):
    with pytest.raises(UsageError, match=r"cannot read .*gone\.txt.*no such file"):
        fingerprint(tmp_path / "gone.txt")
