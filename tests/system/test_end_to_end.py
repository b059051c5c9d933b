"""A run from its list to its files, and what the other commands say of it."""

from __future__ import annotations

import json

from system.harness import contents, lines, rows

from engine.model.record import Fetched, base_row

URLS = [
    "# a comment, and a blank line",
    "",
    "http://USER:secret@A.test:80/html/1#top",
    "http://a.test/html/1",  # the same page
    "http://a.test/html/2",
    "http://b.test/status/404",
    "http://bücher.test/html/3",
    "no url at all",
    "no url at all",
    "ftp://a.test/file",
]

#: The order is the rows' too.
FIELDS = list(base_row(Fetched("", "", 0), ""))


def test_a_run_end_to_end(enrich):
    listing = enrich.listing(URLS)
    done = enrich(*enrich.run(listing))
    assert done.code == 0, done.err
    assert done.out == ""
    assert "6 rows: 3 enriched (50.0%), 3 failed" in done.err

    found = rows(enrich.out)
    assert set(found) == {
        "http://a.test/html/1",
        "http://a.test/html/2",
        "http://b.test/status/404",
        "http://xn--bcher-kva.test/html/3",
        "no url at all",
        "ftp://a.test/file",
    }
    assert all(list(row) == FIELDS for row in found.values())

    page = found["http://a.test/html/1"]
    assert page["url"] == "http://A.test:80/html/1#top"  # the lowest ordinal's, without user and password
    assert (page["status_code"], page["error"], page["error_kind"], page["attempts"]) == (200, None, None, 1)
    assert page["final_url"] == page["fetch_url"]
    assert page["content_type"].startswith("text/html")
    assert page["content_length"] > len(page["text_content"]) > 500
    assert page["word_count"] == len(page["text_content"].split())
    assert page["title"]
    assert page["language"] == "en"
    assert page["entities"]
    assert page["keywords"]
    assert page["content_summary"]
    assert page["metadata"]["author"]
    assert page["url_hash"] != found["http://a.test/html/2"]["url_hash"]
    assert "secret" not in "".join(map(str, contents(enrich.out / "parts").values()))

    assert found["http://b.test/status/404"]["error_kind"] == "http_status"
    invalid, ftp = found["no url at all"], found["ftp://a.test/file"]
    assert (invalid["error_kind"], invalid["attempts"], invalid["status_code"]) == ("invalid_url", 0, 0)
    assert "line 8:" in invalid["error"]
    assert (ftp["error_kind"], "line 10:" in ftp["error"]) == ("refused_scheme", True)

    failures = lines(enrich.out / "failures.jsonl")
    assert {row["url"] for row in failures} == {row["url"] for row in found.values() if row["error_kind"]}

    manifest = json.loads((enrich.out / "run.json").read_bytes())
    counts = manifest["counts"]
    assert manifest["state"] == "complete"
    assert (counts["known"], counts["done"], counts["failed"], counts["duplicates"]) == (6, 3, 3, 2)
    assert counts["failed_by_kind"] == {"http_status": 1, "invalid_url": 1, "refused_scheme": 1}

    verified = enrich("verify", enrich.out)
    assert (verified.code, verified.out) == (0, "")
    assert verified.line.endswith("sound")

    # The same command again: it says so, and touches nothing.
    before = contents(enrich.out)
    again = enrich(*enrich.run(listing))
    assert again.code == 0
    assert "complete" in again.line
    after = contents(enrich.out)
    assert {name for name in before if name != "state/lock" and before[name] != after[name]} == set()
    assert set(after) == set(before)

    status = enrich("status", enrich.out, "--json")
    told = json.loads(status.out)
    assert (status.code, status.err) == (0, "")
    assert (told["state"], told["known"], told["done"], told["failed"]) == ("complete", 6, 3, 3)


def test_merge_and_verify_tell_what_a_folder_is_worth(enrich):
    listing = enrich.listing(f"http://m.test/html/{n}" for n in range(3))
    assert enrich(*enrich.run(listing, "--no-nlp", extract__extractor="none", output__compression="gz")).code == 0
    merged = enrich.out / "enrichment_output.jsonl.gz"
    before = merged.read_bytes()
    merged.unlink()
    assert enrich.refused("verify", enrich.out).code == 5
    assert enrich("merge", enrich.out).line.endswith("merged 3 rows, 0 of them errors")
    assert merged.read_bytes() == before

    part = enrich.out / "parts" / "part-00000.jsonl.gz"
    damaged = bytearray(part.read_bytes())
    damaged[len(damaged) // 2] ^= 0xFF
    part.write_bytes(damaged)
    verified = enrich.refused("verify", enrich.out)
    assert verified.code == 5
    assert "part-00000" in verified.out
