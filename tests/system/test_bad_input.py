"""What cannot be run ends in one line that names the thing and the mend, the right exit code, and nothing lost."""

from __future__ import annotations

import gzip
import os
import resource
import signal

import pytest
from system.harness import contents, lines, rows

FETCH_ONLY = {"extract__extractor": "none", "nlp__pipeline": "none"}


def folder(at):
    (at / "list").mkdir()
    return "list"


def file(name, data):
    def make(at):
        (at / name).write_bytes(data)
        return name

    return make


def unreadable(at):
    path = at / "secret.txt"
    path.write_text("http://a.test/\n")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read every file")
    return path.name


UNFIT = {
    "missing": (lambda _: "none.txt", "none.txt", "no such file"),
    "a folder": (folder, "list", "folder"),
    "unreadable": (unreadable, "secret.txt", "permission"),
    "of an unknown format": (file("urls.doc", b"http://a.test/"), "urls.doc", ".txt"),
    "binary": (file("urls.txt", bytes(range(256)) * 20), "urls.txt", "binary"),
    "binary csv": (file("urls.csv", b"url\n\0\0\0\xff\n"), "urls.csv", "binary"),
    "no gzip": (file("urls.txt.gz", b"http://a.test/\n"), "urls.txt.gz", "gzip"),
    "no zstd": (file("urls.txt.zst", b"http://a.test/\n"), "urls.txt.zst", "zst"),
    "no parquet": (file("urls.parquet", b"http://a.test/\n"), "urls.parquet", "parquet"),
    "csv without the column": (file("urls.csv", b"link,name\nhttp://a.test/,x\n"), "'url'", "--url-column"),
    "csv without a header": (file("urls.csv", b"http://a.test/\nhttp://a.test/2\n"), "'url'", "--url-column"),
    "empty": (file("urls.txt", b""), "urls.txt", "no URL"),
    "comments only": (file("urls.txt", b"# one\n\n# two\n"), "urls.txt", "no URL"),
}


@pytest.mark.parametrize("case", UNFIT)
def test_an_unfit_input(enrich, case):
    make, thing, mend = UNFIT[case]
    given = make(enrich.root)
    done = enrich.refused(*enrich.run(enrich.root / given, **FETCH_ONLY))
    assert done.code == 2, done.err
    assert thing in done.line
    assert mend in done.line.lower() or mend in done.line
    assert not enrich.out.exists()


def test_an_unfit_input_costs_a_former_run_nothing(enrich):
    listing = enrich.listing(["http://a.test/html/1"])
    assert enrich(*enrich.run(listing, **FETCH_ONLY)).code == 0
    before = contents(enrich.out)
    other = enrich.listing(["http://b.test/html/1"], "other.txt")
    empty = enrich.listing([], "empty.txt")
    for words, arguments in {
        "another run's": enrich.run(other, **FETCH_ONLY),
        "none.txt": enrich.run("none.txt", "--fresh", **FETCH_ONLY),
        "no URL": enrich.run(empty, "--fresh", **FETCH_ONLY),
        "run.shards": enrich.run(listing, "--shards", "3", **FETCH_ONLY),
        "nlp.top_keywords": enrich.run(listing, **FETCH_ONLY, nlp__top_keywords=3),
        "stdin": enrich.run("-", "-", **FETCH_ONLY),
    }.items():
        done = enrich.refused(*arguments)
        assert (done.code, words in done.line) == (2, True), (words, done.err)
    after = contents(enrich.out)
    assert {name for name in after if after[name] != before.get(name)} <= {"state/lock"}
    assert set(after) == set(before)
    assert enrich(*enrich.run(other, "--fresh", **FETCH_ONLY)).code == 0
    assert list(rows(enrich.out)) == ["http://b.test/html/1"]


def test_a_list_that_turns_out_damaged_on_the_way(enrich):
    path = enrich.root / "urls.txt.gz"
    path.write_bytes(gzip.compress(b"http://a.test/\n" * 9)[:-12])
    done = enrich(*enrich.run(path, **FETCH_ONLY))
    assert done.code == 2
    assert "urls.txt.gz" in done.err.splitlines()[-1]
    assert "cut short" in done.err.splitlines()[-1]


def test_broken_lines_become_rows(enrich):
    path = enrich.root / "urls.jsonl"
    path.write_bytes(b'{"url": "http://a.test/html/1"}\n{"url": \n[1]\n{"link": 1}\n{"url": 7}\n\xff\xfe\n')
    done = enrich(*enrich.run(path, **FETCH_ONLY))
    assert done.code == 0, done.err
    errors = lines(enrich.out / "failures.jsonl")
    assert {row["error_kind"] for row in errors} == {"invalid_url"}
    assert sorted(row["error"].partition(":")[0] for row in errors) == [f"line {n}" for n in range(2, 7)]
    assert "fetch.contact" not in done.err


