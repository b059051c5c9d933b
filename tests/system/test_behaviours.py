"""What servers do, good, odd and hostile, and the row that each of it must yield: one run over a host for each.

What would hang ends at its limit, and no process grows by more than 100 MB, however much a server sends: it is compared
with a run over one good page.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from system.harness import PATIENCE_S, Enrich, marked, role_of, rows

PAGE = "/html/1"

#: Paths that give article 1 whole, in whatever framing and coding.
WHOLE = [
    PAGE, "/chunked", "/early-hints", "/gzip", "/deflate", "/deflate-raw", "/br", "/zstd", "/stacked", "/gzip-members",
    "/coding/none", "/coding/utf-8", "/once", "/headers-huge/20000",
    *(
        f"/raw/{name}"
        for name in (
            "no-reason", "no-reason-no-space", "lf-only", "leading-blank-lines", "lower-case-names", "folded-header",
            "header-not-ascii", "http-1.0", "continue-first", "processing-thrice", "no-content-type",
            "wrong-content-type", "no-length", "no-length-keep-alive", "chunked-trailers", "chunked-one-byte-each",
            "chunked-size-zeros", "chunked-size-upper", "chunked-in-http-1.0", "chunked-mixed-case", "chunked-gzip",
            "gzip-upper-case", "x-gzip", "gzip-two-lines", "gzip-then-rubbish", "gzip-not-said", "gzip-twice-said-once",
            "zstd-skippable", "stack-of-three", "identity", "coding-unknown", "coding-empty",
        )
    ),
]  # fmt: skip

#: Which of them are other pages of the tests' web than article 1.
OF_ARTICLE_0 = {"/once", "/headers-huge/20000"}

#: path: (error_kind, status_code). The status is 0 where no whole answer came.
ENDS = {
    # -- answers without a text --
    "/raw/length-zero": (None, 200),
    "/raw/empty": (None, 200),
    "/raw/gzip-empty": (None, 200),
    "/raw/gzip-of-nothing": (None, 200),
    "/raw/204-with-body": (None, 204),
    "/raw/205-with-body": (None, 205),
    "/raw/304-with-body": ("http_status", 304),
    "/empty-with-body/204": (None, 204),
    "/status/304": ("http_status", 304),
    "/status/404": ("http_status", 404),
    "/status/451": ("http_status", 451),
    "/status/500": ("http_status", 500),
    "/status/503": ("rate_limited", 503),
    "/status/429": ("rate_limited", 429),
    "/raw/status-600": ("http_status", 600),
    "/raw/status-999": ("http_status", 999),
    # -- heads that are none --
    "/not-http": ("bad_response", 0),
    "/headers-huge/100000": ("bad_response", 0),
    "/headers-many/1000": ("bad_response", 0),
    "/headers-endless": ("bad_response", 0),
    **{
        f"/raw/{name}": ("bad_response", 0)
        for name in (
            "header-without-colon", "space-before-colon", "nul-in-header", "empty-header-name", "status-99",
            "status-1000", "status-no-number", "http-2-line", "http-0.9", "icy", "tls-alert", "switching-protocols",
        )
    },
    # -- lengths and chunks that lie --
    **{
        f"/raw/{name}": ("bad_response", 0)
        for name in (
            "length-negative", "length-signed", "length-hex", "length-not-a-number", "length-enormous",
            "length-twice-same", "length-twice-different", "length-list", "length-and-chunked",
            "chunked-size-enormous", "chunked-size-negative", "chunked-bare-lf",
        )
    },
    "/chunked-bad": ("bad_response", 0),
    "/raw/length-too-long": ("connection_lost", 0),
    "/raw/chunked-short-chunk": ("connection_lost", 0),
    "/raw/chunked-no-end": ("connection_lost", 0),
    "/partial": ("connection_lost", 0),
    "/partial-chunked": ("connection_lost", 0),
    "/reset": ("connection_lost", 0),
    "/close": ("connection_lost", 0),
    # -- codings that lie --
    "/bad-gzip": ("decode_failed", 0),
    "/cut-gzip": ("decode_failed", 0),
    **{
        f"/raw/{name}": ("decode_failed", 0)
        for name in (
            "gzip-wrong-checksum", "gzip-no-checksum", "gzip-as-br", "gzip-as-deflate", "gzip-of-nothing-for-ever",
            "deflate-cut", "deflate-raw-cut", "br-cut", "zstd-cut", "zstd-window-of-2-gib", "stack-of-nine",
            "stack-of-nothing",
        )
    },
    "/raw/transfer-gzip": (None, 200),  # unasked, and packed all the same: read as a text that was packed unsaid
    "/raw/gzip-quoted": (None, 200),
    # -- too much --
    "/body/2000000": ("body_too_large", 0),
    "/endless": ("body_too_large", 0),
    "/bomb": ("body_too_large", 0),
    "/bomb-zstd": ("body_too_large", 0),
    "/flood/interim": ("bad_response", 0),
    "/flood/trailers": ("bad_response", 0),
    "/flood/blank-lines": ("bad_response", 0),
    "/flood/header-value": ("bad_response", 0),
    "/flood/status-line": ("bad_response", 0),
    "/flood/extension": ("body_too_large", 0),
    "/flood/gzip-of-nothing": ("body_too_large", 0),
    "/flood/gzip-name": ("body_too_large", 0),
    "/flood/zstd-of-nothing": ("body_too_large", 0),
    "/flood/skippable": ("decode_failed", 0),
    # -- too slow --
    "/hang": ("read_timeout", 0),
    "/hang-head": ("read_timeout", 0),
    "/slow-body/100000/1000": ("total_timeout", 0),
    "/raw/length-too-long-open": ("total_timeout", 0),
    # -- redirects --
    "/redirect-loop": ("too_many_redirects", 302),
    "/redirect-nowhere": ("bad_redirect", 302),
}  # fmt: skip

#: What a charset's page says, and in which encodings, told where.
SAID = {
    "/charset/shift_jis": "日本語の記事です。",
    "/charset/windows-1251": "Это статья.",
    "/charset/iso-8859-15": "Ein Käse für 5 €, bitte",
    "/charset-meta/windows-1252": "Ein Käse für 5 €, bitte",
    "/charset-meta/shift_jis": "日本語の記事です。",
    "/charset-meta/utf-8": "Ein Käse für 5 €, bitte",
}

#: What is slow is endless, so any limit finds it; this one leaves the others time on a busy machine.
TIMEOUT_S = 6
GROWTH_BYTES = 100_000_000


class Run:
    """A run over these paths, each on a host of its own: its rows by path, and the most memory by role."""

    def __init__(self, enrich: Enrich, paths):
        enrich.out = enrich.root / f"out-{len(paths)}"
        urls = {f"http://h{number}.test{path}": path for number, path in enumerate(paths)}
        settings = {
            "fetch__timeout_s": TIMEOUT_S, "fetch__max_body_bytes": 1_000_000, "fetch__max_redirects": 3,
            "retry__max_attempts": 1, "run__shards": 1, "run__nlp_processes": 1, "politeness__max_retry_after_s": 1,
            "nlp__pipeline": "rules",
        }  # fmt: skip
        began = time.monotonic()
        running = enrich.start(*enrich.run(enrich.listing(urls), **settings))
        self.peaks: dict[str, int] = {}
        while running.process.poll() is None and time.monotonic() < began + PATIENCE_S:
            for process in marked(enrich.mark):
                role = role_of(process)
                self.peaks[role] = max(self.peaks.get(role, 0), _peak_bytes(process.pid))
            time.sleep(0.05)  # the kernel keeps each peak, so only the last look at a process counts
        assert running.ended() == 0, running.err
        self.rows = {urls[url]: row for url, row in rows(enrich.out).items()}


def _peak_bytes(pid: int) -> int:
    """The most memory that a process has held so far, by the kernel's own count; 0 of one that has gone."""
    try:
        words = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) * 1024 for line in words.splitlines() if line.startswith("VmHWM:")), 0)


