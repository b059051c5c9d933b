from __future__ import annotations

import io
import json
import re
import stat
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from supervisor_helpers import request

from engine.errors import ExitCode, OutputError, UsageError
from engine.frontier.store import Store
from engine.supervisor.finish import merge_folder, verify_folder
from engine.supervisor.folder import opened
from engine.supervisor.lock import FileLock, is_held
from engine.supervisor.manifest import FORMAT_VERSION, read_manifest, write_manifest
from engine.supervisor.plan import make_plan
from engine.supervisor.prepare import prepared
from engine.supervisor.processes import Processes, Targets
from engine.supervisor.status import read_status

if TYPE_CHECKING:
    from pathlib import Path

    from supervisor_helpers import Workplace

URLS = ("http://a.example/", "http://b.example/")


def begin(place: Workplace, *sources: str, stdin: bytes | None = None, **changes: object) -> None:
    """Everything up to the first process, of a command."""
    stream = None if stdin is None else io.BytesIO(stdin)
    with prepared(request(place.out, sources, **changes), wait_s=0, stdin=stream):
        pass


def refused(place: Workplace, match: str, *sources: str, **changes: object) -> None:
    before = {path: path.read_bytes() for path in place.out.rglob("*") if path.is_file()}
    with pytest.raises(UsageError, match=match) as caught:
        begin(place, *sources, **changes)
    assert "\n" not in str(caught.value)
    after = {path: path.read_bytes() for path in place.out.rglob("*") if path.is_file()}
    before.pop(place.out / "state" / "lock", None)
    assert before.items() <= after.items()


def test_a_new_folder_says_what_it_was_made_from_and_keeps_its_state_private(place: Workplace) -> None:
    urls = place.urls(*URLS)
    begin(place, urls)
    manifest = place.manifest
    assert manifest["format_version"] == FORMAT_VERSION
    (entry,) = manifest["inputs"]
    assert (entry["name"], entry["format"], entry["size"]) == (urls, "txt", 36)
    assert (manifest["state"], manifest["ingest_finished"], manifest["shards"]) == ("running", False, 2)
    assert stat.S_IMODE((place.out / "state").stat().st_mode) == 0o700
    assert read_status(place.out)["state"] == "interrupted"


def test_the_manifest_holds_no_secret(place: Workplace) -> None:
    begin(place, place.urls(*URLS), fetch__headers={"Authorization": "Bearer 12345"})
    assert "12345" not in (place.out / "run.json").read_text()
    assert place.manifest["redacted"] == ["fetch.headers"]


@pytest.mark.parametrize(
    ("content", "match"), [("", "holds no URL"), ("# only\n\n  \n", "holds no URL"), ("\0\1\2", "binary|text")]
)
def test_unfit_inputs_leave_no_folder(place: Workplace, content: str, match: str) -> None:
    path = place.root / "urls.txt"
    path.write_text(content)
    refused(place, match, str(path))
    assert not place.out.exists()


