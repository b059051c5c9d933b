"""Records from every kind of text, packed in every way, and from what is hardly text."""

from __future__ import annotations

import csv
import gzip
import io
from itertools import chain

import orjson
import pytest
import zstandard
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.settings.groups import InputSettings
from engine.sources import streams
from engine.sources.readers import check, open_records
from engine.sources.record import MAX_BROKEN_CHARS, MAX_URL_CHARS, Record, priority_of
from engine.sources.source import Compression, Format, Source, resolve

_PACKERS = {"": bytes, ".gz": gzip.compress, ".zst": zstandard.compress}
_DEFAULTS = InputSettings()


def _read(path, after=0, **columns):
    return list(open_records(resolve(str(path)), InputSettings(**columns), after))


@pytest.fixture
def write(tmp_path):
    def write(name, data):
        path = tmp_path / name
        data = data.encode() if isinstance(data, str) else data
        path.write_bytes(_PACKERS.get(path.suffix, bytes)(data))
        return path

    return write


@pytest.mark.parametrize("suffix", _PACKERS)
def test_a_list_skips_comments_and_blank_lines_and_keeps_their_numbers(write, suffix):
    path = write("a.txt" + suffix, "# top\n\nhttp://a/\r\n  http://b/ \r # no\rhttp://c/")
    assert _read(path) == [Record(3, "http://a/"), Record(4, "http://b/"), Record(6, "http://c/")]
    assert _read(path, after=3) == [Record(4, "http://b/"), Record(6, "http://c/")]


@pytest.mark.parametrize("suffix", _PACKERS)
@pytest.mark.parametrize(("kind", "tab"), [("csv", ","), ("tsv", "\t")])
def test_a_table_gives_its_other_columns_and_priorities(write, suffix, kind, tab):
    text = 'id,url,priority,"a note"\n7,http://a/,5,"x\ny"\n\n8, http://b/ ,soon\n9,http://c/,-1000,n,more,yet\n'
    path = write(f"a.{kind}{suffix}", text.replace(",", tab))
    assert _read(path) == [
        Record(2, "http://a/", 5, {"id": "7", "a note": "x\ny"}),
        Record(5, "http://b/", 0, {"id": "8"}),
        Record(6, "http://c/", -100, {"id": "9", "a note": "n", "_extra": ["more", "yet"]}),
    ]
    assert [record.ordinal for record in _read(path, after=2)] == [5, 6]


def test_columns_can_be_chosen(write):
    path = write("a.csv", "\ufeff link ,rank\nhttp://a/,3\n")
    assert _read(path, url_column="link", priority_column="rank") == [Record(2, "http://a/", 3)]


def test_rows_without_a_url_are_broken_records_and_show_their_line(write):
    path = write("a.csv", 'url,n\n,5\n"http://a/\nhttp://b/",6\nhttp://c/\n')
    assert _read(path) == [
        Record(2, ",5", broken=True),
        Record(3, '"http://a/', broken=True),
        Record(5, "http://c/"),
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("link,name\nhttp://a/,x\n", "no column 'url'; it has 'link', 'name': choose one with --url-column"),
        ("", "no column 'url'; it is empty"),
        (",".join(f"c{n}" for n in range(99)), "'c19', …"),
    ],
)
def test_a_table_without_its_column_names_those_it_has(write, text, says):
    path = write("a.csv", text)
    with pytest.raises(UsageError) as caught:
        check(resolve(str(path)), _DEFAULTS)
    assert says in str(caught.value)
    assert "a.csv" in str(caught.value)


def test_a_quote_never_closed_costs_a_row_and_no_memory(write, monkeypatch):
    monkeypatch.setattr("engine.sources.delimited.MAX_RECORD_CHARS", 1_000)
    rows = "".join(f"http://h/{n},\n" for n in range(1_000))
    records = _read(write("a.csv", 'url,note\nhttp://a/,"open\n' + rows))
    assert records[0] == Record(2, 'http://a/,"open', broken=True)
    assert records[-1] == Record(1002, "http://h/999", 0, {"note": ""})
    assert len(records) > 900


def test_a_row_of_many_quoted_lines_is_bounded_too(write, monkeypatch):
    monkeypatch.setattr("engine.sources.delimited.MAX_RECORD_CHARS", 1_000)
    records = _read(write("a.csv", 'url,note\n"a\n' + '","b\n' * 1_000))
    assert len(records) > 3
    assert max(len(str(record)) for record in records) < 2_000


