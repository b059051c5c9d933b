"""Discovery and validation as commands of their own, and the three stages as one pipeline, killed and resumed."""

from __future__ import annotations

import json
from importlib.util import find_spec

import pytest
from system.harness import Enrich, lines
from web import politeness, site

from engine.model.stage_rows import discovered_page

FAST = {"politeness__max_per_host": 0, "run__shards": 1, "run__nlp_processes": 1}


def found(folder) -> dict[str, dict]:
    """The rows of a discovery; a URL with two rows is a failure of the test."""
    rows = lines(folder / "discovery_output.jsonl")
    by_url = {row["fetch_url"]: row for row in rows}
    assert len(by_url) == len(rows)
    return by_url


def usable(rows) -> set[str]:
    return {url for url, row in rows.items() if discovered_page(row)}


def is_complete(rows, host) -> None:
    """Every page of the site is there once; of the traps only their first page, which is like no other yet."""
    traps = usable(rows) - site.real_urls(host)
    assert site.real_urls(host) <= usable(rows)
    assert len(traps) <= 1
    assert len(rows) <= len(site.real_urls(host)) + 40


def test_discovery_finds_every_page_once_and_leaves_traps_also_where_its_shard_is_killed(enrich, web):
    host = "slow-20-x.site-60-killed.test"
    command = ("discover", f"http://{host}/", "--out", enrich.out, *enrich.settings(**FAST))
    running = enrich.start(*command)
    running.until(enrich.committed)
    running.kill("shard")
    assert running.ended() == 0, running.err
    rows = found(enrich.out)
    is_complete(rows, host)
    assert rows[f"http://{host}/private/x"]["error_kind"] == "robots_disallowed"
    assert rows[f"http://{host}/page/1?print=1"]["discovery_metadata"]["duplicate_of"] == f"http://{host}/page/1"
    assert rows[f"http://{host}/old/1"]["discovery_metadata"]["duplicate_of"] == f"http://{host}/page/1"
    named = {url: row["discovery_source"] for url, row in rows.items()}
    assert (named[f"http://{host}/"], named[f"http://{host}/sitemap-index.xml"]) == ("seed", "robots")
    assert (named[f"http://{host}/page/55"], named[f"http://{host}/page/60"]) == ("sitemap", "feed")
    assert rows[f"http://{host}/page/55"]["discovery_metadata"]["note"] == {"lastmod": "2026-01-02", "images": 1}
    assert not any(url.endswith(("/secret", ".css")) or "elsewhere" in url or "sid=" in url for url in rows)
    assert "/private/x" not in politeness.count(politeness.load(web.log), "/private/x")
    assert enrich.refused("verify", enrich.out).code == 0
    assert enrich.refused(*command).code == 0


def test_validation_tries_a_get_where_head_is_refused_or_lies(enrich):
    urls = [
        "http://v1.test/html/1",
        "http://v2.test/head/405/2",
        "http://v3.test/head/404/3",
        "http://v4.test/head/reset/4",
        "http://v5.test/head/untyped/5",
        "http://v6.test/head-flood/6",
        "http://v7.test/head-empty",
        "http://v8.test/status/404",
        "http://v9.test/redirect-to?url=/html/9",
        "http://v10.test/pdf",
        "no url",
    ]
    settings = enrich.settings(**FAST, validation__content_types=["text/*"])
    done = enrich("validate", enrich.listing(urls), "--out", enrich.out, *settings)
    assert done.code == 0, done.err
    rows = {row["url"]: row for row in lines(enrich.out / "validation_output.jsonl")}
    assert len(rows) == len(urls)
    told = [(row["is_valid"], row["status_code"], row["validation_method"]) for row in map(rows.get, urls)]
    assert told == [
        (True, 200, "HEAD"),
        (True, 206, "GET (range)"),
        (True, 206, "GET (range)"),
        (True, 206, "GET (range)"),
        (True, 206, "GET (range)"),
        (True, 200, "GET (range)"),
        (True, 200, "GET"),
        (False, 404, "GET (range)"),
        (True, 200, "HEAD"),
        (False, 200, "HEAD"),
        (False, 0, None),
    ]
    assert rows[urls[1]]["content_length"] > 100_000
    assert rows[urls[8]]["redirect_chain"] == [{"url": urls[8], "status": 302}]
    assert rows[urls[8]]["final_url"] == "http://v9.test/html/9"
    assert [rows[url]["error_kind"] for url in urls[7:]] == ["http_status", None, "unsupported_content", "invalid_url"]
    assert all(row["error_message"] == row["error"] for row in rows.values())


class _Pipeline:
    """`enrich pipeline --env development` over the folder `data` of a workplace."""

    def __init__(self, enrich: Enrich) -> None:
        self.enrich = enrich
        self.data = enrich.root / "data"
        (self.data / "raw").mkdir(parents=True)
        more = {"nlp__pipeline": "none", "pipeline__enrichment_output": "rows.jsonl"}
        self.settings = enrich.settings(**FAST, **more, pipeline__data_dir=str(self.data))

    def command(self, *more: str) -> tuple[str, ...]:
        return ("pipeline", "--env", "development", *self.settings, *more)

    def stage(self, number: int):
        return self.data / "processed" / f"stage{number:02}"

    def state(self, number: int) -> str | None:
        manifest = self.stage(number) / "run.json"
        return json.loads(manifest.read_bytes())["state"] if manifest.exists() else None

    def has_begun(self, number: int) -> bool:
        return any(part.stat().st_size for part in self.stage(number).glob("parts/part-*"))

    def first_row(self, number: int) -> bytes:
        """The first row that a stage committed, as it stands in its part file."""
        (part,) = self.stage(number).glob("parts/part-*")
        return part.read_bytes().partition(b"\n")[0]


