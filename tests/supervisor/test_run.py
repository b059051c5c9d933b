from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from engine.errors import EngineError, ExitCode, OutputError, UsageError
from engine.supervisor.finish import verify_folder
from engine.supervisor.processes import Targets
from engine.supervisor.status import read_status

if TYPE_CHECKING:
    from supervisor_helpers import Workplace

SITES = [f"http://site{n}.example/page" for n in range(6)]


def test_every_url_has_one_row_and_the_manifest_says_so(place: Workplace) -> None:
    assert place.run(place.urls(*SITES, SITES[0])) is ExitCode.COMPLETE
    assert place.row_urls() == sorted(SITES)
    manifest = place.manifest
    assert (manifest["state"], manifest["ingest_finished"], manifest["shards"]) == ("complete", True, 2)
    assert manifest["counts"]["done"] == 6
    assert manifest["counts"]["duplicates"] == 1
    assert set(manifest["outputs"]) == {"enrichment_output.jsonl", "failures.jsonl"}
    assert verify_folder(place.out) == []
    status = read_status(place.out)
    assert (status["state"], status["failures"], status["failures_exact"]) == ("complete", [], True)


def test_a_complete_folder_is_left_as_it_is(place: Workplace) -> None:
    urls = place.urls(*SITES)
    place.run(urls, run__shards=1)
    before = {path: path.stat().st_mtime_ns for path in place.out.rglob("*") if path.is_file() and path.name != "lock"}
    targets = Targets("none:at_all", "none:at_all", ())
    assert place.run(urls, targets=targets, run__shards=1) is ExitCode.COMPLETE
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_killed_shard_is_started_again_and_goes_on(place: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.policy.restart.BACKOFF_S", (0.0,))
    urls = [*SITES, "http://a.example/kill-once", "http://b.example/kill-once", "http://c.example/kill-once"]
    assert place.run(place.urls(*urls), run__shards=1) is ExitCode.COMPLETE
    assert place.row_urls() == sorted(urls)


def test_a_shard_that_always_dies_ends_the_run(place: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.policy.restart.BACKOFF_S", (0.0,))
    with pytest.raises(EngineError, match=r"shard 0: 5 restarts and no row committed .*signal 9") as caught:
        place.run(place.urls("http://a.example/kill-always"), run__shards=1)
    assert caught.value.exit_code is ExitCode.ENGINE
    assert place.manifest["state"] == "interrupted"


def test_a_shard_that_cannot_start_ends_the_run_with_its_reason(
    place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.policy.restart.BACKOFF_S", (0.0,))
    (place.root / "fail-start").write_text("no such thing")
    with pytest.raises(EngineError, match=r"failed to start 3 times in a row .*no such thing"):
        place.run(place.urls(*SITES), run__shards=1)


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("segv-once", signal.SIGSEGV),
        ("hang-once", signal.SIGABRT),  # it runs in a loop without end: its page may be to blame
        ("stop-once", 0),  # stopped, or swapped out: nobody's fault
        ("kill-once", 0),
    ],
)
def test_a_shard_that_dies_or_hangs_is_replaced_and_its_successor_told_of_a_fault(
    place: Workplace, what: str, told: int
) -> None:
    urls = [*SITES, f"http://a.example/{what}"]
    assert place.run(place.urls(*urls), run__shards=1) is ExitCode.COMPLETE
    assert place.row_urls() == sorted(urls)
    assert place.noted("fault") == ["0", str(int(told))]


def test_a_shard_that_talks_nonsense_is_killed_and_replaced(place: Workplace) -> None:
    urls = [*SITES, "http://a.example/garbage-once"]
    assert place.run(place.urls(*urls), run__shards=1) is ExitCode.COMPLETE
    assert place.row_urls() == sorted(urls)


def test_a_full_disk_stops_everything_with_its_own_code(place: Workplace) -> None:
    with pytest.raises(OutputError, match="disk full"):
        place.run(place.urls(*SITES, "http://a.example/full"))
    assert place.manifest["state"] == "interrupted"


def test_permits_pass_between_shards(place: Workplace) -> None:
    urls = [f"http://host{n}.example/permit" for n in range(8)]
    assert place.run(place.urls(*urls)) is ExitCode.COMPLETE
    replies = place.noted("permit_reply-0") + place.noted("permit_reply-1")
    assert len(replies) == 8
    assert all('"from":' in reply for reply in replies)


def test_retry_takes_up_what_failed(place: Workplace) -> None:
    failing = "http://a.example/fail-once"
    place.run(place.urls(*SITES, failing), run__shards=1)
    assert place.manifest["counts"]["failed_by_kind"] == {"http_status": 1}
    assert len((place.out / "failures.jsonl").read_bytes().splitlines()) == 1
    assert place.run(mode="retry", retry_kinds=frozenset({"read_timeout"}), run__shards=1) is ExitCode.COMPLETE
    assert place.manifest["counts"]["failed"] == 1
    assert place.run(mode="retry", run__shards=1) is ExitCode.COMPLETE
    assert place.manifest["counts"]["failed"] == 0
    assert place.row_urls() == sorted([*SITES, failing])
    assert verify_folder(place.out) == []


def test_an_input_that_turns_out_unfit_ends_the_run(place: Workplace) -> None:
    path = place.root / "urls.jsonl.gz"
    path.write_bytes(b"\x1f\x8b garbage")
    with pytest.raises(UsageError, match=r"urls\.jsonl\.gz"):
        place.run(str(path))
    assert not place.out.exists()


# -- the NLP pool -----------------------------------------------------------------------------------------------------


def test_pages_go_through_the_pool_and_a_poison_page_does_not_stop_the_run(place: Workplace) -> None:
    urls = [f"http://site{n}.example/nlp" for n in range(4)] + ["http://a.example/nlp/poison"]
    assert place.run(place.urls(*urls), run__shards=1) is ExitCode.COMPLETE
    assert place.row_urls() == sorted(urls)
    assert place.manifest["counts"]["failed_by_kind"] == {"nlp_crashed": 1}
    assert set(place.noted("nlp-gone")) == {"crashed"}


def test_shards_are_told_of_a_timeout(place: Workplace) -> None:
    place.run(place.urls("http://a.example/nlp/slow"), run__shards=1)
    assert place.noted("nlp-gone") == ["timeout", "timeout"]


def test_no_pool_is_started_where_no_page_needs_one(place: Workplace) -> None:
    targets = Targets("fake_children:shard", "fake_children:nlp_that_fails", ())
    assert place.run(place.urls(*SITES), targets=targets, run__shards=1) is ExitCode.COMPLETE


def test_a_pool_that_cannot_start_ends_the_run_with_its_reason(
    place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.policy.restart.BACKOFF_S", (0.0,))
    targets = Targets("fake_children:shard", "fake_children:nlp_that_fails", ())
    with pytest.raises(EngineError, match=r"NLP pool.*RuntimeError: no model fits"):
        place.run(place.urls("http://a.example/nlp"), targets=targets, run__shards=1)


def test_a_pool_without_its_model_is_bad_usage(place: Workplace) -> None:
    targets = Targets("fake_children:shard", "fake_children:nlp_without_model", ())
    with pytest.raises(UsageError, match="en_core_web_sm is not installed"):
        place.run(place.urls("http://a.example/nlp"), targets=targets, run__shards=1)


def test_the_supervisor_loads_no_models_and_no_client() -> None:
    """What it imports is in memory for the whole run, and slows every command's start."""
    code = "import sys, engine.supervisor.run; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()  # noqa: S603
    assert not {"spacy", "torch", "aiohttp", "uvloop"} & set(loaded)