@pytest.mark.parametrize("suffix", _PACKERS)
def test_json_lines_are_objects_or_strings(write, suffix):
    path = write(
        "a.jsonl" + suffix,
        '{"id": 7, "url": "http://a/", "priority": "9", "x": {"y": [null, 1.5]}}\n\n"http://b/"\n{"url": "http://c/"}',
    )
    assert _read(path) == [
        Record(1, "http://a/", 9, {"id": 7, "x": {"y": [None, 1.5]}}),
        Record(3, "http://b/"),
        Record(4, "http://c/"),
    ]


@pytest.mark.parametrize(
    "line",
    [
        '{"url": "http://a/"',
        "http://a/",
        "[]",
        "7",
        "null",
        '{"link": "http://a/"}',
        '{"url": null}',
        '{"url": 7}',
        '"\\ud800"',
        '{"url": "http://a/", "deep": ' + "[" * 300 + "]" * 300 + "}",
        '{"url": "http://a/", "deep": ' + '{"a": ' * 900 + "1" + "}" * 900 + "}",
    ],
)
def test_any_other_line_of_json_is_a_broken_record_with_its_text(write, line):
    records = _read(write("a.jsonl", f'{line}\n"http://b/"\n'))
    assert records[0].broken
    assert records[0].url.rstrip("…") == line[:MAX_BROKEN_CHARS]
    assert records[1] == Record(2, "http://b/")


def test_a_wide_object_is_no_deep_one(write):
    items = [[n] for n in range(500)]
    path = write("a.jsonl", orjson.dumps({"url": "http://a/", "wide": items}))
    assert _read(path) == [Record(1, "http://a/", 0, {"wide": items})]


def test_bytes_that_are_no_utf8_are_read_as_windows_1252_line_by_line(write):
    path = write("a.txt", b"\xef\xbb\xbfhttp://a/\nhttp://b/\xe9\x80\nhttp://c/\xc3\xa9\nhttp://d/\x81\n")
    assert [record.url for record in _read(path)] == ["http://a/", "http://b/é€", "http://c/é", "http://d/\ufffd"]


@pytest.mark.parametrize("name", ["a.txt", "a.csv", "a.jsonl"])
def test_a_line_without_end_is_one_broken_record_of_bounded_size(write, name, monkeypatch):
    monkeypatch.setattr(streams, "_CHUNK_BYTES", 10_000)
    monkeypatch.setattr(streams, "MAX_LINE_BYTES", 400_000)
    for module in ("delimited", "readers"):
        monkeypatch.setattr(f"engine.sources.{module}.MAX_RECORD_CHARS", 99_999)
    long = "http://h/" + "x" * 3_000_000
    records = _read(write(name, f'url\n"{long}"\n"http://b/"\n'))
    assert [len(record.url) for record in records if record.broken][-1] <= MAX_BROKEN_CHARS + 1
    assert records[-1].url.strip('"') == "http://b/"
    assert records[-1].ordinal == 3


def test_a_url_too_long_for_any_server_is_a_broken_record(write):
    path = write("a.txt", "http://h/" + "x" * MAX_URL_CHARS)
    (record,) = _read(path)
    assert record.broken
    assert len(record.url) == MAX_BROKEN_CHARS + 1


@pytest.mark.parametrize("name", ["a.txt", "a.csv", "a.jsonl", "a.txt.gz", "a.txt.zst"])
def test_a_binary_file_is_refused(write, name):
    with pytest.raises(UsageError, match=r"a\.\S+ is a binary file"):
        _read(write(name, b"\x7fELF\x02\x01\x01\0\0\0url\n"))


def test_utf16_is_named_with_its_mend(write):
    with pytest.raises(UsageError, match=r"'.*a\.txt' is UTF-16: .*iconv"):
        _read(write("a.txt", "http://a/\n".encode("utf-16")))