def test_a_folder_of_somebody_else_is_refused(place: Workplace) -> None:
    place.out.mkdir()
    (place.out / "thesis.txt").write_text("years of work")
    refused(place, "is not empty and has no run.json", place.urls(*URLS))
    refused(place, "is not empty and has no run.json", place.urls(*URLS), fresh=True)
    assert [path.name for path in place.out.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("content", ["{}", "no json", "[]", '{"format_version": 99}'])
def test_a_run_json_that_is_not_ours_is_refused(place: Workplace, content: str) -> None:
    place.out.mkdir()
    (place.out / "run.json").write_text(content)
    refused(place, r"run\.json", place.urls(*URLS))


@pytest.mark.parametrize(
    ("version", "words"),
    [(0, "made by an older version (0.0.9)"), (2, "made by another version (0.0.9)"), ("x", "folder format x")],
)
def test_a_folder_of_another_format_is_refused_in_words_and_left_alone(
    place: Workplace, version: object, words: str
) -> None:
    urls = place.urls(*URLS)
    begin(place, urls)
    write_manifest(place.out, {**place.manifest, "format_version": version, "engine_version": "0.0.9"})
    match = rf"{re.escape(words)}.*finish the run with that version"
    refused(place, match, urls)
    refused(place, match, urls, fresh=True)
    refused(place, match, mode="resume")
    for command in (verify_folder, merge_folder, read_status):
        with pytest.raises(UsageError, match=match):
            command(place.out)


@pytest.mark.parametrize("key", ["state", "inputs", "counts", "fingerprint"])
@pytest.mark.parametrize("value", [None, True, 1.5])
def test_a_run_json_whose_parts_are_missing_or_mangled_is_refused(place: Workplace, key: str, value: object) -> None:
    begin(place, place.urls(*URLS))
    mangled = {name: part for name, part in place.manifest.items() if name != key}
    (place.out / "run.json").write_text(json.dumps(mangled if value is None else {**mangled, key: value}))
    with pytest.raises(UsageError, match=rf"run\.json: '{key}' is missing or damaged"):
        read_manifest(place.out)


def test_a_folder_that_is_no_run_cannot_be_resumed(place: Workplace) -> None:
    refused(place, "no such run folder", mode="resume")
    place.out.mkdir()
    refused(place, "is no run folder", mode="resume")
    assert list(place.out.iterdir()) == []


def test_a_kill_before_the_first_manifest_is_no_obstacle(place: Workplace) -> None:
    (place.out / "state").mkdir(parents=True)
    (place.out / "parts").mkdir()
    (place.out / "state" / "lock").touch()
    (place.out / "state" / "stdin.new.part").touch()
    begin(place, place.urls(*URLS))
    assert place.manifest["state"] == "running"


def test_other_input_is_refused_and_named(place: Workplace) -> None:
    urls = place.urls(*URLS)
    begin(place, urls)
    other = place.urls("http://c.example/", name="other.txt")
    refused(place, r"made from .*urls\.txt.*, not .*other\.txt", other)
    refused(place, r"other\.txt' is not among its inputs", urls, other)
    place.urls("http://c.example/")
    refused(place, r"urls\.txt' has changed", urls)
    refused(place, r"urls\.txt' has changed", mode="resume")


def test_a_copy_of_the_same_input_is_the_same_input(place: Workplace) -> None:
    begin(place, place.urls(*URLS))
    begin(place, place.urls(*URLS, name="copy.txt"))


def test_an_input_that_is_gone_matters_until_it_was_read(place: Workplace) -> None:
    urls = place.urls(*URLS)
    begin(place, urls)
    (place.root / "urls.txt").unlink()
    refused(place, "no such file", urls)
    refused(place, r"urls\.txt' is gone, and was not read to its end", mode="resume")
    write_manifest(place.out, {**place.manifest, "ingest_finished": True})
    for shard in range(place.manifest["shards"]):
        with closing(Store.open(place.out / "state" / f"shard-{shard:05}.sqlite", create=True)) as store:
            store.finish_ingest()
    begin(place, urls)
    begin(place, mode="resume")


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"run__shards": 3}, "run.shards was 2, now 3"),
        ({"nlp__top_keywords": 3}, "nlp.top_keywords was 15, now 3"),
        ({"output__compression": "gz"}, 'output.compression was "none", now "gz"'),
    ],
)
def test_settings_that_would_change_rows_are_refused(place: Workplace, changes: dict[str, object], match: str) -> None:
    urls = place.urls(*URLS)
    begin(place, urls)
    refused(place, match, urls, **changes)
    refused(place, match, mode="resume", **changes)


def test_other_settings_may_change(place: Workplace) -> None:
    urls = place.urls(*URLS)
    begin(place, urls)
    begin(place, urls, run__shards="auto", fetch__timeout_s=3.0)
    assert place.manifest["settings"]["fetch"]["timeout_s"] == 3.0
    assert place.manifest["shards"] == 2


def test_fresh_removes_only_what_the_manifest_names(place: Workplace) -> None:
    place.run(place.urls(*URLS))
    (place.out / "notes.txt").write_text("mine")
    (place.out / "parts" / "part-99999.jsonl").write_text("mine")
    begin(place, place.urls("http://c.example/"), fresh=True, run__shards=1)
    left = {path.relative_to(place.out).as_posix() for path in place.out.rglob("*") if path.is_file()}
    locks = {"state/lock", "state/shard-00000.lock", "state/shard-00001.lock"}
    assert left - locks == {"run.json", "notes.txt", "parts/part-99999.jsonl"}
    assert place.run(place.urls("http://c.example/"), run__shards=1) is ExitCode.COMPLETE
    assert place.row_urls() == ["http://c.example/"]


