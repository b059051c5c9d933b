from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from engine.cli.app import app, invoke
from engine.errors import ExitCode, OutputError, UsageError
from engine.observe.mends import MENDS
from engine.settings import Settings, known_keys, load, redacted, redacted_keys


class FakeEngine:
    """Records what it is asked and answers as told."""

    def __init__(self):
        self.runs = []
        self.outcome = ExitCode.COMPLETE
        self.settings = Settings()
        self.problems = []
        self.folder = None

    def run(self, folder, loaded, mode, **options):
        self.runs.append((folder, loaded, mode, options))
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome

    def manifest(self, folder):
        self.folder = folder
        return {"settings": redacted(self.settings), "redacted": redacted_keys(self.settings)}

    def merge(self, folder):
        self.folder = folder
        return 1200, 34

    def verify(self, folder):
        self.folder = folder
        return self.problems

    def status(self, folder):
        self.folder = folder
        return {
            "state": "interrupted",
            "known": 6000,
            "queued": 3000,
            "waiting": 10,
            "done": 2900,
            "failed": 90,
            "duplicates": 4,
            "failed_by_kind": {"http_status": 30, "read_timeout": 60},
            "failures": [
                {"kind": "read_timeout", "site": "a.example", "count": 60, "example": "http://www.a.example/1"},
                {"kind": "http_status", "site": "b.example", "count": 20, "example": "http://b.example/2"},
                {"kind": "http_status", "site": "c.example", "count": 10, "example": "http://c.example/3"},
            ],
            "failures_exact": True,
            "rate": 45.25,
            "eta_s": 70.2,
            "per_shard": [],
            "elapsed_s": 66.0,
        }


@pytest.fixture
def engine():
    return FakeEngine()