@pytest.fixture(scope="module")
def runs(tmp_path_factory, web):
    """A run over good pages, enough of them that each process is seen, and one over all of it."""
    enrich = Enrich(tmp_path_factory.mktemp("behaviours"), web.port)
    try:
        good = Run(enrich, [PAGE, *(f"/html/{n}" for n in range(100, 200))])
        return good, Run(enrich, [*WHOLE, *ENDS, *SAID, "/raw/length-too-short"])
    finally:
        enrich.close()


def test_there_are_at_least_eighty_and_all_have_their_row(runs):
    assert len(runs[1].rows) == len(WHOLE) + len(ENDS) + len(SAID) + 1 >= 80


@pytest.mark.parametrize("path", WHOLE)
def test_a_whole_page_is_read_in_whatever_form_it_comes(runs, path):
    row = runs[1].rows[path]
    assert (row["error_kind"], row["status_code"]) == (None, 200), row["error"]
    assert row["text_content"]
    if path not in OF_ARTICLE_0:
        found, good = ((each["title"], each["text_content"]) for each in (row, runs[0].rows[PAGE]))
        assert found == good


@pytest.mark.parametrize("path", ENDS)
def test_what_is_no_whole_page_ends_by_its_kind(runs, path):
    row = runs[1].rows[path]
    assert (row["error_kind"], row["status_code"]) == ENDS[path], row["error"]
    assert (row["error"] is None) == (row["error_kind"] is None)
    json.dumps(row).encode()


@pytest.mark.parametrize("path", SAID)
def test_a_charset_is_found_where_it_is_told(runs, path):
    assert runs[1].rows[path]["text_content"].startswith(SAID[path])


def test_a_length_that_is_too_short_cuts_the_page_there(runs):
    row = runs[1].rows["/raw/length-too-short"]
    assert (row["status_code"], row["error_kind"], row["content_length"]) == (200, None, 200)


def test_no_process_grows_whatever_is_sent(runs):
    good, hostile = runs
    grown = {role: peak - good.peaks[role] for role, peak in hostile.peaks.items() if role in good.peaks}
    assert {"supervisor", "shard", "nlp"} <= grown.keys()
    assert max(grown.values()) < GROWTH_BYTES, grown
