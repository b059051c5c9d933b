"""The documents say what is true: their commands run, and every command, field, kind and exit code is in them.

Each line of a ```bash block in them is a command. Those of `enrich` are run, against a fake engine
(a setting, flag or argument that does not exist fails); those of scripts/ must exist and be executable; what other
programs do (pip, python, hf) is left out. Links between documents must lead somewhere.
"""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import pytest

from engine.cli.app import app, invoke
from engine.errors import ExitCode
from engine.model.lead import FIELDS, LeadFailure
from engine.model.outcome import FailureKind
from engine.model.record import Fetched, base_row
from engine.settings import Settings, redacted

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?://)([^)#]+)")


def _commands():
    for document in DOCUMENTS:
        for block in BLOCK.findall(document.read_text(encoding="utf-8")):
            for line in block.splitlines():
                yield pytest.param(line, id=f"{document.name}: {line}")


class _Engine:
    """Does nothing, successfully."""

    def run(self, _folder, _loaded, _mode, **_options):
        return ExitCode.COMPLETE

    def pipeline(self, _loaded, _stage, **_options):
        return ExitCode.COMPLETE

    def plan_pipeline(self, _loaded, _stage, **_options):
        return ["stage 1 (discovery): ..."]

    def leads(self, _folder, _loaded, **_options):
        return ExitCode.COMPLETE

    def manifest(self, folder):
        if folder.name == "leads":
            return {"kind": "leads", "settings": redacted(Settings()), "redacted": []}
        return {"settings": redacted(Settings()), "redacted": []}

    def merge(self, _folder, **_options):
        return 2, 1

    def verify(self, _folder):
        return []

    def status(self, _folder):
        counts = dict.fromkeys(("known", "queued", "waiting", "done", "failed", "duplicates"), 0)
        told = {"state": "complete", "elapsed_s": 1.0, "rate": None, "eta_s": None, "failed_by_kind": {}}
        return {**counts, **told, "per_shard": [], "sites": []}


@pytest.mark.parametrize("line", [*_commands()])
def test_a_command_in_a_document_runs(line, tmp_path, monkeypatch):
    program, *arguments = shlex.split(line)
    if program in {"pip", "python", "hf"}:
        return
    if program.startswith("scripts/"):
        assert os.access(ROOT / program, os.X_OK)
        return
    assert program == "enrich"
    if arguments[0] == "demo":  # needs rows to show: tests/cli runs it
        assert invoke([*arguments, "--help"], _Engine()) == 0
        return
    monkeypatch.chdir(ROOT if "--env" in arguments else tmp_path)
    (tmp_path / "leads.yml").write_text(_lead_settings(), encoding="utf-8")
    assert invoke(arguments, _Engine()) == 0


def _lead_settings():
    """The settings that docs/leads.md shows: they are those of its leads.yml."""
    return re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "leads.md").read_text(encoding="utf-8"), re.DOTALL)[0]


def test_every_field_and_kind_of_a_lead_is_documented_in_order():
    text = (ROOT / "docs" / "leads.md").read_text(encoding="utf-8").partition("## The row")[2]
    fields, kinds = text.split("| error_kind | what |")
    assert tuple(re.findall(r"^\| (\w+) \| (?!type)", fields, re.MULTILINE)) == FIELDS
    assert re.findall(r"^\| (\w+) \| ", kinds, re.MULTILINE) == [kind.value for kind in LeadFailure]


def test_every_command_is_documented():
    text = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    documented = re.findall(r"^## enrich (\w+)$", text, re.MULTILINE)
    assert documented == [command.name for command in app.registered_commands]


def test_every_exit_code_is_documented():
    text = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert [int(code) for code in re.findall(r"^\| (\d) \|", text, re.MULTILINE)] == [int(code) for code in ExitCode]


def test_every_field_and_every_kind_of_error_is_documented_in_order():
    fields, kinds = (ROOT / "docs" / "rows.md").read_text(encoding="utf-8").split("## Kinds of errors")
    row = base_row(Fetched("http://h/", "http://h/", 0), "")
    assert re.findall(r"^\| (\w+) \| (?!type)", fields, re.MULTILINE) == list(row)
    assert re.findall(r"^\| (\w+) \| (?!what)", kinds, re.MULTILINE) == [kind.value for kind in FailureKind]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document):
    for target in LINK.findall(document.read_text(encoding="utf-8")):
        assert (document.parent / target).exists(), target
