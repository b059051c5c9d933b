"""`enrich leads` from its command line to its files, against the stand-in on a socket; times are scaled."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from providers.standin import KEY, Behaviour
from providers.standin_server import serving

from engine.cli.app import invoke
from engine.model.lead import FIELDS

FAST = ["leads.first_poll_s=0.2", "leads.poll_s=0.05", "leads.max_poll_s=0.2", "aimd.initial=50"]
SECRET = "whsec-standin-91"


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SIXTYFOUR_API_KEY", KEY)
    return tmp_path


def leads(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def people(n, **more):
    return [{"name": f"Person {i}", "url": f"https://uni.example/people/{i}", **more} for i in range(n)]


def flags(url, *more):
    return [part for pair in ([f"leads.base_url={url}"], FAST, more) for one in pair for part in ("--set", one)]


def rows(name="out/enrichment_output.jsonl"):
    return [json.loads(line) for line in Path(name).read_text(encoding="utf-8").splitlines()]


def test_each_row_says_what_became_of_it(here, capsys):
    given = [
        *people(3),
        {"name": "Fay", "behave": "fail"},
        {"name": "Emeritus Faculty", "url": "https://uni.example/people/category/emeritus"},
        {"note": "nobody"},
        {"name": "Person 1", "url": "https://uni.example/people/1/"},
        {"name": "Empty", "behave": "empty"},
        {"name": "Refused", "behave": "refuse"},
        {"name": "Lost", "behave": "lost"},
        "no row",
    ]
    leads(here / "in.jsonl", given)
    with serving(Behaviour()) as (server, url):
        assert invoke(["leads", "in.jsonl", "--out", "out", *flags(url)]) == 0
        told = capsys.readouterr().err
        submitted = dict(server.standin.submitted)
        assert submitted == {"Person 0": 1, "Person 1": 1, "Person 2": 1, "Fay": 1, "Empty": 1, "Lost": 1}
        found = {row["original_data"].get("name", i): row for i, row in enumerate(rows())}
        assert all(tuple(row) == FIELDS for row in rows())
        good = found["Person 0"]
        assert good["enrichment_success"]
        assert good["enriched_data"]["summary"] == "facts about Person 0"
        assert good["enrichment_fields"] == ["summary", "number"]
        assert (good["cost_cents"], good["confidence"], good["attempts"]) == (10.0, 8.5, 1)
        kinds = [(row["status"], row["error_kind"]) for row in rows()]
        assert kinds == [
            *[("completed", None)] * 3, ("failed", "job_failed"), ("dead", "not_a_lead"), ("dead", "invalid_lead"),
            ("completed", "nothing_found"), ("failed", "refused"), ("uncertain", "uncertain"), ("dead", "invalid_lead"),
        ]  # fmt: skip
        assert all(row["error"] for row in rows() if row["error_kind"])
        assert len(rows("out/failures.jsonl")) == 7
        assert "10 leads: 3 with facts" in told
        assert "1 duplicate left out" in told
        assert invoke(["verify", "out"]) == 0
        # The same command again does nothing; a retry takes up what failed, and nothing else.
        assert invoke(["leads", "in.jsonl", "--out", "out", *flags(url)]) == 0
        assert invoke(["retry", "out", "--kind", "job_failed"]) == 0
        assert server.standin.submitted["Fay"] == 2
        assert server.standin.submitted["Lost"] == 1
        assert invoke(["leads", "in.jsonl", "--out", "out", "--resubmit-uncertain", *flags(url)]) == 0
        assert server.standin.submitted["Lost"] == 2
        assert invoke(["merge", "out"]) == 0
        assert invoke(["verify", "out"]) == 0
        capsys.readouterr()
        assert invoke(["status", "out", "--json"]) == 0
        status = json.loads(capsys.readouterr().out)
        assert (status["state"], status["by_status"]["uncertain"], status["cost_cents"]) == ("complete", 1, 40.0)
        assert invoke(["status", "out"]) == 0
        assert json.loads(Path("out/run.json").read_text())["settings"]["leads"]["resubmit_uncertain"] is False


def test_columns_are_mapped_and_a_webhook_run_polls_nothing_that_is_done(here, monkeypatch):
    monkeypatch.setenv("SIXTYFOUR_WEBHOOK_SECRET", SECRET)
    (here / "in.csv").write_text("Full Name,Works at,skip\n" + "".join(f"P {i},Org {i},x\n" for i in range(12)))
    import socket  # noqa: PLC0415 - a port for the listener

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    hooked = Behaviour(webhook_secret=SECRET, webhook_duplicates=0.5, webhook_early=0.3, lost=0.2, seed=4)
    with serving(hooked) as (server, url):
        more = flags(url, "leads.map={Full Name: name, Works at: company}", "leads.first_poll_s=20")
        hook = ["--webhook-listen", f"127.0.0.1:{port}", "--webhook-url", f"http://127.0.0.1:{port}/hook"]
        assert invoke(["leads", "in.csv", "--out", "out", *hook, *more]) == 0
        jobs = list(server.standin.jobs.values())
        assert [job for job in jobs if "lost" in job.wants]  # a call told what became of them
        assert all(job.polls == 0 for job in jobs)
        assert {answer for _, answer in server.calls} <= {200, 0}  # 0: the run had ended before a duplicate came
        assert len(server.calls) > len(jobs)  # duplicates
        assert jobs[0].leads == [{"name": "P 0", "company": "Org 0"}]
    assert [row["status"] for row in rows()] == ["completed"] * 12
    assert [row["original_data"]["skip"] for row in rows()] == ["x"] * 12
    assert sum(row["cost_cents"] for row in rows()) == 120


def test_the_key_is_nowhere(here, capfd):
    leads(here / "in.jsonl", people(4))
    with serving(Behaviour()) as (server, url):
        assert invoke(["leads", "in.jsonl", "--out", "out", "--log-level", "debug", *flags(url)]) == 0
        real, server.standin.handle = (
            server.standin.handle,
            lambda m, p, h, b, n: real(m, p, {**h, "x-api-key": h["x-api-key"] + "x"}, b, n),
        )
        leads(here / "in2.jsonl", people(2))
        assert invoke(["leads", "in2.jsonl", "--out", "out2", *flags(url)]) == 2
    told = capfd.readouterr()
    assert "refuses the key" in told.err
    assert KEY not in told.err + told.out
    files = [path for path in Path().rglob("*") if path.is_file()]
    assert len(files) > 8
    assert not [path for path in files if KEY.encode() in path.read_bytes()]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["leads.path=enrich-leed-async"], "did you mean enrich-lead-async"),
        (["leads.options={max_iteration: 3}"], "did you mean max_iterations"),
        (["leads.path=enrich-company-async"], "leads.struct must say which facts"),
        (["leads.path=find-email-async", "leads.struct={a: b}"], "takes none"),
        (["leads.provider=rowbatch", "leads.path=batches", "leads.base_url=null"], "leads.base_url must say where"),
        (["leads.base_url=http://api.example.org"], "must be https://"),
        (["leads.webhook_listen=127.0.0.1:0"], "must be given together"),
        (["leads.api_key_env=sk-abc"], "must be the name of an environment variable"),
        (["leads.api_key_env=NO_SUCH_KEY"], "NO_SUCH_KEY is not set"),
        (["leads.struct={a: {type: text}}"], "leads.struct must map"),
    ],
)
def test_a_wrong_setting_is_refused_before_anything_is_made(here, capsys, more, words):
    leads(here / "in.jsonl", people(1))
    arguments = [part for one in more for part in ("--set", one)]
    assert invoke(["leads", "in.jsonl", "--out", "out", *arguments]) == 2
    told = capsys.readouterr().err
    assert words in told
    assert len(told.splitlines()) == 1
    assert "sk-abc" not in told
    assert not Path("out").exists()


def test_an_unfit_input_is_refused_and_leaves_no_folder(here, capsys):
    (here / "in.txt").write_text("Ada\n")
    (here / "empty.jsonl").write_text("\n")
    for name, words in (("in.txt", "has no columns"), ("empty.jsonl", "nothing to do"), ("no.csv", "no such file")):
        assert invoke(["leads", name, "--out", "out"]) == 2
        assert words in capsys.readouterr().err
        assert not Path("out").exists()


def test_a_folder_that_was_killed_before_its_first_manifest_is_begun_anew(here):
    leads(here / "in.jsonl", people(2))
    state = here / "out" / "state"
    state.mkdir(parents=True)
    for name in ("leads.sqlite", "leads.sqlite-journal", "lock"):
        (state / name).write_bytes(b"torn")
    with serving(Behaviour()) as (_, url):
        assert invoke(["leads", "in.jsonl", "--out", "out", *flags(url)]) == 0
    assert len(rows()) == 2


def test_a_folder_goes_on_only_as_it_began(here, capsys):
    leads(here / "in.jsonl", people(2))
    leads(here / "other.jsonl", people(3))
    with serving(Behaviour()) as (_, url):
        assert invoke(["leads", "in.jsonl", "--out", "out", *flags(url)]) == 0
        for arguments, words in (
            (["leads", "other.jsonl", "--out", "out", *flags(url)], "another run's"),
            (["leads", "in.jsonl", "--out", "out", *flags(url, "leads.options={tier: x}")], "another leads.options"),
            (["run", "https://example.org/", "--out", "out"], "a folder of leads"),
        ):
            assert invoke(arguments) == 2
            assert words in capsys.readouterr().err
        assert invoke(["leads", "other.jsonl", "--out", "out", "--fresh", *flags(url)]) == 0
    assert len(rows()) == 3


def command(url, *arguments):
    return [sys.executable, "-m", "engine", *arguments, *flags(url)]


def started(url, *arguments):
    return subprocess.Popen(command(url, *arguments), stderr=subprocess.PIPE, text=True)  # noqa: S603 - ourselves


def when(condition):
    while not condition():
        time.sleep(0.005)


def test_kills_and_stops_lose_nothing_and_submit_nothing_twice(here):
    """The small form of bench/leads.py kills: two kills and a Ctrl-C, while jobs are submitted and asked after."""
    leads(here / "in.jsonl", people(60))
    arguments = ["leads", "in.jsonl", "--out", "out", "--set", "aimd.max=8"]
    with serving(Behaviour(least_s=0.5, most_s=1.0)) as (server, url):
        for number, seen in ((signal.SIGKILL, 3), (signal.SIGKILL, 30), (signal.SIGINT, 61)):
            process = started(url, *arguments)
            when(lambda seen=seen, process=process: len(server.standin.log) >= seen or process.poll() is not None)
            os.kill(process.pid, number)
            told = process.communicate()[1]
            if number == signal.SIGINT:
                assert process.returncode == 3, told
                assert len(rows()) == 60
                assert {row["status"] for row in rows()} <= {"planned", "running", "uncertain", "completed"}
        finished = subprocess.run(command(url, "resume", "out"), capture_output=True, text=True, check=False)  # noqa: S603
        assert finished.returncode == 0, finished.stderr
        assert max(server.standin.submitted.values()) == 1
        done = {row["original_data"]["name"] for row in rows() if row["status"] == "completed"}
        uncertain = {row["original_data"]["name"] for row in rows() if row["status"] == "uncertain"}
        assert done | uncertain == {f"Person {i}" for i in range(60)}
        assert len(uncertain) <= 2 * 8  # at most the requests in flight at the two kills
        assert set(server.standin.submitted) >= done


def test_a_threshold_ends_with_its_own_code_and_tells_the_command(here):
    leads(here / "in.jsonl", people(300))
    script = here / "alert.py"
    script.write_text("import sys, os; open('alert.json', 'w').write(sys.stdin.read() + str(dict(os.environ)))")
    with serving(Behaviour(fail=1.0, least_s=0.05, most_s=0.1)) as (server, url):
        alert = f"leads.alert_command={sys.executable} {script}"
        more = flags(
            url,
            "leads.min_success_rate=0.5",
            "leads.requests_per_minute=0",
            alert,
            "aimd.initial=2",
            "aimd.max=4",
        )
        assert invoke(["leads", "in.jsonl", "--out", "out", *more]) == 6
    told = Path("alert.json").read_text()
    assert "min_success_rate" in told
    assert KEY not in told
    assert len(server.standin.submitted) < 300
    assert {row["error_kind"] for row in rows()} == {"job_failed", "not_submitted"}
    assert {row["error_kind"] for row in rows("out/failures.jsonl")} == {"job_failed"}
