"""The page cache: real files, several processes, kills. What it loses is no error; what it gives is right."""

from __future__ import annotations

import importlib.util
import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from engine.errors import UsageError
from engine.policy.freshness import Stored
from engine.transport.cache import MemoryCache, default_folder
from engine.transport.cache_disk import DiskCache
from engine.transport.cache_folder import FORMAT

ROOT = Path(__file__).parents[2]
CHILD = Path(__file__).with_name("cache_child.py")
_spec = importlib.util.spec_from_file_location("cache_child", CHILD)
child = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(child)

URL = "http://example.test/a"
REQUEST = child.REQUEST
PAGE = b"<p>hello</p>" * 100


def answer(*fields, status=200, received_at=1e9):
    return Stored(status, fields or (("ETag", '"a"'),), received_at - 1, received_at)


def database(root):
    (found,) = (root / FORMAT).glob("pages-*.sqlite")
    return found


@pytest.fixture(params=["memory", "disk"])
def cache(request, tmp_path):
    made = MemoryCache() if request.param == "memory" else DiskCache(tmp_path, 0)
    yield made
    made.close()


# -- the protocol, of the real one and its fake -----------------------------------------------------------------------


def test_what_was_stored_is_found(cache):
    stored = answer(("Content-Type", "text/html"), ("X", "1"), ("X", " é\udce9: 2"), ("Empty", ""), status=203)
    entry = cache.store(URL, REQUEST, stored, PAGE)
    cache.store_row_fields(entry, "mine", b'{"title":"t"}')
    cache.flush()
    found = cache.lookup(URL, REQUEST, "mine")
    assert (found.entry, found.stored, found.body_bytes) == (entry, stored, len(PAGE))
    assert found.row_fields == b'{"title":"t"}'
    assert cache.body(found) == PAGE


def test_an_empty_cache_knows_nothing(cache):
    assert cache.lookup(URL, REQUEST, "mine") is None


@pytest.mark.parametrize("body", [b"", b"x", os.urandom(100_000), b"a" * 3_000_000])
def test_any_body_comes_back(cache, body):
    cache.store(URL, REQUEST, answer(), body)
    cache.flush()
    found = cache.lookup(URL, REQUEST, "mine")
    assert cache.body(found) == body
    assert found.body_bytes == len(body)


def test_other_settings_find_the_body_only(cache):
    entry = cache.store(URL, REQUEST, answer(), PAGE)
    cache.store_row_fields(entry, "mine", b"{}")
    cache.flush()
    found = cache.lookup(URL, REQUEST, "yours")
    assert found.row_fields is None
    assert cache.body(found) == PAGE
    cache.store_row_fields(entry, "yours", b'{"a":1}')
    cache.flush()
    assert cache.lookup(URL, REQUEST, "yours").row_fields == b'{"a":1}'
    assert cache.lookup(URL, REQUEST, "mine").row_fields is None


def test_a_newer_answer_takes_the_place_of_the_older_and_of_its_row(cache):
    old = cache.store(URL, REQUEST, answer(), PAGE)
    cache.store_row_fields(old, "mine", b"old")
    cache.store(URL, REQUEST, answer(received_at=2e9), b"new")
    cache.store_row_fields(old, "mine", b"late")  # the row of a page that is no more
    cache.flush()
    found = cache.lookup(URL, REQUEST, "mine")
    assert cache.body(found) == b"new"
    assert found.row_fields is None


def test_variants_are_kept_side_by_side(cache):
    german, french = (*REQUEST, ("Accept-Language", "de")), (*REQUEST, ("Accept-Language", "fr"))
    varies = (("Vary", "Accept-Language"), ("ETag", '"a"'))
    cache.store(URL, german, answer(*varies), b"hallo")
    cache.store(URL, french, answer(*varies), b"salut")
    cache.flush()
    assert cache.body(cache.lookup(URL, german, "")) == b"hallo"
    assert cache.body(cache.lookup(URL, french, "")) == b"salut"
    assert cache.lookup(URL, REQUEST, "") is None


def test_of_two_that_fit_the_newer_is_found(cache):
    german = (*REQUEST, ("Accept-Language", "de"))
    cache.store(URL, german, answer(received_at=2e9), b"new")
    cache.store(URL, german, answer(("Vary", "Accept-Language"), received_at=1e9), b"old")
    cache.flush()
    assert cache.body(cache.lookup(URL, german, "")) == b"new"


def test_no_identity_is_given_anothers_page(cache):
    cache.store(URL, (*REQUEST, ("Cookie", "user=1")), answer(), b"private")
    cache.flush()
    assert cache.lookup(URL, REQUEST, "") is None
    assert cache.lookup(URL, (*REQUEST, ("Cookie", "user=2")), "") is None
    assert cache.lookup(URL, (*REQUEST, ("cookie", "user=1")), "") is not None


