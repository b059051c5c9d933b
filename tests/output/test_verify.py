from __future__ import annotations

from dataclasses import replace

import pytest

from engine.output.codec import Encoder, compression_of
from engine.output.merge import merge
from engine.output.verify import MAX_PROBLEMS_A_FILE, verify

COMPRESSIONS = ["none", "gz", "zst"]


@pytest.fixture(params=COMPRESSIONS)
def run(request, tmp_path, shard_of):
    """A finished run of two shards: (its shards, its folder, its manifest)."""
    (tmp_path / "parts").mkdir()
    shards = [shard_of(tmp_path / "parts", number, request.param) for number in range(2)]
    for shard in shards:
        site = f"https://s{shard.shard}.example"
        shard.commit([(1, f"{site}/a", False, ""), (2, f"{site}/b", True, "")])
        shard.commit([(3, f"{site}/c", False, ""), (2, f"{site}/b", False, "")])
    shards[1].commit([(9, "https://s1.example/x", True, "")])
    return shards, tmp_path, manifest_of(shards, tmp_path, request.param)


def manifest_of(shards, folder, compression):
    result = merge([shard.part for shard in shards], folder, "completion", compression)
    counts = {"rows": result.rows, "done": result.rows - result.failed, "failed": result.failed}
    return {"counts": counts, "outputs": result.files}


def check(shards, folder, manifest):
    return verify([shard.part for shard in shards], folder, manifest)


def test_a_sound_run_has_no_problem(run):
    assert check(*run) == []


def test_a_run_that_was_never_merged_is_checked_by_its_parts(run):
    shards, folder, _ = run
    assert check(shards, folder, {}) == []


def test_a_changed_byte_of_a_part_is_told_by_its_commit(run):
    shards, folder, manifest = run
    content = bytearray(shards[1].path.read_bytes())
    content[shards[1].records[2].offset + 3] ^= 8
    shards[1].path.write_bytes(content)
    assert check(shards, folder, manifest) == [f"parts/{shards[1].path.name}, commit 2: its checksum is wrong"]


def test_a_part_of_the_wrong_length_is_told(run):
    shards, folder, manifest = run
    shards[0].path.write_bytes(shards[0].path.read_bytes() + b"tail")
    shards[1].path.write_bytes(shards[1].path.read_bytes()[:-1])
    longer, shorter = check(shards, folder, manifest)
    assert longer == f"parts/{shards[0].path.name}: 4 bytes after the last commit; enrich resume cuts them"
    assert shorter.startswith(f"parts/{shards[1].path.name}, commit 3: 1 of its ")


def test_a_missing_part_is_told(run):
    shards, folder, manifest = run
    shards[0].path.unlink()
    assert [line.split(":")[0] for line in check(shards, folder, manifest)] == [
        f"parts/{shards[0].path.name}, commit 1",
        f"parts/{shards[0].path.name}, commit 2",
    ]


def test_two_live_rows_of_a_url_are_found_across_parts(run):
    shards, folder, _ = run
    shards[1].commit([(7, "https://s0.example/c", False, "")])
    (problem,) = check(shards, folder, {})
    assert problem == (
        f"parts/{shards[1].path.name}, commit 4: a second live row of https://s0.example/c;"
        f" another in parts/{shards[0].path.name}, commit 2"
    )


def test_a_row_that_stays_live_beside_its_successor_is_found(run):
    shards, folder, _ = run
    part = shards[0].part
    url = "https://s0.example/a"
    old = shards[0].results[url][:3]
    shards[0].commit([(1, url, False, "")])

    def live(order):
        assert order == "completion"
        return iter([old, *shards[0].live(order)])

    (problem,) = verify([replace(part, live=live), shards[1].part], folder, {})
    assert problem.endswith(f"a second live row of {url}; another in parts/{shards[0].path.name}, commit 1")


def test_rows_that_are_no_rows_are_told_by_their_place(tmp_path, shard_of):
    shard = shard_of(tmp_path, 0)
    shard.commit([(1, "https://a.example/", False, ""), (2, "https://b.example/", True, "")])
    position, place, failed, line = shard.results["https://b.example/"]
    shard.results["https://b.example/"] = (position, replace(place, start=place.start + 1), failed, line)
    shard.results["https://a.example/"] = (*shard.results["https://a.example/"][:2], True, b"")
    first, second = verify([shard.part], tmp_path, {})
    assert first == (
        f"{shard.path.name}, commit 1, byte 0 of the decoded block:"
        " error_kind is None, but the frontier holds the row as failed"
    )
    assert "of the decoded block: no row of" in second


def test_merged_files_that_were_changed_are_told(run):
    shards, folder, manifest = run
    output, failures = (folder / name for name in manifest["outputs"])
    encoder = Encoder(compression_of(output))
    output.write_bytes(output.read_bytes() + encoder.encode(b"not JSON\n"))
    failures.unlink()
    problems = check(shards, folder, manifest)
    size, rows = output.stat().st_size, manifest["outputs"][output.name]["rows"]
    assert problems == [
        f"{output.name}: {size:,} bytes, run.json says {manifest['outputs'][output.name]['bytes']}",
        f"{output.name}: its SHA-256 is not the one in run.json: it was changed after the run, or damaged",
        f"{output.name}, line {rows + 1}: no valid JSON row",
        f"{output.name}: {rows + 1} rows, run.json says {rows}",
        f"{output.name}: {rows + 1} rows, the parts hold {rows}",
        f"{failures.name}: cannot be read: No such file or directory; to write it again: enrich merge",
    ]


def test_a_merged_file_that_was_cut_is_told(run):
    shards, folder, manifest = run
    output = folder / next(iter(manifest["outputs"]))
    output.write_bytes(output.read_bytes()[:-4])
    problems = check(shards, folder, manifest)
    assert any("bytes, run.json says" in problem for problem in problems)
    assert all(problem.startswith(output.name) for problem in problems)


def test_counts_that_differ_from_the_parts_are_told(run):
    shards, folder, manifest = run
    manifest["counts"]["rows"] += 1
    assert check(shards, folder, manifest) == ["run.json: counts 8 rows, the parts hold 7"]


@pytest.mark.parametrize("mangled", [{"outputs": 3, "counts": []}, {"outputs": {"failures.jsonl": None}}])
def test_a_mangled_manifest_is_a_problem_and_no_crash(run, mangled):
    shards, folder, _ = run
    assert isinstance(check(shards, folder, mangled), list)


def test_a_flood_of_problems_is_counted_not_told(tmp_path, shard_of):
    shard = shard_of(tmp_path, 0)
    for number in range(MAX_PROBLEMS_A_FILE + 5):
        shard.commit([(number, f"https://a.example/{number}", False, "")])
    shard.path.unlink()
    problems = verify([shard.part], tmp_path, {})
    assert len(problems) == MAX_PROBLEMS_A_FILE + 1
    assert problems[-1] == f"{shard.path.name}: 5 more problems"
