"""The same list gives the same file, byte for byte but for times and shard, however many processes shared the work.

It is in the order of the list.
"""

from __future__ import annotations

import re

import pytest
from nlp.tiny_pipelines import trained
from system.harness import rows

#: What two runs may differ in, as bytes of a row.
TIMES = re.compile(rb'"(?:fetch_duration_ms|process_duration_ms|enriched_at|shard)":[^,}]+')
URLS = [
    *(f"http://{host}.test/html/{number}" for number in range(6) for host in ("a", "b")),
    "http://c.test/status/404",
    "no url at all",
]


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    return str(trained(tmp_path_factory.mktemp("pipelines") / "own", shared=False, rounds=3))


@pytest.mark.parametrize("kind", ["builtin", "own"])
def test_rows_do_not_depend_on_processes_and_batches(enrich, request, kind):
    name = request.getfixturevalue("pipeline") if kind == "own" else kind
    listing = enrich.listing(URLS)
    merged = []
    for processes, batch, shards in ((1, 1, 1), (4, 16, 2)):
        enrich.out = enrich.root / f"out-{processes}"
        settings = {
            "nlp__pipeline": name,
            "nlp__batch_pages": batch,
            "run__nlp_processes": processes,
            "run__shards": shards,
        }
        done = enrich(*enrich.run(listing, "--mark-duplicates", output__order="input", **settings))
        assert done.code == 0, done.err
        if processes == 1:
            assert enrich.refused("merge", enrich.out, "--no-mark-duplicates").code == 0
            assert b'"duplicate_of":"' not in (enrich.out / "enrichment_output.jsonl").read_bytes()
            assert enrich.refused("merge", enrich.out, "--mark-duplicates").code == 0
        merged.append(TIMES.sub(b"", (enrich.out / "enrichment_output.jsonl").read_bytes()).splitlines())
    assert merged[0] == merged[1]
    assert list(rows(enrich.out)) == URLS
    assert sum(b'"duplicate_of":"http://a.test/html/' in row for row in merged[0]) == 6
    assert sum(b'"entities":[{' in row for row in merged[0]) == 12
