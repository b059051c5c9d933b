from __future__ import annotations

import gzip

import pytest

from engine.errors import UsageError
from engine.sources.rows import TableRow, table_rows
from engine.sources.source import resolve


def read(path, data):
    path.write_bytes(data)
    return list(table_rows(resolve(str(path))))


def test_csv_rows_keep_their_columns_and_lines(tmp_path):
    data = 'name, org ,name\n"Ada\nLovelace",X,other\n\n,,\nBob,"Y, Z",o,more\n'
    assert read(tmp_path / "a.csv", data.encode()) == [
        TableRow(2, {"name": "Ada\nLovelace", "org": "X"}),
        TableRow(6, {"name": "Bob", "org": "Y, Z", "_extra": ["more"]}),
    ]


def test_tsv_and_packed_files_are_read_too(tmp_path):
    assert read(tmp_path / "a.tsv", b"name\tx\nAda\t1\n") == [TableRow(2, {"name": "Ada", "x": "1"})]
    assert read(tmp_path / "a.csv.gz", gzip.compress(b"name\nAda\n")) == [TableRow(2, {"name": "Ada"})]


def test_a_line_of_json_that_is_no_object_is_told_by_its_text(tmp_path):
    rows = read(tmp_path / "a.jsonl", b'{"name": "Ada"}\n\n["x"]\n{"name": \n')
    assert rows == [TableRow(1, {"name": "Ada"}), TableRow(3, None, '["x"]'), TableRow(4, None, '{"name":')]


def test_parquet_rows_are_numbered(tmp_path):
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet  # noqa: PLC0415 - an extra

    parquet.write_table(pa.table({"name": ["Ada", None], "age": [36, 4]}), tmp_path / "a.parquet")
    rows = list(table_rows(resolve(str(tmp_path / "a.parquet"))))
    assert rows == [TableRow(1, {"name": "Ada", "age": 36}), TableRow(2, {"name": None, "age": 4})]


@pytest.mark.parametrize(("name", "data", "words"), [("a.txt", b"Ada\n", "no columns"), ("a.csv", b"", "no header")])
def test_what_has_no_columns_is_refused(tmp_path, name, data, words):
    with pytest.raises(UsageError, match=words):
        read(tmp_path / name, data)