def test_a_304_changes_the_answer_and_leaves_body_and_row(cache):
    entry = cache.store(URL, REQUEST, answer(), PAGE)
    cache.store_row_fields(entry, "mine", b"{}")
    cache.flush()
    newer = answer(("ETag", '"a"'), ("Cache-Control", "max-age=9"), received_at=2e9)
    cache.refresh(URL, REQUEST, cache.lookup(URL, REQUEST, "mine"), newer)
    cache.flush()
    found = cache.lookup(URL, REQUEST, "mine")
    assert (found.stored, found.row_fields) == (newer, b"{}")
    assert cache.body(found) == PAGE


def test_what_is_forgotten_is_gone(cache):
    other = "http://example.test/b"
    entry = cache.store(URL, REQUEST, answer(), PAGE)
    cache.store(other, REQUEST, answer(), PAGE)
    cache.flush()
    found = cache.lookup(URL, REQUEST, "")
    cache.forget(URL)
    cache.store_row_fields(entry, "", b"{}")
    cache.flush()
    assert cache.lookup(URL, REQUEST, "") is None
    assert cache.body(found) is None
    assert cache.lookup(other, REQUEST, "") is not None


# -- on disk ----------------------------------------------------------------------------------------------------------


def test_a_closed_cache_is_found_again_and_may_be_closed_twice(tmp_path):
    first = DiskCache(tmp_path, 0)
    first.store(URL, REQUEST, answer(), PAGE)
    first.close()
    first.close()
    assert first.lookup(URL, REQUEST, "") is None
    second = DiskCache(tmp_path, 0)
    assert second.body(second.lookup(URL, REQUEST, "")) == PAGE
    second.close()


def test_a_refresh_of_an_entry_that_another_run_replaced_leaves_the_newer(tmp_path):
    ours, theirs = DiskCache(tmp_path, 0), DiskCache(tmp_path, 0)
    ours.store(URL, REQUEST, answer(), b"old")
    ours.flush()
    found = ours.lookup(URL, REQUEST, "")
    theirs.store(URL, REQUEST, answer(), b"new")
    theirs.flush()
    ours.refresh(URL, REQUEST, found, answer(received_at=3e9))
    ours.flush()
    assert ours.body(ours.lookup(URL, REQUEST, "")) == b"new"
    assert ours.body(found) is None
    ours.close()
    theirs.close()


def test_folder_and_files_are_the_users_alone(tmp_path):
    before = os.umask(0)
    try:
        cache = DiskCache(tmp_path / "new" / "cache", 0)
        cache.store(URL, REQUEST, answer(), PAGE)
        cache.flush()
        folder = tmp_path / "new" / "cache" / FORMAT
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert {stat.S_IMODE(file.stat().st_mode) & 0o077 for file in folder.glob("pages-*")} == {0}
        assert len(list(folder.glob("pages-*"))) == 3  # with its log
        cache.close()
    finally:
        os.umask(before)


def test_a_folder_that_was_opened_to_others_is_closed_again(tmp_path):
    DiskCache(tmp_path, 0).close()
    (tmp_path / FORMAT).chmod(0o755)
    DiskCache(tmp_path, 0).close()
    assert stat.S_IMODE((tmp_path / FORMAT).stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_used_is_the_users_to_mend(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"cache\.dir"):
        DiskCache(tmp_path / "file", 0)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / FORMAT).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="somebody else"):
        DiskCache(tmp_path, 0)


def test_no_secret_of_a_request_is_written(tmp_path):
    cache = DiskCache(tmp_path, 0)
    cache.store(URL, (("Cookie", "hunter2"), ("Authorization", "Basic hunter2")), answer(), PAGE)
    cache.close()
    assert b"hunter2" not in database(tmp_path).read_bytes()


# -- bounded ----------------------------------------------------------------------------------------------------------


def fill(cache, first, last, size=20_000):
    for number in range(first, last):
        cache.store(child.url(number), REQUEST, child.stored(number), os.urandom(size))
    cache.flush()


def test_the_file_never_grows_beyond_its_bound(tmp_path):
    cache = DiskCache(tmp_path, 2_000_000)
    for step in range(10):
        fill(cache, step * 50, step * 50 + 50)
        cache._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        assert database(tmp_path).stat().st_size <= 2_000_000
    assert cache.counts.evicted > 300
    assert cache.lookup(child.url(499), REQUEST, "") is not None
    cache.close()


