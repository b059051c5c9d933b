"""Whatever is killed, whenever: each URL has one row, and it is the row that an undisturbed run gives."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from system.harness import Enrich, comparable, rows

FETCH_ONLY = {"extract__extractor": "none", "nlp__pipeline": "none"}

#: The pool takes the text out; what it makes of that is no concern of these tests, and takes seconds to load.
TEXT_ONLY = {"nlp__pipeline": "none"}

#: Eight hosts that answer after 70 ms, thirty pages each: over two seconds of work, and a commit is made each second.
URLS = [f"http://slow-70-{host}.test/html/{page}" for page in range(30) for host in "abcdefgh"]
ENDS = ["http://slow-70-a.test/status/404", "http://slow-70-b.test/redirect/2", "not a url", "http://10.0.0.1/"]
URLS += ENDS
#: For the pool: it is killed as it starts, with pages waiting for it.
PAGES = [f"http://{host}.test/html/{page}" for page in range(10) for host in "abcdefgh"] + ENDS


def undisturbed(tmp_path_factory, web, urls, **settings):
    enrich = Enrich(tmp_path_factory.mktemp("undisturbed"), web.port)
    done = enrich(*enrich.run(enrich.listing(urls), "--shards", "2", **settings))
    assert done.code == 0, done.err
    return comparable(enrich.out)


@pytest.fixture(scope="module")
def enriched(tmp_path_factory, web):
    """The rows of a run that nothing happened to."""
    return undisturbed(tmp_path_factory, web, PAGES, **TEXT_ONLY)


@pytest.fixture(scope="module")
def fetched(tmp_path_factory, web):
    """The same without an NLP pool: what most kills here are about, and sooner begun."""
    return undisturbed(tmp_path_factory, web, URLS, **FETCH_ONLY)


def begun(enrich):
    """A run without a pool that has committed its first rows, and half of its work before it."""
    arguments = enrich.run(enrich.listing(URLS), **FETCH_ONLY)
    running = enrich.start(*arguments)
    running.until(enrich.committed)
    return running, arguments


def left_to_do(enrich):
    status = json.loads(enrich.refused("status", enrich.out, "--json").out)
    assert status["state"] == "interrupted"
    return status["queued"] + status["waiting"]


@pytest.mark.parametrize("role", ["nlp", "forkserver"])
def test_a_killed_pool_is_replaced(enrich, enriched, role):
    running = enrich.start(*enrich.run(enrich.listing(PAGES), **TEXT_ONLY))
    running.until(lambda: running.found("nlp"))
    running.kill(role)
    assert running.ended() == 0, running.err
    assert comparable(enrich.out) == enriched


def test_a_killed_shard_is_replaced(enrich, fetched):
    running = enrich.start(*enrich.run(enrich.listing(URLS), "--shards", "2", **FETCH_ONLY))
    running.until(enrich.committed)
    running.kill("shard")
    assert running.ended() == 0, running.err
    assert comparable(enrich.out) == fetched
    assert enrich.refused("verify", enrich.out).code == 0


def test_a_killed_supervisor_takes_its_children_along(enrich, fetched):
    running, arguments = begun(enrich)
    running.kill("supervisor")
    running.ended()
    assert enrich.left() == []
    assert left_to_do(enrich)
    done = enrich(*arguments)
    assert done.code == 0, done.err
    assert comparable(enrich.out) == fetched
    assert enrich.refused("verify", enrich.out).code == 0


def test_everything_killed_at_once_between_the_write_of_the_rows_and_their_commit(enrich, fetched):
    """Rows that no commit knows of are cut, and their pages fetched again."""
    arguments = enrich.run(enrich.listing(URLS), **FETCH_ONLY)
    running = enrich.start(*arguments, environ={"ENGINE_FAULT": "between_append_and_commit"})
    first = running.until(lambda: running.found("shard"))[0]
    running.until(lambda: running.found("shard") not in ([], [first]))  # dead by the fault, and replaced
    assert enrich.committed()
    running.kill_all()
    assert left_to_do(enrich) == len(URLS)
    done = enrich(*arguments)
    assert done.code == 0, done.err
    assert comparable(enrich.out) == fetched
    assert enrich.refused("verify", enrich.out).code == 0


POISON = {"crash": "crashed", "hang": "timeout"}


def test_a_page_that_kills_its_process_costs_its_own_row_only(enrich):
    healthy = [f"http://host-{n % 5}.test/html/{n}" for n in range(25)]
    poison = {f"http://poison.test/html/1?poison={kind}": f"nlp_{end}" for kind, end in POISON.items()}
    urls = [*healthy[:10], *poison, *healthy[10:]]
    program = Path(__file__).with_name("poisoned_engine.py")
    done = enrich(
        program,
        *enrich.run(enrich.listing(urls), nlp__timeout_s=1, **TEXT_ONLY)[1:],
        environ={"PYTHONPATH": str(program.parents[1])},
    )
    assert done.code == 0, done.err
    found = rows(enrich.out)
    assert {url: row["error_kind"] for url, row in found.items()} == {**dict.fromkeys(healthy), **poison}


def test_one_interrupt_leaves_in_order_and_can_be_resumed(enrich, fetched):
    running, _ = begun(enrich)
    running.interrupt()
    assert running.ended() == 3, running.err
    assert "enrich resume" in running.err.splitlines()[-1]
    assert enrich.left() == []
    assert left_to_do(enrich)
    assert enrich.refused("verify", enrich.out).code == 0
    done = enrich("resume", enrich.out)
    assert done.code == 0, done.err
    assert comparable(enrich.out) == fetched


def test_a_second_run_is_refused_and_a_second_signal_stops_at_once(enrich):
    """The site never answers, so the first run does not end before all of that has happened."""
    urls = [f"http://quick.test/html/{n}" for n in range(3)] + [f"http://host-{n}.test/hang" for n in range(5)]
    arguments = enrich.run(enrich.listing(urls), **FETCH_ONLY)
    running = enrich.start(*arguments)
    running.until(enrich.committed)
    second = enrich(*arguments)
    assert second.code == 2
    assert f"process {running.process.pid}" in second.line
    assert running.process.poll() is None, running.err
    running.process.send_signal(signal.SIGTERM)
    running.until(lambda: "once more stops at once" in running.err)
    running.interrupt()
    assert running.ended() == 3, running.err
    assert enrich.left() == []
    assert enrich.refused("verify", enrich.out).code == 0
    assert "3 done" in enrich.refused("status", enrich.out).out
