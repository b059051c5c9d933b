"""Any text in, entries out; and from any cursor, exactly the rest."""

from __future__ import annotations

from collections import Counter

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.frontier.intake import keys_and_hosts
from engine.ipc.frames import Frame
from engine.ipc.tasks import tasks_frame, tasks_in
from engine.model.entries import Entries
from engine.model.outcome import Failure, FailureKind
from engine.model.task import position, split_position
from engine.model.url import host_id, parse_target, site_of, url_key
from engine.policy.placement import shard_of
from engine.settings.groups import InputSettings
from engine.sources import ingest
from engine.sources.ingest import batches
from engine.sources.source import resolve

_DEFAULTS = InputSettings()


def _entries(found):
    rows = (entry for batch in found for entries in batch.entries for entry in entries.rows())
    return sorted(rows, key=lambda entry: entry[0])


@pytest.fixture
def write(tmp_path):
    def write(name, text):
        (tmp_path / name).write_text(text)
        return resolve(str(tmp_path / name))

    return write


def test_an_entry_carries_all_that_its_shard_needs(write):
    source = write("a.csv", "url,priority,id\nHTTP://u:p@H.example/x#y,5,7\nhttp://h.example/,,8\n")
    (batch,) = batches([source], (0, 0), 1, _DEFAULTS)
    assert (batch.input, batch.last) == (0, 3)
    (entries,) = batch.entries
    assert entries.rows() == [
        [position(0, 2), 5, "HTTP://H.example/x#y", "http://h.example/x", "h.example", "u:p", '{"id":"7"}'],
        [position(0, 3), 0, "http://h.example/", None, "h.example", None, '{"id":"8"}'],
    ]


@pytest.mark.parametrize(
    "text", ["http://a.example/1\nhttp://b.example/2\n", "no url\n", "#\n", "HTTP://u:p@a.example\n"]
)
def test_a_frame_brings_entries_as_they_are(write, text):
    (batch,) = batches([write("a.txt", text)], (0, 0), 1, _DEFAULTS)
    assert tasks_in(Frame(*tasks_frame((0, 3), batch.entries[0]))) == batch.entries[0]


def test_prints_are_the_entries_own(write):
    source = write("a.txt", "http://h.example/\nHTTP://G.example\nhttp://h.example/x\nno url\n")
    for batch in batches([source], (0, 0), 3, _DEFAULTS):
        for entries in batch.entries:
            assert Entries.of(entries.rows()) == entries
            keys, hosts = keys_and_hosts(entries.prints)
            assert hosts == [host_id(host) for host in entries.hosts]
            assert keys == b"".join(
                url_key(entry[3] or entry[2] if entry[4] else f"invalid:{entry[2]}") for entry in entries.rows()
            )


def test_all_urls_of_a_site_go_to_the_shard_that_owns_it(write):
    urls = [f"http://{host}.site{n}.co.uk/{n}" for n in range(50) for host in ("www", "a.b")]
    (batch,) = batches([write("a.txt", "\n".join(urls))], (0, 0), 7, _DEFAULTS)
    assert all(batch.entries)
    for shard, entries in enumerate(batch.entries):
        assert {shard_of(site_of(host), 7) for host in entries.hosts} == {shard}


@pytest.mark.parametrize("text", ["no url", "ftp://h/", "http://u:secret@h:x/", "{", "http://h:99999/"])
def test_a_line_that_names_nothing_to_fetch_is_placed_by_its_text(write, text):
    found = list(batches([write("a.txt", f"{text}\n{text}\n")], (0, 0), 5, _DEFAULTS))
    first, second = _entries(found)
    assert first[4] == ""
    assert first[3:] == second[3:]
    assert isinstance(parse_target(first[2]), Failure)
    assert "secret" not in first[2]
    assert sum(1 for entries in found[0].entries if entries) == 1


def test_a_broken_record_is_no_url_also_where_it_looks_like_one(write):
    sources = [write("a.jsonl", "http://h/\n"), write("a.txt", "http://h/" + "x" * 70_000)]
    for entry in _entries(batches(sources, (0, 0), 2, _DEFAULTS)):
        assert entry[4] == ""
        failure = parse_target(entry[2])
        assert isinstance(failure, Failure)
        assert failure.kind is FailureKind.INVALID_URL


def test_a_first_batch_is_small_and_each_is_for_every_shard_and_one_input(write):
    sources = [write(f"{n}.txt", "".join(f"http://h{i}.example/{n}\n" for i in range(25))) for n in range(2)]
    found = list(batches(sources, (0, 0), 3, _DEFAULTS, batch_size=10, first_batch_size=2))
    assert [(batch.input, batch.last) for batch in found] == [
        (0, 2),
        (0, 12),
        (0, 22),
        (0, 25),
        (1, 10),
        (1, 20),
        (1, 25),
    ]
    assert all(len(batch.entries) == 3 for batch in found)


def test_a_batch_is_bounded_in_characters_too(write, monkeypatch):
    monkeypatch.setattr(ingest, "MAX_BATCH_CHARS", 100)
    source = write("a.jsonl", '{"url":"http://h/","x":"%s"}\n' % ("y" * 60) * 10)
    assert [batch.last for batch in batches([source], (0, 0), 1, _DEFAULTS)] == [2, 4, 6, 8, 10]


def test_a_cursor_moves_over_what_is_no_record(write):
    sources = [write("a.txt", "#\n\n#\n"), write("b.txt", ""), write("c.txt", "http://h/\n#\n")]
    found = list(batches(sources, (0, 0), 2, _DEFAULTS))
    assert [(batch.input, batch.last) for batch in found] == [(0, 3), (2, 2)]
    assert found[0].entries == [Entries(), Entries()]
    assert list(batches(sources, (2, 2), 2, _DEFAULTS)) == []
    assert list(batches(sources, (3, 0), 2, _DEFAULTS)) == []