@pytest.mark.parametrize("name", ["a.txt.gz", "a.txt.zst"])
def test_a_file_named_as_packed_must_be(tmp_path, name):
    (tmp_path / name).write_text("http://a/\n")
    with pytest.raises(UsageError, match=r"is no \.(gz|zst) file"):
        _read(tmp_path / name)


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
@pytest.mark.parametrize("lines", [10, 100_000])
def test_a_file_cut_short_gives_its_whole_lines_and_then_names_itself(tmp_path, suffix, lines):
    urls = [f"http://h/{n * n}" for n in range(lines)]
    packed = _PACKERS[suffix]("\n".join(urls).encode())
    path = tmp_path / ("a.txt" + suffix)
    path.write_bytes(packed[: len(packed) * 3 // 4])
    records = []
    with pytest.raises(UsageError, match=r"a\.txt\.\w+' is cut short"):
        records.extend(open_records(resolve(str(path)), _DEFAULTS))  # keeps what came before the error
    assert [record.url for record in records] == urls[: len(records)]
    assert len(records) > lines // 2 or lines == 10


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_damaged_file_names_itself(tmp_path, suffix):
    packed = bytearray(_PACKERS[suffix](b"".join(b"http://h/%d\n" % (n * n) for n in range(10_000))))
    packed[len(packed) // 2] ^= 0xFF
    packed[len(packed) // 2 + 1] ^= 0xFF
    path = tmp_path / ("a.txt" + suffix)
    path.write_bytes(packed)
    with pytest.raises(UsageError, match=r"a\.txt\.\w+' is (damaged|cut short)"):
        _read(path)


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_files_packed_one_after_another_are_read_as_one(tmp_path, suffix):
    path = tmp_path / ("a.txt" + suffix)
    padding = b"\0" * 512 if suffix == ".gz" else b""
    path.write_bytes(b"".join(_PACKERS[suffix](b"http://h/%d\n" % n) for n in range(100)) + padding)
    assert [record.url for record in _read(path)] == [f"http://h/{n}" for n in range(100)]


def test_a_page_is_one_record():
    source = resolve("http://u:p@h/x")
    assert list(open_records(source, _DEFAULTS)) == [Record(1, "http://u:p@h/x")]
    assert list(open_records(source, _DEFAULTS, 1)) == []


def test_the_last_ordinal_moves_over_what_is_no_record(write):
    for name, text, last in (
        ("a.txt", "http://a/\n#\n\n", 3),
        ("a.csv", "url\nhttp://a/\n\n\n", 4),
        ("a.jsonl", "\n\n", 2),
    ):
        records = open_records(resolve(str(write(name, text))), _DEFAULTS)
        assert len(list(records)) <= 1
        assert records.last == last


@pytest.mark.parametrize(
    ("value", "priority"),
    [
        *[("7", 7), (" -7 ", -7), (7, 7), (7.0, 7), (10**30, 100), ("x", 0), ("", 0), (None, 0), ([], 0), ({}, 0)],
        *[("9" * 5_000, 0), (float("nan"), 0), (float("-inf"), 0), (True, 1)],
    ],
)
def test_a_priority_is_an_integer_within_bounds_or_nought(value, priority):
    assert priority_of(value) == priority


_CHUNKS = st.lists(
    st.text('ab#,"{}\r\n\t é\u2028\x0b', max_size=8).map(str.encode) | st.binary(max_size=8), max_size=12
)


@given(_CHUNKS)
@example([b"a\r", b"\nb"])
@example([b"a\r", b"b"])
@example([b"a\r"])
def test_lines_do_not_depend_on_how_the_bytes_arrive(chunks):
    whole = b"".join(chunks)
    lines = list(chain.from_iterable(map(streams.lines_in, streams._line_blocks(iter(chunks)))))
    assert lines == [streams.decode_text(line) for line in whole.splitlines(keepends=True)]


@settings(max_examples=150, deadline=None)
@given(
    data=st.binary(max_size=300) | st.text(max_size=200).map(str.encode),
    kind=st.sampled_from(list(Format)[:4]),
    cut=st.data(),
)
def test_no_bytes_crash_a_reader_and_it_goes_on_after_any_record(tmp_path_factory, data, kind, cut):
    path = tmp_path_factory.getbasetemp() / "fuzz"
    path.write_bytes(b"url,x\tx\n" + data if kind in {Format.CSV, Format.TSV} else data)
    source = Source("fuzz", kind, Compression.NONE, path)
    columns = InputSettings(url_column="x" if kind is Format.TSV else "url")
    try:
        records = list(open_records(source, columns))
    except UsageError:
        return
    assert [record.ordinal for record in records] == sorted({record.ordinal for record in records})
    after = cut.draw(st.integers(0, len(records)))
    ordinal = records[after - 1].ordinal if after else 0
    assert list(open_records(source, columns, ordinal)) == records[after:]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.fixed_dictionaries({"url": st.text("htp:/é,\"' ", min_size=1), "x": st.text('\n,"aé\t', max_size=5)}))
)
def test_what_the_csv_module_writes_is_read_back(tmp_path_factory, rows):
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, ["url", "x"])
    writer.writeheader()
    writer.writerows(rows)
    path = tmp_path_factory.getbasetemp() / "written.csv"
    path.write_bytes(text.getvalue().encode())
    expected = [(row["url"].strip(), {"x": row["x"]}) for row in rows if row["url"].strip()]
    assert [(record.url, record.input) for record in _read(path) if not record.broken] == expected
