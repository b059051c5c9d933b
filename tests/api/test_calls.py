"""The Python API against the local web: in a script, inside a running loop, given up early, and gone on with."""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

import engine
from engine.errors import OutputError
from engine.output.codec import Encoder, file_name

ROOT = Path(__file__).parents[2]
URLS = [f"http://a{n}.test/html/{n}" for n in range(6)]


def children():
    """The engine's: shards, NLP processes and their parent."""
    found = psutil.Process().children(recursive=True)
    return [process for process in found if re.search("spawn_main|forkserver", " ".join(process.cmdline()))]


def test_rows_in_a_script_with_columns_of_their_own(local):
    del local["nlp.pipeline"]  # the default
    rows = list(engine.enrich([*URLS, {"url": "http://b.test/status/404", "id": 7}], settings=local))
    assert {row["url"] for row in rows} == {*URLS, "http://b.test/status/404"}
    failed = next(row for row in rows if row["error"])
    assert (failed["error_kind"], failed["input"]) == ("http_status", {"id": 7})
    assert all(row["title"] and row["entities"] for row in rows if not row["error"])


async def test_rows_come_while_the_run_is_on_and_the_loop_goes_on(local):
    settings = {**local, "output.commit_rows": 1}
    ticks = 0

    async def tick():
        nonlocal ticks
        while True:
            await asyncio.sleep(0.02)
            ticks += 1

    ticking = asyncio.ensure_future(tick())
    urls, came_before_the_end = [], False
    async for row in engine.enrich(["http://slow-3000-x.test/html/1", *URLS], settings=settings):
        urls.append(row["url"])
        came_before_the_end = came_before_the_end or bool(children())
    ticking.cancel()
    assert urls[-1] == "http://slow-3000-x.test/html/1"
    assert sorted(urls[:-1]) == URLS
    assert ticks > 50
    assert came_before_the_end


async def test_a_loop_that_is_left_early_leaves_no_process(local):
    settings = {**local, "output.commit_rows": 1}
    rows = aiter(engine.enrich(["http://slow-60000-x.test/html/1", *URLS], settings=settings))
    assert (await anext(rows))["url"] in URLS
    await rows.aclose()
    assert children() == []


def test_run_and_rows_also_inside_a_running_loop(local, tmp_path):
    async def notebook_cell():
        return engine.run(URLS[0], tmp_path / "out", local)

    assert asyncio.run(notebook_cell()) is engine.ExitCode.COMPLETE
    assert engine.run([URLS[0]], tmp_path / "out", local) is engine.ExitCode.COMPLETE  # nothing to do
    assert [row["url"] for row in engine.rows(tmp_path / "out")] == [URLS[0]]
    assert [row["url"] for row in engine.enrich([])] == []


@pytest.mark.parametrize("compression", ["none", "gz", "zst"])
def test_rows_of_a_merged_file_in_each_of_its_forms(compression, tmp_path):
    encoder = Encoder(compression)  # a frame ends at each commit: all of them make the file
    blocks = [encoder.encode(b'{"url": "http://a.test/"}\n'), encoder.encode(b'{"url": "http://b.test/"}\n')]
    merged = tmp_path / file_name("enrichment_output.jsonl", compression)
    merged.write_bytes(b"".join(blocks))
    assert [row["url"] for row in engine.rows(tmp_path)] == ["http://a.test/", "http://b.test/"]
    if compression != "none":
        merged.write_bytes(blocks[0] + b"no frame")
        with pytest.raises(engine.EngineError, match=r"compressed data is damaged.*enrich merge"):
            list(engine.rows(tmp_path))


def test_a_folder_is_gone_on_with(local, tmp_path):
    out = tmp_path / "out"
    settings = {**local, "output.commit_rows": 1}
    rows = iter(engine.enrich(["http://slow-3000-y.test/html/1", *URLS], out, settings))
    first = next(rows)
    rows.close()
    assert json.loads((out / "run.json").read_text())["state"] == "interrupted"
    again = list(engine.enrich(["http://slow-3000-y.test/html/1", *URLS], out, settings))
    assert len(again) == len(URLS) + 1
    assert first in again