def test_a_fault_comes_after_the_batches_before_it(tmp_path, write):
    import gzip  # noqa: PLC0415

    packed = gzip.compress("".join(f"http://h/{n}\n" for n in range(1000)).encode())
    path = tmp_path / "a.txt.gz"
    path.write_bytes(packed[: len(packed) // 2])
    found = []
    with pytest.raises(UsageError, match="cut short"):
        found.extend(batches([write("b.txt", "http://h/"), resolve(str(path))], (0, 0), 1, _DEFAULTS))
    assert [entry[2] for entry in _entries(found)][1:5] == [f"http://h/{n}" for n in range(4)]
    assert found[-1].last == len(_entries(found)) - 1


_LINE = (
    st.text("htp:/.a#@ %é\t", max_size=20)
    | st.text(max_size=20)
    | st.sampled_from(["", "# no", "http://a.example/", "http://b.example/x#y", "HTTPS://u:p@c.example", "ftp://x/"])
)
_FILE = st.lists(_LINE, max_size=12).map(lambda lines: "\n".join(lines).encode("utf-8", "surrogatepass"))


@settings(max_examples=150, deadline=None)
@given(
    files=st.lists(_FILE, max_size=3),
    shards=st.integers(1, 4),
    size=st.integers(1, 5),
    limit=st.integers(0, 12),
    data=st.data(),
)
def test_any_text_gives_entries_and_any_cursor_exactly_the_rest(  # noqa: PLR0913, PLR0917 - one name a draw
    tmp_path_factory, files, shards, size, limit, data
):
    sources = []
    for number, text in enumerate(files):
        path = tmp_path_factory.getbasetemp() / f"{number}.txt"
        path.write_bytes(text)
        sources.append(resolve(str(path)))
    columns = InputSettings(limit=limit)
    try:
        found = list(batches(sources, (0, 0), shards, columns, size, size))
    except UsageError:  # a NUL
        return
    whole = _entries(found)
    assert len(whole) <= limit or not limit
    assert len({entry[0] for entry in whole}) == len(whole)
    for entry in whole:
        orjson.dumps(entry)
        target = parse_target(entry[3] or entry[2])
        assert isinstance(target, Failure) == (entry[4] == "")
    cursors = [(0, 0), *[(batch.input, batch.last) for batch in found]]
    assert cursors == sorted(set(cursors))
    cursor = data.draw(st.sampled_from(cursors) | st.tuples(st.integers(0, len(files)), st.integers(0, 13)))
    rest = _entries(batches(sources, cursor, shards, columns, size, size))
    assert rest == [entry for entry in whole if split_position(entry[0]) > cursor]
    placed = Counter((shard, at) for b in found for shard, entries in enumerate(b.entries) for at in entries.positions)
    again = batches(sources, cursor, shards, columns, 7, 7)
    assert all(placed[shard, at] for b in again for shard, entries in enumerate(b.entries) for at in entries.positions)


_ODD_LINES = st.sampled_from((
    "", "# no URL", "http://h.test", "http://H.test/", "http://1.2.3.4/", "http://0x7f.1/", "https://h.test:8080/a",
    "http://u:p@h.test/a", "http://h.test/a/../b", "http://h.test/%2e%2E/c", "http://h.test/%41", "http://h.test/a#b",
    "http://h.test/?a'b", "http://h.test/a'b", "http://h.test/a?b?c", " http://h.test/a ", "http://h.test/é",
    "http://xn--a.test/", "http://-a_b.test/", "http:///a", "https:///a", "http://h/", "http://h?x=/y", "http://.h/",
    "http:/h/a", "ftp://h/a", "no url", "http://h.test/a\tb", "http://h.test/\\a", "//h.test/a", "http://h..test/",
    "http://h.test/a\r", "http://h.test/.", "http://h.test/;/..a", "http://h.test/[", "http://a.b.co.uk/x|y",
))  # fmt: skip
_PLAIN_LINES = st.from_regex(
    r"https?://([a-z0-9_-]{1,3}\.){0,2}[a-z0-9-]{1,3}(/[a-zA-Z0-9_!$&()*+,;=:@~%./?-]*)?", fullmatch=True
)
_ANY_LINES = st.text(st.sampled_from("htps:/ab.?%2e@#'x-n1é "), max_size=20)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.one_of(_PLAIN_LINES, _PLAIN_LINES, _ODD_LINES, _ANY_LINES), max_size=30),
    st.booleans(),
    st.integers(0, 12),
    st.integers(1, 9),
)
def test_a_list_in_blocks_is_what_it_is_line_by_line(tmp_path_factory, lines, last_ends, after, size):
    path = tmp_path_factory.getbasetemp() / "blocks.txt"
    path.write_text("\n".join(lines) + "\n" * last_ends, newline="")
    source, by_line = resolve(str(path)), InputSettings(limit=1_000_000)  # with a limit all are read line by line
    in_blocks = list(batches([source], (0, after), 3, _DEFAULTS, size, 2))
    assert in_blocks == list(batches([source], (0, after), 3, by_line, size, 2))
    for line in lines:  # and by itself, since one odd line takes its block with it
        path.write_text(f"{line}\n", newline="")
        assert list(batches([source], (0, 0), 3, _DEFAULTS)) == list(batches([source], (0, 0), 3, by_line))
