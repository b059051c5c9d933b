"""How every sort of site ends in its rows: one run over a web of faults."""

from __future__ import annotations

import pytest
from system.harness import Enrich, rows
from system.name_server import NameServer
from web import politeness

#: What is led to the local web; every other host is asked of the name server.
SERVED = ["ok", "plain", "flaky", "limited", "loop", "moved", "robots-deny-x", "hang", "slow", "lost", "large", "coded"]
SERVED += ["odd", "secure"]

#: URL: (error_kind, status_code, attempts). The status is 0 where no whole answer came.
ENDS = {
    "http://ok.test/html/1": (None, 200, 1),
    "http://plain.test/status/404": ("http_status", 404, 1),
    "http://plain.test/status/410": ("http_status", 410, 1),
    "http://flaky.test/status/500": ("http_status", 500, 2),
    "http://flaky.test/flaky/1/500/a": (None, 200, 2),
    "http://limited.test/flaky/1/429/a": (None, 200, 2),
    "http://limited.test/retry-after/429/1": ("rate_limited", 429, 2),
    "http://loop.test/redirect-loop": ("too_many_redirects", 302, 1),
    "http://loop.test/redirect/4": ("too_many_redirects", 302, 1),
    "http://moved.test/redirect/2": (None, 200, 1),
    "http://moved.test/redirect-nowhere": ("bad_redirect", 302, 1),
    "http://moved.test/redirect-to?url=ftp://ok.test/": ("bad_redirect", 302, 1),
    "http://moved.test/redirect-to?url=http://10.0.0.1/": ("refused_address", 302, 1),
    "http://moved.test/redirect-to?url=http://ok.test/html/2": (None, 200, 1),
    "http://robots-deny-x.test/html/1": ("robots_disallowed", 0, 0),
    "http://hang.test/hang": ("read_timeout", 0, 2),
    "http://slow.test/slow-body/100/200": ("total_timeout", 0, 2),
    "http://lost.test/reset": ("connection_lost", 0, 2),
    "http://lost.test/partial": ("connection_lost", 0, 2),
    "http://large.test/body/2000000": ("body_too_large", 0, 1),
    "http://large.test/endless": ("body_too_large", 0, 1),
    "http://coded.test/bad-gzip": ("decode_failed", 0, 1),
    "http://coded.test/bomb/64": ("body_too_large", 0, 1),
    "http://odd.test/not-http": ("bad_response", 0, 1),
    "http://odd.test/pdf": ("unsupported_content", 200, 1),
    "https://secure.test/html/1": ("tls_failed", 0, 1),
    "http://closed.test/": ("connect_refused", 0, 2),
    "http://gone.test/": ("dns_not_found", 0, 1),
    "http://broken.test/": ("dns_failed", 0, 2),
    "http://silent.test/": ("dns_failed", 0, 2),
    "http://inside.test/": ("refused_address", 0, 1),
    "http://10.1.2.3/": ("refused_address", 0, 1),
    "http://[::1]/": ("refused_address", 0, 1),
    "http://skipped.test/html/1": ("deferred", 0, 0),
}


@pytest.fixture(scope="module")
def ends(tmp_path_factory, web):
    """One run over all of it; the rows, and the server's log of it."""
    enrich = Enrich(tmp_path_factory.mktemp("kinds"), web.port)
    places = [f"{name}.test::127.0.0.1:{web.port}" for name in SERVED]
    with NameServer({"inside.test": "192.168.0.7", "closed.test": "127.0.0.1"}) as names:
        done = enrich(
            *enrich.run(
                enrich.listing(ENDS),
                fetch__connect_to=[*places, "closed.test::127.0.0.1:1"],
                fetch__nameservers=[names.address],
                fetch__timeout_s=2,
                fetch__connect_timeout_s=2,
                fetch__max_body_bytes=1_000_000,
                fetch__max_redirects=3,
                guard__allow_networks=["127.0.0.1/32"],
                politeness__max_per_host=4,
                extract__content_types=["text/html", "text/plain"],
                nlp__pipeline="none",
                retry__max_attempts=2,
                retry__base_delay_s=0.05,
                retry__rate_limit_delay_s=0.1,
                sites=[{"match": "skipped.test", "skip": True}],
            )
        )
    assert done.code == 0, done.err
    assert enrich.left() == []
    return rows(enrich.out), politeness.by_host(politeness.load(web.log))


@pytest.mark.parametrize("url", ENDS)
def test_a_sites_end(ends, url):
    row = ends[0][url]
    assert (row["error_kind"], row["status_code"], row["attempts"]) == ENDS[url], row["error"]
    assert (row["error"] is None) == (row["error_kind"] is None)
    assert bool(row["text_content"]) == (row["error_kind"] is None)


def test_every_url_has_its_row(ends):
    assert set(ends[0]) == set(ENDS)


def test_a_redirect_is_followed_to_its_end(ends):
    found, _ = ends
    assert found["http://moved.test/redirect/2"]["final_url"] == "http://moved.test/redirect/0"
    other = found["http://moved.test/redirect-to?url=http://ok.test/html/2"]
    assert other["final_url"] == "http://ok.test/html/2"


def test_what_robots_forbid_is_not_asked_for(ends):
    _, log = ends
    assert [entry["path"] for entry in log["robots-deny-x.test"]] == ["/robots.txt"]


def test_retry_after_is_waited_for(ends):
    _, log = ends
    asked = [entry["t"] for entry in log["limited.test"] if entry["path"] == "/retry-after/429/1"]
    assert len(asked) == 2
    assert asked[1] - asked[0] >= 1.0


def test_errors_name_the_thing(ends):
    found, _ = ends
    assert "10.0.0.1" in found["http://moved.test/redirect-to?url=http://10.0.0.1/"]["error"]
    assert "192.168.0.7" in found["http://inside.test/"]["error"]
    assert "fetch.max_body_bytes" in found["http://large.test/endless"]["error"]
    assert "fetch.timeout_s" in found["http://slow.test/slow-body/100/200"]["error"]
