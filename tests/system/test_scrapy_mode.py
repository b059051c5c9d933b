"""Stage 3 through Scrapy: a process of its own, as its reactor runs only once."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from engine.errors import UsageError
from engine.settings import load
from engine.stages.scrapy_mode import run as scrapy_run
from engine.supervisor.plan import RunRequest

needs_scrapy = pytest.mark.skipif(find_spec("scrapy") is None, reason="needs the extra scrapy")

SCRIPT = """
import sys
from pathlib import Path
from engine.settings import load
from engine.stages.scrapy_mode.run import run_scrapy
from engine.supervisor.plan import RunRequest

flags = {"guard.allow_networks": ["127.0.0.0/8"], "politeness.delay_s": 0, "retry.max_attempts": 1,
         "nlp.pipeline": "none"}
sys.exit(run_scrapy(RunRequest(Path("out"), load([], {}, flags), "run", ("urls.jsonl",))))
"""


@needs_scrapy
def test_every_url_has_one_row_with_the_engines_own_kinds(web, tmp_path):
    at = f"http://127.0.0.1:{web.port}"
    urls = [f"{at}/html/1", f"{at}/html/1", f"{at}/status/404", "http://127.0.0.1:9/", "nope", "http://10.0.0.1/"]
    urls.append(f"{at}/meta-refresh/2")
    (tmp_path / "urls.jsonl").write_text("".join(json.dumps({"url": url, "id": 7}) + "\n" for url in urls))
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", SCRIPT], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in (tmp_path / "out" / "enrichment_output.jsonl").read_text().splitlines()]
    assert {row["url"]: row["error_kind"] for row in rows} == {
        f"{at}/html/1": None,
        f"{at}/meta-refresh/2": None,
        f"{at}/status/404": "http_status",
        "http://127.0.0.1:9/": "connect_refused",
        "nope": "invalid_url",
        "http://10.0.0.1/": "refused_address",
    }
    assert len(rows) == 6
    page = next(row for row in rows if row["url"] == f"{at}/html/1")
    assert page["title"]
    assert (page["input"], page["attempts"]) == ({"id": 7}, 1)


def test_without_the_extra_the_command_that_installs_it_is_named(monkeypatch):
    monkeypatch.setattr(scrapy_run, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"pip install 'enrich-engine\[scrapy\]'"):
        scrapy_run.require_scrapy()


@needs_scrapy
def test_a_setting_that_scrapy_could_not_obey_is_refused():
    loaded = load([], {}, {"fetch.verify_tls": False})
    with pytest.raises(UsageError, match=r"fetch\.verify_tls has no effect through Scrapy"):
        scrapy_run.run_scrapy(RunRequest(Path("out"), loaded, "run", ("urls.jsonl",)))
