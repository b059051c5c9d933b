"""Every way in: formats, compressions, stdin, a URL; what else stands in a row comes out with it."""

from __future__ import annotations

import gzip
import json

import pyarrow as pa
import zstandard
from pyarrow import parquet
from system.harness import rows

#: The fetching side alone: no pool is started.
FETCH_ONLY = {"extract__extractor": "none", "nlp__pipeline": "none"}


def test_every_format_carries_its_other_columns(enrich):
    at = enrich.root
    (at / "a.csv").write_text('name,url\n"Smith, Ann",http://csv.test/html/1\n')
    (at / "b.tsv").write_text("url\tcity\nhttp://tsv.test/html/1\tOslo\n")
    with gzip.open(at / "c.jsonl.gz", "wt") as file:
        file.write(json.dumps({"url": "http://jsonl.test/html/1", "nested": {"deep": [1, None]}}) + "\n")
    (at / "d.txt.zst").write_bytes(zstandard.compress(b"http://zst.test/html/1\nhttp://csv.test/html/1\n"))
    table = pa.table({"url": ["http://parquet.test/html/1"], "year": [1999]})
    parquet.write_table(table, at / "e.parquet")
    names = ["a.csv", "b.tsv", "c.jsonl.gz", "d.txt.zst", "e.parquet"]
    first, *others = [at / name for name in names]

    done = enrich(*enrich.run(first, *others, "http://direct.test/html/1", **FETCH_ONLY))

    assert done.code == 0, done.err
    assert {url.split("/")[2]: row["input"] for url, row in rows(enrich.out).items()} == {
        "csv.test": {"name": "Smith, Ann"},
        "tsv.test": {"city": "Oslo"},
        "jsonl.test": {"nested": {"deep": [1, None]}},
        "zst.test": {},
        "parquet.test": {"year": 1999},
        "direct.test": {},
    }
    manifest = json.loads((enrich.out / "run.json").read_bytes())
    assert manifest["counts"]["duplicates"] == 1
    assert [entry["format"] for entry in manifest["inputs"]][:2] == ["csv", "tsv"]


def test_stdin_is_kept_and_resumed_from_the_folder(enrich):
    urls = b"".join(b"http://stdin.test/html/%d\n" % n for n in range(3))
    assert enrich(*enrich.run("-", **FETCH_ONLY), stdin=urls).code == 0
    assert len(rows(enrich.out)) == 3
    again = enrich(*enrich.run("-", **FETCH_ONLY), stdin=b"http://other.test/\n")
    assert again.code == 2
    assert "enrich resume" in again.line
    resumed = enrich.refused("resume", enrich.out)
    assert (resumed.code, "complete" in resumed.line) == (0, True)