def test_what_was_used_longest_ago_goes_first(tmp_path):
    clock = [1e9]
    cache = DiskCache(tmp_path, 2_000_000, now=lambda: clock[0])
    fill(cache, 0, 60)
    clock[0] += 7200
    assert cache.lookup(child.url(0), REQUEST, "") is not None
    fill(cache, 60, 110)
    assert cache.lookup(child.url(0), REQUEST, "") is not None
    assert cache.lookup(child.url(1), REQUEST, "") is None
    assert cache.lookup(child.url(109), REQUEST, "") is not None
    cache.close()


def test_one_page_does_not_drive_out_all_others(tmp_path):
    cache = DiskCache(tmp_path, 2_000_000)
    fill(cache, 0, 20)
    cache.store(URL, REQUEST, answer(), os.urandom(1_000_000))
    cache.flush()
    assert cache.lookup(URL, REQUEST, "") is None
    assert all(cache.lookup(child.url(number), REQUEST, "") for number in range(20))
    cache.close()


def test_a_lower_bound_is_reached_step_by_step_and_forgetting_always_works(tmp_path):
    large = DiskCache(tmp_path, 0)
    fill(large, 0, 600)
    large.close()
    before = database(tmp_path).stat().st_size
    small = DiskCache(tmp_path, 1_000_000)
    small.forget(child.url(599))
    small.flush()
    assert small.lookup(child.url(599), REQUEST, "") is None
    for number in range(1000, 1020):
        fill(small, number, number + 1, size=1000)
    small._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    assert database(tmp_path).stat().st_size <= 1_000_000 < before
    assert small.lookup(child.url(1019), REQUEST, "") is not None
    small.close()


def test_a_vary_on_something_new_each_time_does_not_fill_the_cache(tmp_path):
    cache = DiskCache(tmp_path, 0)
    for number in range(50):
        request = (("X-Number", str(number)),)
        cache.store(URL, request, answer(("Vary", "X-Number"), received_at=1e9 + number), b"x")
    cache.flush()
    found = [cache.lookup(URL, (("X-Number", str(number)),), "") is not None for number in range(50)]
    assert found == [False] * 42 + [True] * 8
    for table in ("entry", "body"):  # nothing is left of what was dropped
        assert cache._db.execute(f"SELECT count(*) FROM {table}").fetchone() == (8,)  # noqa: S608 - two constants
    cache.close()


# -- damage -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE entry SET head = x'00'",
        "UPDATE entry SET head = 'text'",
        "UPDATE entry SET head = zeroblob(1000)",
        "UPDATE entry SET head = CAST(substr(head, 1, length(head) - 1) || x'ff' AS BLOB)",
    ],
)
def test_a_damaged_entry_is_a_miss_and_dropped(tmp_path, sql):
    cache = DiskCache(tmp_path, 0)
    cache.store(URL, REQUEST, answer(), PAGE)
    cache.flush()
    cache._db.execute(sql)
    assert cache.lookup(URL, REQUEST, "") is None
    assert cache.counts.faults == 1
    cache.flush()
    assert cache._db.execute("SELECT count(*) FROM body").fetchone() == (0,)
    cache.close()


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE body SET data = CAST(substr(data, 1, length(data) - 1) || x'ff' AS BLOB)",
        "UPDATE body SET data = x'00'",
        "UPDATE entry SET body_bytes = 1",
        "DELETE FROM body",
    ],
)
def test_a_damaged_body_is_none(tmp_path, sql):
    cache = DiskCache(tmp_path, 0)
    cache.store(URL, REQUEST, answer(), PAGE)
    cache.flush()
    cache._db.execute(sql)
    assert cache.body(cache.lookup(URL, REQUEST, "")) is None
    cache.close()


@pytest.mark.parametrize("content", [b"", b"no database at all" * 1000])
def test_a_file_that_is_no_database_is_left_behind(tmp_path, content):
    DiskCache(tmp_path, 0).close()
    database(tmp_path).write_bytes(content)
    cache = DiskCache(tmp_path, 0)
    cache.store(URL, REQUEST, answer(), PAGE)
    cache.close()
    again = DiskCache(tmp_path, 0)
    assert again.lookup(URL, REQUEST, "") is not None
    again.close()
    assert database(tmp_path)  # one, and no more


def test_a_database_of_another_shape_is_left_behind(tmp_path):
    DiskCache(tmp_path, 0).close()
    database(tmp_path).unlink()
    foreign = sqlite3.connect(tmp_path / FORMAT / "pages-1.sqlite")
    foreign.execute("CREATE TABLE entry (something)")
    foreign.close()
    cache = DiskCache(tmp_path, 0)
    cache.store(URL, REQUEST, answer(), PAGE)
    cache.flush()
    assert cache.lookup(URL, REQUEST, "") is not None
    cache.close()


