"""Rows of Parquet files, whatever their columns hold."""

from __future__ import annotations

import datetime as dt
import gzip
import sys
from decimal import Decimal

import orjson
import pyarrow as pa
import pytest
import zstandard
from pyarrow import parquet

from engine.errors import UsageError
from engine.settings.groups import InputSettings
from engine.sources.readers import check, open_records
from engine.sources.record import Record
from engine.sources.source import resolve

_DEFAULTS = InputSettings()


def _read(path, after=0):
    return list(open_records(resolve(str(path)), _DEFAULTS, after))


@pytest.fixture
def write(tmp_path):
    def write(table, name="a.parquet", **options):
        path = tmp_path / name
        parquet.write_table(pa.table(table), path, **options)
        return path

    return write


def test_a_row_gives_its_url_its_priority_and_its_other_columns(write):
    path = write({"id": [7, 8], "url": ["http://a/", " http://b/ "], "priority": [3, None], "x": [None, "y"]})
    assert _read(path) == [
        Record(1, "http://a/", 3, {"id": 7, "x": None}),
        Record(2, "http://b/", 0, {"id": 8, "x": "y"}),
    ]


@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".zst", zstandard.compress)])
def test_a_packed_file_is_read_as_the_plain_one(write, suffix, pack):
    path = write({"url": ["http://a/"]})
    packed = path.with_name("a.parquet" + suffix)
    packed.write_bytes(pack(path.read_bytes()))
    assert _read(packed) == [Record(1, "http://a/")]


@pytest.mark.parametrize("after", [0, 1, 9, 10, 11, 25, 29, 30, 31])
def test_reading_goes_on_after_any_row_and_leaves_earlier_groups_unread(write, after):
    path = write({"url": [f"http://h/{n}" for n in range(1, 31)]}, row_group_size=10)
    assert [record.ordinal for record in _read(path, after)] == list(range(after + 1, 31))
    assert all(record.url == f"http://h/{record.ordinal}" for record in _read(path, after))


def test_values_become_what_json_has(write):
    day = dt.datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=dt.UTC)
    oslo = dt.timezone(dt.timedelta(hours=1))
    path = write(
        {
            "url": ["http://a/"],
            "utc": pa.array([day], pa.timestamp("us", "UTC")),
            "zoned": pa.array([day.astimezone(oslo)], pa.timestamp("ms", "+01:00")),
            "naive": pa.array([day.replace(tzinfo=None)], pa.timestamp("ns")),
            "day": [dt.date(2026, 1, 2)],
            "time": [dt.time(3, 4, 5)],
            "span": [dt.timedelta(seconds=90)],
            "price": [Decimal("1.50")],
            "bytes": [b"\xc3\xa9"],
            "latin": [b"\xe9"],
            "nan": [float("nan")],
            "inf": [float("inf")],
            "deep": [{"list": [day.date()], "none": None}],
            "big": pa.array([2**64 - 1], pa.uint64()),
            "kind": pa.array(["x"]).dictionary_encode(),
            "yes": [True],
        }
    )
    (record,) = _read(path)
    assert record.input == {
        "utc": "2026-01-02T03:04:05.678000Z",
        "zoned": "2026-01-02T04:04:05.678000+01:00",
        "naive": "2026-01-02T03:04:05.678000Z",
        "day": "2026-01-02",
        "time": "03:04:05",
        "span": 90.0,
        "price": "1.50",
        "bytes": "é",
        "latin": "é",
        "nan": None,
        "inf": None,
        "deep": {"list": ["2026-01-02"], "none": None},
        "big": 2**64 - 1,
        "kind": "x",
        "yes": True,
    }
    assert orjson.loads(orjson.dumps(record.input)) == record.input


def test_what_python_cannot_hold_is_null_and_costs_no_other_value(write):
    far = pa.array([10**17, 0], pa.int64()).cast(pa.timestamp("us"))
    path = write({"url": ["http://a/", "http://b/"], "far": far, "nested": pa.StructArray.from_arrays([far], ["at"])})
    assert [record.input for record in _read(path)] == [
        {"far": "5138-11-16T09:46:40Z", "nested": {"at": "5138-11-16T09:46:40Z"}},
        {"far": "1970-01-01T00:00:00Z", "nested": {"at": "1970-01-01T00:00:00Z"}},
    ]
    beyond = pa.array([10**18, 0], pa.int64()).cast(pa.timestamp("us"))
    assert [record.input for record in _read(write({"url": ["http://a/", "http://b/"], "far": beyond}))] == [
        {"far": None},
        {"far": "1970-01-01T00:00:00Z"},
    ]


def test_text_that_is_no_utf8_is_read_all_the_same(write):
    url = pa.array([b"http://a/\xe9"], pa.binary())
    bad = pa.StringArray.from_buffers(1, *url.buffers()[1:])
    assert [record.url for record in _read(write({"url": bad}))] == ["http://a/é"]


def test_a_row_without_a_text_for_a_url_is_a_broken_record(write):
    records = _read(write({"url": pa.array([None, "http://b/"])}))
    assert [(record.url, record.broken) for record in records] == [("None", True), ("http://b/", False)]
    assert [record.broken for record in _read(write({"url": [7, 8]}))] == [True, True]


def test_a_missing_column_and_a_file_of_another_kind_are_refused(write, tmp_path):
    with pytest.raises(UsageError, match=r"no column 'url'; it has 'link': choose one with --url-column"):
        check(resolve(str(write({"link": ["http://a/"]}))), _DEFAULTS)
    other = tmp_path / "b.parquet"
    for data in (b"", b"http://a/\n", b"PAR1" + b"x" * 100 + b"PAR1"):
        other.write_bytes(data)
        with pytest.raises(UsageError, match=r"b\.parquet' is no Parquet file, or a damaged one") as caught:
            check(resolve(str(other)), _DEFAULTS)
        assert "\n" not in str(caught.value)


def test_a_column_whose_name_is_no_utf8_is_refused(write):
    path = write({"url": ["http://a/"], "column": [1]}, store_schema=False)
    path.write_bytes(path.read_bytes().replace(b"column", b"col\xffmn"))
    with pytest.raises(UsageError, match="no Parquet file, or a damaged one"):
        check(resolve(str(path)), _DEFAULTS)


def test_a_missing_extra_is_named_with_the_command_that_installs_it(write, monkeypatch):
    path = write({"url": ["http://a/"]})
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UsageError, match=r"pip install 'enrich-engine\[parquet\]'"):
        check(resolve(str(path)), _DEFAULTS)
