from __future__ import annotations

from engine.observe.mends import MENDS
from engine.observe.report import FailureGroup, Summary, summarise


def test_a_summary_tells_counts_causes_and_mends():
    text = summarise(
        Summary(
            rows=6000,
            failed=1404,
            finished=6000,
            duration_s=130.0,
            duplicates=12,
            failed_by_kind={"http_status": 150, "robots_disallowed": 1204, "dns_not_found": 50, "rate_limited": 0},
            groups=[
                FailureGroup(
                    "robots_disallowed", "example.org", 1204, "https://example.org/a", "robots.txt forbids /a"
                ),
                FailureGroup("http_status", "a.example", 90, "https://a.example/x", "404 Not Found"),
                FailureGroup("http_status", "b.example", 59, "https://b.example/y", "500"),
                FailureGroup("http_status", "c.example", 1, "https://c.example/z", "500"),
                FailureGroup("dns_not_found", "gone0.example", 1, "https://gone0.example/", "no such host"),
            ],
            slow_sites=[("slow.example", 1204, 1204.0), ("b.example", 1, 3.0)],
        )
    )
    assert text.splitlines() == [
        "6,000 rows: 4,596 enriched (76.6%), 1,404 failed",
        "12 duplicates left out",
        "6,000 pages in 2m 10s, 46.2 pages/s",
        "Commonest failures:",
        "  robots_disallowed at example.org: 1,204 URLs; e.g. https://example.org/a (robots.txt forbids /a); "
        + MENDS["robots_disallowed"],
        "  http_status: 150 URLs (most at a.example 90, b.example 59); e.g. https://a.example/x (404 Not Found); "
        + MENDS["http_status"],
        "  dns_not_found: 50 URLs; e.g. https://gone0.example/ (no such host); " + MENDS["dns_not_found"],
        "Slowest sites:",
        "  slow.example: 1,204 URLs, 20m 04s at its delay",
        "  b.example: 1 URL, 3.0s at its delay",
    ]


def test_a_run_without_failures_is_short():
    assert summarise(Summary(rows=1, failed=0, finished=0, duration_s=0.0)).splitlines() == [
        "1 row: 1 enriched (100.0%), 0 failed",
        "0 pages in 0.0s",
    ]


def test_counts_that_are_lower_bounds_say_so():
    groups = [FailureGroup("http_status", "a.example", 90, "https://a.example/x", "404")]
    text = summarise(Summary(200, 150, 200, 9.0, {"http_status": 150}, groups, exact=False))
    assert "http_status: 150 URLs (most at a.example at least 90); e.g." in text


def test_kinds_without_example_and_kinds_of_a_later_version_are_told_too():
    text = summarise(Summary(2, 2, 2, 9.0, {"tls_failed": 1, "eaten_by_dog": 1}))
    assert f"  tls_failed: 1 URL; {MENDS['tls_failed']}" in text
    assert "  eaten_by_dog: 1 URL; see the rows' error" in text


def test_nothing_from_outside_reaches_the_terminal_raw():
    groups = [FailureGroup("invalid_url", "", 1, "http://u:secret@x\x1b[2J" + "y" * 5000, "bad\nline " * 500)]
    text = summarise(Summary(1, 1, 1, 1.0, {"invalid_url": 1}, groups, slow_sites=[("\x1bslow", 1, 1.0)]))
    assert "\x1b" not in text
    assert "secret" not in text
    assert len(text.splitlines()) == 6
    assert max(map(len, text.splitlines())) < 600
