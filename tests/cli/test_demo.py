from __future__ import annotations

import http.client
import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from engine.cli.app import invoke
from engine.cli.demo_web import DEMO_URLS, DemoWeb
from engine.errors import ExitCode


@pytest.fixture(scope="module")
def web():
    with DemoWeb() as running:
        yield running


def get(web, url):
    parts = urlsplit(url)
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=20)
    try:
        connection.request("GET", parts.path, headers={"Host": parts.netloc})
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read().decode()
    finally:
        connection.close()


def test_every_kind_of_answer_is_among_the_pages(web):
    statuses = {url: get(web, url)[0] for url in DEMO_URLS}
    assert sorted(statuses.values()) == [200] * (len(DEMO_URLS) - 2) + [301, 404]


def test_the_moved_page_leads_to_another_of_the_list(web):
    url = "http://harbour-gazette.example/old/lighthouse"
    location = get(web, url)[1]["Location"]
    assert f"http://harbour-gazette.example{location}" in DEMO_URLS


def test_robots_forbid_the_draft(web):
    status, headers, body = get(web, "http://harbour-gazette.example/robots.txt")
    assert (status, headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    assert "Disallow: /drafts/" in body


@pytest.mark.parametrize("path", ["/../../demo_web.py", "/%2e%2e/", "/", "//", "/news", "/\x01"])
def test_nothing_outside_the_pages_is_served(web, path):
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=20)
    connection._validate_path = lambda _: None
    try:
        connection.request("GET", path, headers={"Host": "kettleworks.example"})
        assert connection.getresponse().status == 404
    finally:
        connection.close()


def test_the_pages_are_english_articles_with_names_money_and_dates(web):
    for url in DEMO_URLS:
        status, _, body = get(web, url)
        if status == 200 and "/drafts/" not in url:
            assert len(body.split()) > 130
            assert body.count("20") > 2


ROWS = [
    {
        "url": "http://a.example/",
        "final_url": "http://a.example/home",
        "title": "A [bold] title",
        "language": "en",
        "entities": [{"text": "$3\nmillion", "label": "MONEY", "count": 1}],
        "keywords": [{"text": "lighthouse", "score": 0.5}],
        "error": None,
        "error_kind": None,
    },
    {"url": "http://b.example/", "error": "the server answered 404", "error_kind": "http_status"},
]


class DemoEngine:
    """Asks the demo web one page, and leaves rows as a run would."""

    def __init__(self, outcome=ExitCode.COMPLETE):
        self.outcome = outcome

    def run(self, folder, loaded, mode, **options):
        self.folder, self.loaded, self.mode, self.options = folder, loaded, mode, options
        self.listed = Path(options["sources"][0]).read_text(encoding="utf-8").split()
        self.port = int(loaded.settings.fetch.connect_to[0].rpartition(":")[2])
        self.status = get(self, self.listed[0])[0]
        folder.mkdir(exist_ok=True)
        text = "".join(json.dumps(row) + "\n" for row in ROWS)
        (folder / "enrichment_output.jsonl").write_text(text, encoding="utf-8")
        return self.outcome


def test_the_demo_runs_on_its_web_and_shows_the_rows(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("ENRICH_FETCH__PROXY", "http://proxy.example:3128")
    engine = DemoEngine()
    assert invoke(["demo", "--out", str(tmp_path / "demo")], engine) == 0
    settings = engine.loaded.settings
    assert (engine.mode, engine.folder, engine.options["fresh"]) == ("run", tmp_path / "demo" / "run", False)
    assert engine.listed == list(DEMO_URLS)
    assert engine.status == 200
    assert settings.guard.allow_networks == ("127.0.0.0/8",)
    assert settings.fetch.proxy is None
    out, err = capsys.readouterr()
    for word in ("A [bold] title", "$3 million MONEY", "lighthouse", "http_status", "the server answered 404"):
        assert word in out
    assert str(tmp_path / "demo" / "run" / "enrichment_output.jsonl") in err
    invoke(["demo", "--out", str(tmp_path / "demo")], engine)
    assert engine.options["fresh"] is True


def test_a_place_that_cannot_be_written_is_a_sentence(tmp_path, capsys):
    (tmp_path / "file").touch()
    assert invoke(["demo", "--out", str(tmp_path / "file")], DemoEngine()) == ExitCode.OUTPUT
    assert f"{tmp_path / 'file'}: cannot be written" in capsys.readouterr().err


def test_a_demo_that_stops_says_so_with_its_code(tmp_path, capsys):
    assert invoke(["demo", "--out", str(tmp_path)], DemoEngine(ExitCode.INTERRUPTED)) == 3
    assert capsys.readouterr().out == ""