def test_damage_found_on_the_way_ends_the_use_of_a_cache_and_harms_nothing(tmp_path):
    first = DiskCache(tmp_path, 0)
    fill(first, 0, 200)
    first.close()
    cache = DiskCache(tmp_path, 0)
    damaged = database(tmp_path)
    with damaged.open("r+b") as file:  # all but the first page, which holds the schema
        file.seek(8192)
        file.write(b"\xa5" * (damaged.stat().st_size - 8192))
    assert [cache.lookup(child.url(number), REQUEST, "") for number in range(200)] == [None] * 200
    assert cache.counts.faults == 1
    cache.store(URL, REQUEST, answer(), PAGE)
    cache.flush()
    cache.close()
    again = DiskCache(tmp_path, 0)
    again.store(URL, REQUEST, answer(), PAGE)
    again.flush()
    assert again.lookup(URL, REQUEST, "") is not None
    assert database(tmp_path) != damaged
    again.close()


# -- several processes, and kills -------------------------------------------------------------------------------------


def start(folder, first, last, max_bytes=0):
    command = [sys.executable, str(CHILD), str(folder), str(max_bytes), str(first), str(last)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})  # noqa: S603 - our own file


def check(cache, numbers):
    """How many of the pages are there; each one that is must be right, and whole."""
    there = 0
    for number in numbers:
        found = cache.lookup(child.url(number), REQUEST, "settings")
        # A body is gone where another process has replaced the page in between.
        if found is not None and (body := cache.body(found)) is not None:
            there += 1
            assert found.stored == child.stored(number)
            assert body == child.body(number)
            assert found.row_fields in (None, child.row_fields(number))
    return there


def test_two_processes_write_at_once_and_a_third_reads(tmp_path):
    writers = [start(tmp_path, 0, 300), start(tmp_path, 200, 500)]
    reader = DiskCache(tmp_path, 0)
    while any(writer.poll() is None for writer in writers):
        check(reader, range(0, 500, 25))
    for writer in writers:
        assert writer.wait() == 0
        writer.stdout.close()
    assert check(reader, range(500)) == 500
    assert reader.counts.faults == 0
    reader.close()


def test_two_processes_keep_to_one_bound(tmp_path):
    writers = [start(tmp_path, first, first + 400, 300_000) for first in (0, 1000)]
    for writer in writers:
        assert writer.wait() == 0
        writer.stdout.close()
    cache = DiskCache(tmp_path, 300_000)
    assert 0 < check(cache, [*range(400), *range(1000, 1400)]) < 800
    cache.close()
    assert database(tmp_path).stat().st_size <= 300_000


@pytest.mark.parametrize("flushes", [1, 4, 11])
def test_a_kill_loses_at_most_what_was_not_written(tmp_path, flushes):
    writers = [start(tmp_path, first, 0) for first in (0, 100_000)]
    for writer in writers:
        for _ in range(flushes):
            assert writer.stdout.readline() == b"wrote\n"
    for writer in writers:
        writer.kill()  # SIGKILL, in the midst of the next pages
        writer.wait()
        writer.stdout.close()
    cache = DiskCache(tmp_path, 0)
    written = 10 * (flushes - 1) + 1
    assert check(cache, range(written)) == written
    assert check(cache, range(100_000, 100_000 + written)) == written
    check(cache, range(written, 2000))
    assert cache._db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert cache.counts.faults == 0
    cache.close()


def test_while_another_process_writes_what_comes_waits_in_memory(tmp_path):
    cache = DiskCache(tmp_path, 0)
    other = sqlite3.connect(database(tmp_path), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for number in range(100):
        cache.store(child.url(number), REQUEST, child.stored(number), child.body(number))
    assert cache.counts.faults == 1  # tried once for the first batch, not at each page
    assert check(cache, range(100)) == 0
    other.execute("ROLLBACK")
    other.close()
    cache.flush()
    assert check(cache, range(100)) == 100
    assert cache.counts.dropped == 0
    cache.close()


# -- where it is ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environ", "platform", "folder"),
    [
        ({"XDG_CACHE_HOME": "/x", "HOME": "/h"}, "linux", "/x/enrich-engine"),
        ({"XDG_CACHE_HOME": "", "HOME": "/h"}, "linux", "/h/.cache/enrich-engine"),
        ({"XDG_CACHE_HOME": "relative", "HOME": "/h"}, "linux", "/h/.cache/enrich-engine"),
        ({"HOME": "/h"}, "darwin", "/h/Library/Caches/enrich-engine"),
        ({"XDG_CACHE_HOME": "/x", "HOME": "/h"}, "darwin", "/x/enrich-engine"),
    ],
)
def test_the_users_cache_folder(environ, platform, folder):
    assert default_folder(environ, platform) == Path(folder)


def test_without_a_home_the_folder_must_be_set():
    with pytest.raises(UsageError, match=r"cache\.dir"):
        default_folder({}, "linux")
