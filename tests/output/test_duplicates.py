from __future__ import annotations

import tempfile

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import OutputError
from engine.model.record import Fetched, base_row
from engine.output.codec import open_lines
from engine.output.duplicates import Duplicates
from engine.output.merge import merge, rows_by_input
from engine.output.near import DISTANCE, NONE, nearest_earlier

WORDS = [f"word{number}" for number in range(300)]
TEXT = " ".join(WORDS)
NEARLY = " ".join([*WORDS[:299], "another"])
OTHER = " ".join(reversed(WORDS))


def brute(marks):
    return [
        next((j for j in range(i) if (marks[i] ^ marks[j]).bit_count() <= DISTANCE), NONE) for i in range(len(marks))
    ]


def search(marks, most):
    earliest = np.empty(len(marks), dtype=np.int64)
    nearest_earlier(np.array(marks, dtype=np.uint64), earliest, most=most)
    return earliest.tolist()


#: A few marks, each with some of its bits turned.
MARK = st.builds(
    lambda base, bits: base ^ sum(1 << bit for bit in set(bits)),
    st.sampled_from([0, (1 << 64) - 1, 0x0123456789ABCDEF, 0xFEDCBA9876543210]),
    st.lists(st.integers(0, 63), max_size=5),
)


@settings(deadline=None)
@given(marks=st.lists(MARK, max_size=40), most=st.integers(1, 50))
def test_the_search_is_what_comparing_all_pairs_gives_whatever_its_sizes(marks, most):
    assert search(marks, most) == brute(marks)


def test_a_hundred_thousand_equal_marks_are_one_mark():
    assert set(search([7] * 100_000, most=20_000)) == {NONE, 0}


def test_a_checkpoint_can_stop_a_search():
    with pytest.raises(ZeroDivisionError):
        nearest_earlier(np.zeros(3, dtype=np.uint64), np.zeros(3, dtype=np.int64), checkpoint=lambda: 1 // 0)


def read(path):
    with open_lines(path) as lines:
        return [orjson.loads(line) for line in lines]


@pytest.mark.parametrize("order", ["completion", "input"])
@pytest.mark.parametrize("compression", ["none", "zst"])
def test_rows_name_the_first_of_the_inputs_with_their_text(tmp_path, shard_of, order, compression):
    shards = [shard_of(tmp_path, number, compression) for number in range(2)]
    shards[0].commit([(30, "https://a/30", False, TEXT), (20, "https://a/20", False, OTHER)])
    shards[0].commit([(50, "https://a/50", False, ""), (60, "https://a/60", True, TEXT)])
    shards[1].commit([(10, 'https://b/"10"', False, TEXT), (40, "https://b/40", False, NEARLY)])
    parts = [shard.part for shard in shards]

    with Duplicates(rows_by_input(parts, window_bytes=1)) as duplicates:
        assert duplicates.count == 2
        result = merge(parts, tmp_path, order, compression, duplicates=duplicates)

    output, failures = (read(tmp_path / name) for name in result.files)
    assert {row["url"]: row["duplicate_of"] for row in output} == {
        'https://b/"10"': None,
        "https://a/20": None,
        "https://a/30": 'https://b/"10"',
        "https://b/40": 'https://b/"10"',
        "https://a/50": None,
        "https://a/60": None,
    }
    assert [row["duplicate_of"] for row in failures] == [None]
    merge(parts, tmp_path, order, compression)
    assert [row | {"duplicate_of": None} for row in output] == read(tmp_path / next(iter(result.files)))


def test_what_a_row_holds_is_not_taken_for_its_layout():
    hostile = ',"simhash":"0123456789abcdef","duplicate_of":null,"from_cache":'
    row = base_row(Fetched(url='https://a/?,"url_hash":', fetch_url="x", shard=0, input={"simhash": "f" * 16}), "")
    row["text_content"] = row["error"] = hostile
    line = orjson.dumps(row)
    with Duplicates([(1, line)]) as duplicates:
        assert duplicates.marked(1, line) == line
    row["simhash"] = "0" * 16
    line = orjson.dumps(row)
    with Duplicates([(1, line), (2, line)]) as duplicates:
        assert duplicates.marked(1, line) == line
        assert orjson.loads(duplicates.marked(2, line)) == row | {"duplicate_of": row["url"]}


def test_rows_of_another_layout_and_a_full_disk_are_said(monkeypatch, tmp_path):
    with pytest.raises(OutputError, match="not of this version's layout"):
        Duplicates([(1, b"{}")])
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    with pytest.raises(OutputError, match="none: cannot be written: No such file"):
        Duplicates([])


def test_nothing_is_no_duplicate():
    with Duplicates([]) as duplicates:
        assert (duplicates.count, duplicates.has(1)) == (0, False)