async def test_the_predecessors_call(local, tmp_path):
    del local["nlp.pipeline"]  # so that it is nlp_enabled that switches the analysis off
    output = tmp_path / "out" / "rows.jsonl"
    summary = await engine.run_async_enrichment(
        urls=[*URLS, "http://b.test/status/404"],
        output_file=output,
        nlp_config={"nlp_enabled": False, "top_keywords": 3},
        max_concurrency=10,
        timeout=5,
        batch_size=2,
        settings=local,
    )
    rows = [json.loads(line) for line in output.read_text().splitlines()]
    assert summary == (7, 1)
    assert {row["url"] for row in rows} == {*URLS, "http://b.test/status/404"}
    assert [row["keywords"] for row in rows] == [[]] * 7
    assert [path.name for path in output.parent.iterdir()] == ["rows.jsonl"]


async def test_a_cancelled_call_leaves_no_process_and_is_gone_on_with(local, tmp_path):
    output = tmp_path / "rows.jsonl"
    arguments = {"urls": ["http://slow-2000-z.test/html/1", *URLS], "output_file": output, "settings": local}
    call = asyncio.ensure_future(engine.run_async_enrichment(**arguments))
    while not (tmp_path / "rows.jsonl.run" / "run.json").exists():  # noqa: ASYNC110 - another thread writes it
        await asyncio.sleep(0.01)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert children() == []
    assert not output.exists()
    assert await engine.run_async_enrichment(**arguments) == (7, 0)


def test_the_documented_arguments():
    call = inspect.signature(engine.run_async_enrichment)
    named = {name: parameter.default for name, parameter in list(call.parameters.items())[2:6]}
    assert named == {"nlp_config": None, "max_concurrency": 50, "timeout": 30, "batch_size": 100}


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"top_keyword": 3}, "top_keywords"),
        ({"ttl_dns_cache": 300}, "has no effect"),
        ({"top_keywords": -1}, "nlp.top_keywords"),
    ],
)
async def test_an_nlp_configuration_that_means_nothing_is_refused(config, words, tmp_path):
    with pytest.raises(engine.UsageError, match=words):
        await engine.run_async_enrichment(["http://h.test/"], tmp_path / "rows.jsonl", config)
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_url_is_named():
    with pytest.raises(engine.UsageError, match=r"urls\[1\]"):
        list(engine.enrich(["http://h.test/", 7]))


def test_a_place_that_cannot_be_written_is_a_failure_of_the_engines(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"urls\.jsonl: cannot be written"):
        next(iter(engine.enrich(URLS, tmp_path / "file" / "run")))


def test_examples_of_the_documents_run_as_they_stand(local, tmp_path):
    """Each is a script of its own, without a guard, under -W error, against the local web; the first has a pool."""
    writer = [sys.executable, ROOT / "scripts" / "examples.py", tmp_path, ROOT / "README.md", ROOT / "docs/python.md"]
    subprocess.run(writer, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own interpreter
    scripts = sorted(tmp_path.glob("*.py"))
    assert len(scripts) >= 5
    environ = {"ENRICH_" + key.upper().replace(".", "__"): json.dumps(value) for key, value in local.items()}
    (tmp_path / "urls.txt").write_text("http://a.test/html/1\n")
    for script in scripts:
        script.write_text(script.read_text().replace("https://", "http://"))
        command = [sys.executable, "-W", "error", script.name]
        done = subprocess.run(  # noqa: S603 - our own interpreter
            command, cwd=tmp_path, env={**os.environ, **environ}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert "Warning" not in done.stderr
        assert done.stdout
        environ["ENRICH_EXTRACT__EXTRACTOR"] = "none"