def test_a_list_of_invalid_lines_only_by_a_run_without_a_contact(enrich):
    done = enrich(*enrich.run(enrich.listing(["not one", "neither", "http://"]), fetch__contact=None))
    assert done.code == 0, done.err
    assert {row["error_kind"] for row in lines(enrich.out / "failures.jsonl")} == {"invalid_url"}
    assert len(rows(enrich.out)) == 3
    assert "fetch.contact" in done.err  # a warning


def test_folders_that_are_no_run(enrich):
    listing = enrich.listing(["http://a.test/html/1"])
    enrich.out.mkdir()
    (enrich.out / "thesis.doc").write_text("years of work")
    foreign = enrich.refused(*enrich.run(listing))
    assert foreign.code == 2
    assert str(enrich.out) in foreign.line
    assert "another" in foreign.line
    assert enrich.refused(*enrich.run(listing, "--fresh")).code == 2
    assert contents(enrich.out) == {"thesis.doc": b"years of work"}
    for command in ("resume", "retry", "status", "merge", "verify"):
        done = enrich.refused(command, enrich.out)
        assert (done.code, "run.json" in done.line) == (2, True), command
    assert enrich.refused("resume", enrich.root / "nowhere").code == 2
    on_a_file = enrich.refused("run", listing, "--out", listing)
    assert (on_a_file.code, str(listing) in on_a_file.line) == (2, True)


CONFIGS = {
    "an unknown key": (b"fetch: {time_out_s: 3}\n", ("fetch.time_out_s", "fetch.timeout_s")),
    "a wrong type": (b"fetch: {timeout_s: soon}\n", ("fetch.timeout_s", "number")),
    "out of range": (b"fetch: {timeout_s: -1}\n", ("fetch.timeout_s", "0")),
    "no YAML": (b"fetch:\n  - [\n", ("line", "YAML")),
    "binary": (bytes(range(128, 256)), ("my.yml",)),
}


@pytest.mark.parametrize("case", CONFIGS)
def test_an_unfit_config(enrich, case):
    data, words = CONFIGS[case]
    path = enrich.root / "my.yml"
    path.write_bytes(data)
    done = enrich.refused(*enrich.run(enrich.listing(["http://a.test/"]), "--config", path))
    assert done.code == 2
    assert "my.yml" in done.line
    assert all(word in done.line for word in words), done.line
    assert not enrich.out.exists()


def test_an_unfit_flag_or_variable(enrich):
    listing = enrich.listing(["http://a.test/"])
    wrong = enrich.refused("run", listing, "--out", enrich.out, "--delay", "soon")
    assert (wrong.code, "--delay" in wrong.line) == (2, True)
    unknown = enrich.refused("run", listing, "--out", enrich.out, "--dely", "1")
    assert (unknown.code, "--delay" in unknown.line) == (2, True)
    variable = enrich.refused("run", listing, "--out", enrich.out, environ={"ENRICH_FETCH__TIMEOUTS": "1"})
    assert (variable.code, "ENRICH_FETCH__TIMEOUTS" in variable.line) == (2, True)
    assert not enrich.out.exists()


def test_a_proxy_that_cannot_be_used(enrich, monkeypatch):
    listing = enrich.listing(["http://a.test/"])
    environ = {"HTTPS_PROXY": "gopher://joe:hunter2@proxy.test"}
    done = enrich.refused(*enrich.run(listing, fetch__proxy="environment"), environ=environ)
    assert (done.code, "the variable https_proxy" in done.line, "hunter2" in done.err) == (2, True, False)
    done = enrich.refused(*enrich.run(listing, fetch__proxy="http://joe:hunter2@proxy.test"))
    assert (done.code, "fetch.connect_to" in done.line, "hunter2" in done.err) == (2, True, False)
    monkeypatch.setattr("engine.transport.proxy.find_spec", lambda _: None)
    done = enrich.refused(*enrich.run(listing, fetch__connect_to=[], fetch__proxy="socks5://proxy.test"))
    assert (done.code, "enrich-engine[socks]" in done.line) == (2, True)
    assert not enrich.out.exists()


def small_files():
    """Every file ends at 200 kB, as a full disk would have it; Python ignores SIGXFSZ, so the write itself fails."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))


def test_a_disk_that_is_full(enrich):
    listing = enrich.listing(f"http://full-{n % 8}.test/html/{n}" for n in range(200))
    full = enrich(*enrich.run(listing, **FETCH_ONLY), limits=small_files)
    assert full.code == 4, full.err
    last = full.err.splitlines()[-1]
    assert "part-00000" in last or "shard-00000" in last
    assert "enrich resume" in last or "mend" in last
    assert "Traceback" not in full.err
    done = enrich("resume", enrich.out)
    assert done.code == 0, done.err
    assert len(rows(enrich.out)) == 200
    assert enrich.refused("verify", enrich.out).code == 0