@pytest.fixture
def enrich(engine, capsys, monkeypatch, tmp_path):
    """Run a command line in an empty folder; (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        code = invoke(arguments, engine)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def test_run_hands_over_inputs_settings_and_options(enrich, engine):
    code, out, _ = enrich(
        "run",
        "a.txt",
        "-",
        "--out",
        "results",
        "--fresh",
        "--no-progress",
        "--log-level",
        "debug",
        "--log-format",
        "json",
    )
    folder, loaded, mode, options = engine.runs[0]
    assert (code, out) == (0, "")
    assert (folder, mode) == (Path("results"), "run")
    assert loaded.settings == Settings()
    assert options == {
        "sources": ("a.txt", "-"),
        "fresh": True,
        "progress": False,
        "log_level": "debug",
        "log_format": "json",
    }


def test_every_shortcut_is_its_setting(enrich, engine):
    flags = ["--url-column", "site", "--limit", "5", "--shards", "3", "--nlp-processes", "auto", "--concurrency", "7"]
    flags += ["--delay", "0", "--no-nlp"]
    assert enrich("run", "a.csv", "--out", "o", *flags)[0] == 0
    loaded = engine.runs[0][1]
    settings = loaded.settings
    assert (settings.input.url_column, settings.input.limit, settings.run.shards) == ("site", 5, 3)
    assert (settings.run.nlp_processes, settings.fetch.max_concurrency) == ("auto", 7)
    assert (settings.politeness.delay_s, settings.nlp.pipeline) == (0, "none")
    assert loaded.origins["fetch.max_concurrency"] == "--concurrency"
    assert loaded.origins["nlp.pipeline"] == "--no-nlp"


def test_files_environment_and_flags_in_that_order(enrich, engine, monkeypatch, tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "mine.yml").write_text("fetch: {timeout_s: 1, max_redirects: 1, keepalive_s: 1}\n")
    (tmp_path / "more.yml").write_text("fetch: {timeout_s: 2, max_redirects: 2}\n")
    monkeypatch.setenv("ENRICH_FETCH__TIMEOUT_S", "3")
    code, _, _ = enrich(
        "run", "a", "--out", "o", "--config", "more.yml", "--env", "mine", "--set", "fetch.max_connecting=4"
    )
    fetch = engine.runs[0][1].settings.fetch
    assert code == 0
    assert (fetch.keepalive_s, fetch.max_redirects, fetch.timeout_s, fetch.max_connecting) == (1, 2, 3, 4)


@pytest.mark.parametrize("code", list(ExitCode))
def test_the_engines_exit_code_is_the_programs(enrich, engine, code):
    engine.outcome = code
    assert enrich("run", "a", "--out", "o")[0] == code


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["rn", "a"], ["rn", "run"]),
        (["run", "a", "--out", "o", "--dely", "1"], ["--dely", "--delay", "enrich run --help"]),
        (["run", "--out", "o"], ["INPUT"]),
        (["run", "a"], ["--out"]),
        (["run", "a", "--out", "o", "--log-level", "loud"], ["loud", "debug"]),
        (["run", "a", "--out", "o", "--delay", "soon"], ["politeness.delay_s", "soon", "(--delay)"]),
        (["run", "a", "--out", "o", "--shards", "0"], ["run.shards", "at least 1", "(--shards)"]),
        (["run", "a", "--out", "o", "--set", "fetch.timout_s=1"], ["fetch.timout_s", "did you mean fetch.timeout_s"]),
        (["run", "a", "--out", "o", "--set", "fetch.timeout_s"], ["--set takes group.key=value"]),
        (["run", "a", "--out", "o", "--delay", "1", "--set", "politeness.delay_s=2"], ["given twice", "--delay"]),
        (["run", "a", "--out", "o", "--config", "none.yml"], ["none.yml"]),
        (["run", "a", "--out", "o", "--env", "prodution"], ["prodution", "production"]),
        (["retry", "o", "--kind", "read_timeot"], ["read_timeot", "read_timeout"]),
        (["resume"], ["DIR"]),
        (["status", "a", "b"], ["b"]),
    ],
)
def test_bad_usage_is_one_line_and_code_2(enrich, engine, arguments, words):
    code, out, err = enrich(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("enrich: ")
    assert err.count("\n") == 1
    assert [word for word in words if word not in err] == []
    assert engine.runs == []


@pytest.mark.parametrize(("error", "code"), [(UsageError("o is a file\nmove it"), 2), (OutputError("disk full"), 4)])
def test_an_expected_failure_is_one_line_without_a_traceback(enrich, engine, error, code):
    engine.outcome = error
    assert enrich("run", "a", "--out", "o") == (code, "", f"enrich: {' '.join(str(error).split())}\n")


def test_an_unexpected_failure_is_loud(enrich, engine):
    engine.outcome = KeyError("broken")
    code, _, err = enrich("run", "a", "--out", "o")
    assert code == 5
    assert "Traceback" in err
    assert "a bug: KeyError" in err


def test_an_interrupt_outside_the_run_is_code_3(enrich, engine):
    engine.outcome = KeyboardInterrupt()
    assert enrich("run", "a", "--out", "o")[::2] == (3, "enrich: interrupted\n")


def test_resume_goes_on_with_the_runs_settings(enrich, engine, monkeypatch):
    engine.settings = load([], {}, {"fetch.timeout_s": 7}).settings
    monkeypatch.setenv("ENRICH_FETCH__TIMEOUT_S", "9")
    assert enrich("resume", "o", "--set", "politeness.delay_s=5")[0] == 0
    folder, loaded, mode, options = engine.runs[0]
    assert (folder, mode) == (Path("o"), "resume")
    assert "sources" not in options
    assert (loaded.settings.fetch.timeout_s, loaded.settings.politeness.delay_s) == (7, 5)


def test_resume_without_a_secret_names_it(enrich, engine):
    engine.settings = load([], {}, {"fetch.headers": {"X-Key": "abc"}}).settings
    code, _, err = enrich("resume", "o")
    assert code == 2
    assert "fetch.headers" in err
    assert "ENRICH_FETCH__HEADERS" in err
    assert engine.runs == []
    assert enrich("resume", "o", "--set", "fetch.headers={X-Key: abc}")[0] == 0


def test_retry_limits_kinds(enrich, engine):
    assert enrich("retry", "o", "--kind", "read_timeout", "--kind", "http_status")[0] == 0
    _, _, mode, options = engine.runs[0]
    assert mode == "retry"
    assert options["retry_kinds"] == {"read_timeout", "http_status"}


def test_status_for_people_and_for_programs(enrich):
    code, out, err = enrich("status", "o")
    assert (code, err) == (0, "")
    assert out.splitlines()[0].startswith("interrupted")
    assert "6,000 URLs known: 2,900 done, 90 failed, 3,010 left" in out
    assert "  read_timeout at a.example: 60 URLs; e.g. http://www.a.example/1; " in out
    assert "  http_status: 30 URLs (most at b.example 20, c.example 10); e.g. http://b.example/2; " in out
    assert out.index("read_timeout") < out.index("http_status")
    assert MENDS["read_timeout"] in out
    code, out, err = enrich("status", "o", "--json")
    assert json.loads(out)["failed_by_kind"] == {"http_status": 30, "read_timeout": 60}
    assert json.loads(out)["failures"][0]["example"] == "http://www.a.example/1"
    assert (code, err) == (0, "")


def test_verify_lists_problems_on_stdout(enrich, engine):
    assert enrich("verify", "o") == (0, "", "enrich: o: sound\n")
    engine.problems = ["parts/part-00000.jsonl: checksum of commit 3"]
    code, out, err = enrich("verify", "o")
    assert (code, out) == (5, "parts/part-00000.jsonl: checksum of commit 3\n")
    assert "1 problem found" in err


def test_merge_says_what_it_wrote(enrich):
    assert enrich("merge", "o") == (0, "", "enrich: o: merged 1,200 rows, 34 of them errors\n")


def test_config_prints_every_key_with_its_origin(enrich):
    code, out, err = enrich("config", "--json", "--set", "fetch.timeout_s=7")
    listing = json.loads(out)
    assert (code, err) == (0, "")
    assert tuple(listing) == known_keys()
    assert listing["fetch.timeout_s"] == {"value": 7.0, "origin": "--set"}
    assert listing["fetch.max_redirects"]["origin"] == "default"


def test_config_prints_a_settings_file(enrich, tmp_path):
    sets = [
        "sites=[{match: '*.a.example', delay_s: 5}]",
        "input.url_column=no",
        "nlp.top_keywords=3",
        "fetch.contact='a: #b'",
    ]
    code, out, _ = enrich("config", *[part for text in sets for part in ("--set", text)])
    assert code == 0
    assert "top_keywords: 3  # --set" in out
    assert "# default; 1 here" in out
    (tmp_path / "saved.yml").write_text(out, encoding="utf-8")
    settings = load([tmp_path / "saved.yml"], {}, {}).settings
    assert settings.sites[0].delay_s == 5
    assert (settings.input.url_column, settings.fetch.contact) == ("no", "a: #b")


def test_config_shows_no_secret(enrich):
    for flag in ((), ("--json",)):
        _, out, err = enrich("config", "--set", "fetch.headers={X-Key: hunter2}", *flag)
        assert "hunter2" not in out + err
        assert "<redacted>" in out
    assert yaml.safe_load(enrich("config")[1])["fetch"]["headers"] == {}


def test_no_command_is_told_where_to_look(enrich):
    code, out, err = enrich()
    assert (code, out) == (2, "")
    assert "enrich demo" in err


def test_version_and_help_are_results(enrich):
    assert enrich("--version")[1].startswith("enrich-engine ")
    code, out, err = enrich("--help")
    assert (code, err) == (0, "")
    assert "Exit codes" in out


@pytest.mark.parametrize("name", [command.name for command in app.registered_commands])
def test_each_commands_help_has_an_example(enrich, name):
    code, out, _ = enrich(name, "--help")
    assert code == 0
    assert "Example" in out
    assert f"enrich {name}" in out.partition("Example")[2]