def test_fresh_with_an_unfit_input_loses_nothing(place: Workplace) -> None:
    place.run(place.urls(*URLS))
    refused(place, "holds no URL", place.urls(name="empty.txt"), fresh=True)
    refused(place, "holds no URL", "-", stdin=b"", fresh=True)
    assert place.row_urls() == sorted(URLS)


def test_stdin_is_kept_and_a_started_folder_refuses_another(place: Workplace) -> None:
    begin(place, "-", stdin=b"http://a.example/\n")
    assert (place.out / "state" / "stdin").read_bytes() == b"http://a.example/\n"
    refused(place, "use enrich resume", "-")
    assert place.run(mode="resume") is ExitCode.COMPLETE
    assert place.row_urls() == ["http://a.example/"]


def test_a_folder_in_use_names_its_process(place: Workplace) -> None:
    begin(place, place.urls(*URLS))
    with opened(place.out, create=False):
        assert is_held(place.out / "state" / "lock")
        refused(place, r"is in use by process \d+", place.urls(*URLS))
        assert read_status(place.out)["state"] == "running"
    assert not is_held(place.out / "state" / "lock")


def test_an_orphaned_shard_is_waited_for_and_then_named(place: Workplace) -> None:
    begin(place, place.urls(*URLS))
    lock = FileLock.try_acquire(place.out / "state" / "shard-00001.lock")
    assert lock is not None
    lock.sign()
    refused(place, r"is in use by process \d+", place.urls(*URLS))
    lock.release()
    begin(place, place.urls(*URLS))


def test_waiting_for_a_lock_ends_when_it_is_free(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    holder = FileLock.try_acquire(path)
    assert holder is not None
    now = 0.0

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds
        if now > 5:
            holder.release()

    FileLock.acquire(path, 10, clock=lambda: now, sleep=sleep).release()
    assert 5 < now < 6


def test_a_manifest_that_cannot_be_written_is_an_output_error(tmp_path: Path) -> None:
    write_manifest(tmp_path, {"format_version": 1})
    (tmp_path / "run.json.tmp").mkdir()
    with pytest.raises(OutputError, match=r"run\.json: cannot be written"):
        write_manifest(tmp_path, {"format_version": 1, "state": "other"})
    assert json.loads((tmp_path / "run.json").read_text()) == {"format_version": 1}


def test_a_missing_pipeline_is_refused_before_anything_is_written(place: Workplace) -> None:
    refused(place, "python -m spacy download xx_none_sm", place.urls(*URLS), nlp__pipeline="xx_none_sm")
    assert not place.out.exists()


def test_the_plan_has_a_pool_unless_nothing_is_extracted_or_analysed(tmp_path: Path) -> None:
    def plan(**changes: object) -> tuple[int, int]:
        made = make_plan(request(tmp_path, (), run__shards="auto", run__nlp_processes="auto", **changes), None, cores=8)
        return made.shards, made.nlp_children

    assert plan() == (2, 6)
    assert plan(nlp__pipeline="none") == (2, 6)
    assert plan(nlp__pipeline="none", extract__extractor="none") == (2, 0)


def test_only_a_shards_first_process_is_asked_to_retry(tmp_path: Path) -> None:
    plan = make_plan(request(tmp_path, (), mode="retry", retry_kinds=frozenset({"b", "a"})), 1, cores=1)
    assert plan.shard_config(0, first=True).retry_kinds == ("a", "b")
    assert plan.shard_config(0, first=False).retry_kinds is None
    assert make_plan(request(tmp_path, ()), 1).shard_config(0, first=True).retry_kinds is None


async def test_a_folder_too_deep_for_sockets_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(deep))
    with pytest.raises(UsageError, match="set TMPDIR"):
        Processes(Targets(), pipeline="none")
    assert list(deep.iterdir()) == []