def test_the_pipeline_leaves_three_stages_files_and_each_resumes_after_a_kill(enrich):
    host = "slow-20-y.site-30-piped.test"
    pipeline = _Pipeline(enrich)
    (pipeline.data / "raw" / "seeds.txt").write_text(f"http://{host}/\n")
    kept: dict[int, bytes] = {}
    for number in (1, 2, 3):
        running = enrich.start(*pipeline.command("--stage", "all"))
        running.until(lambda at=number: pipeline.has_begun(at))
        running.kill_all()
        assert pipeline.state(number) == "running"
        assert [pipeline.state(before) for before in range(1, number)] == ["complete"] * (number - 1)
        kept[number] = pipeline.first_row(number)
    done = enrich(*pipeline.command("--stage", "all"))
    assert done.code == 0, done.err
    is_complete(found(pipeline.stage(1)), host)
    validated = lines(pipeline.stage(2) / "validation_output.jsonl")
    assert {row["url"] for row in validated} == usable(found(pipeline.stage(1)))
    enriched = lines(pipeline.stage(3) / "enrichment_output.jsonl")
    assert [row["url"] for row in enriched if row["error_kind"] is None]
    assert {row["url"] for row in enriched} == {row["url"] for row in validated if row["is_valid"]}
    assert (pipeline.data / "rows.jsonl").read_bytes() == (pipeline.stage(3) / "enrichment_output.jsonl").read_bytes()
    assert {number: pipeline.first_row(number) for number in kept} == kept  # gone on with, not begun anew
    plan = enrich.refused(*pipeline.command("--validate-only"))
    assert (plan.code, plan.out.count("complete: nothing to do")) == (0, 3)


@pytest.mark.skipif(find_spec("scrapy") is None, reason="needs the extra scrapy")
def test_the_pipeline_through_scrapy_begins_its_third_stage_anew_after_a_kill(enrich):
    data, at = enrich.root / "data", f"http://127.0.0.1:{enrich.port}"
    pages = {f"{at}/html/{n}" for n in range(1, 5)}
    (data / "raw").mkdir(parents=True)
    (data / "raw" / "seeds.txt").write_text("".join(f"{url}\n" for url in [*pages, f"{at}/status/404"]))
    settings = {
        "guard.allow_networks": ["127.0.0.0/8"], "politeness.delay_s": 0.3, "politeness.jitter": 0,
        "discovery.max_depth": 0, "nlp.pipeline": "none", "fetch.contact": "tests@operator.example",
        "pipeline.data_dir": str(data),
    }  # fmt: skip
    flags = [word for key, value in settings.items() for word in ("--set", f"{key}={json.dumps(value)}")]
    command = ("pipeline", "--env", "development", "--stage", "all", "--no-async-enrichment", *flags)
    third = data / "processed" / "stage03"
    running = enrich.start(*command)
    running.until((third / "enrichment_output.jsonl.tmp").exists)
    running.kill_all()
    assert not (third / "enrichment_output.jsonl").exists()
    done = enrich(*command)
    assert done.code == 0, done.err
    discovered, validated = (
        found(data / "processed" / "stage01"),
        lines(third.parent / "stage02/validation_output.jsonl"),
    )
    assert pages | {f"{at}/status/404"} <= discovered.keys()
    assert {row["url"] for row in validated if row["is_valid"]} == pages
    enriched = lines(third / "enrichment_output.jsonl")
    assert {(row["url"], row["error_kind"]) for row in enriched} == {(url, None) for url in pages}
    assert len(enriched) == len(pages)
    assert [path.name for path in third.iterdir()] == ["enrichment_output.jsonl"]


def test_a_pipeline_says_what_it_lacks_before_it_begins(enrich):
    pipeline = _Pipeline(enrich)
    assert "holds no list of seeds" in enrich.refused(*pipeline.command("--validate-only")).line
    assert "stage 1 (discovery) comes first" in enrich.refused(*pipeline.command("--stage", "2")).line
    (pipeline.data / "raw" / "seeds.txt").write_text("# none yet\n")
    assert "holds no URL" in enrich.refused(*pipeline.command("--validate-only")).line
    (pipeline.data / "raw" / "seeds.txt").write_text("http://a.test/\n")
    missing = enrich.refused(*pipeline.command("--validate-only", "--set", "nlp.pipeline=en_core_web_zz"))
    assert "en_core_web_zz" in missing.line
    never = enrich.refused(*pipeline.command("--validate-only", "--set", "output.merge=never"))
    assert "output.merge is never" in never.line
    shown = enrich.refused(*pipeline.command("--config-only"))
    assert (shown.code, shown.out.count("--- #")) == (0, 3)
    assert "stage: validation" in shown.out
    assert not (pipeline.data / "processed").exists()
