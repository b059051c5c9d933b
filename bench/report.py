"""Make docs/performance.md from saved measurements: `python bench/report.py FILE... [--out FILE]`.

FILEs are what the scripts here wrote with --save, and what scripts/bench --benchmark-json=FILE wrote.
Of several files of one benchmark the latest counts; the plots, which go to the folder plots beside the page, take all
suites. Nothing is measured here, and no figure is written by hand.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lib import figures, saved

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parents[1]
DEFAULT_OUT = ROOT / "docs" / "performance.md"

#: Where the plots lie, seen from the page.
PLOTS = "plots"

HEAD = """\
# Performance
Made by `python bench/report.py` from saved measurements; to measure again: `scripts/bench --benchmark-json=FILE` and
`python bench/NAME.py --save FILE`. A figure is of the machine and the commit that stand with it. Servers ran on the
same cores; CPU is user and system time of all processes of a command.
"""

#: The order in which the parts of the page come; others follow by name.
ORDER = (
    "enrichment", "fetch_cost", "latency", "bad_sites", "overload", "sorted_input", "skew", "ingest_scale", "length",
    "scaling", "politeness_speed",
)  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("files", type=Path, nargs="+")
    options.add_argument("--out", type=Path, default=DEFAULT_OUT)
    asked = options.parse_args(arguments)
    try:
        suites, scripts = saved.read(asked.files)
    except saved.UnreadableError as error:
        options.error(str(error))
    told = sorted(saved.latest(scripts).values(), key=place)
    drawn = figures.of_suites(suites)
    parts = [HEAD, *machines(told), *(script(one) for one in told)]
    if suites:
        parts.append(suite(suites[-1], drawn))
    asked.out.write_text("\n".join(parts), encoding="utf-8")
    figures.write([*drawn, *(figure for one in told for figure in figures.of_script(one))], asked.out.parent / PLOTS)
    return 0


def place(told: dict[str, Any]) -> tuple[int, str]:
    """What a script's part is sorted by."""
    name = told["name"]
    return ORDER.index(name) if name in ORDER else len(ORDER), saved.title(told)


def machines(told: list[dict[str, Any]]) -> list[str]:
    """Every machine that something was measured on, once."""
    lines = []
    for one in told:
        line = machine_line(one["machine"])
        if line not in lines:
            lines.append(line)
    return ["## Machine", *lines, ""] if lines else []


def machine_line(machine: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    return (
        f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, {machine['system']}, "
        f"Python {machine['python']}, {versions}."
    )


def script(told: dict[str, Any]) -> str:
    """The part of one script."""
    machine = told["machine"]
    options = " ".join(flag(name, value) for name, value in told["options"].items() if value not in (None, False, []))
    judged = [
        [check["what"], check["found"], check["asked"], {True: "yes", False: "**no**", None: ""}[check["holds"]]]
        for check in told["checks"]
    ]
    command = f"`python bench/{told['name']}.py {options}`".replace(" `", "`")
    measured = f"{told['at'][:10]}, commit {machine['commit'] or 'unknown'}, load before it {machine['load_before']}"
    return "\n".join([
        f"## {saved.title(told)}",
        told["about"],
        "",
        *images(figures.of_script(told)),
        *table(["", "found", "asked for", "holds"], judged),
        "",
        *table(told["columns"], told["rows"]),
        "",
        f"{command}, {measured}.",
        "",
    ])  # fmt: skip


def flag(name: str, value: Any) -> str:
    """An option as it was given."""
    name = f"--{name.replace('_', '-')}"
    return name if value is True else f"{name} {given(value)}"


def given(value: Any) -> str:
    """An option's value; of a path its name: where things lie on one machine is nobody else's business."""
    if isinstance(value, list):
        return " ".join(map(given, value))
    return Path(value).name if isinstance(value, str) and value.startswith("/") else str(value)


def images(drawn: Sequence[figures.Figure]) -> list[str]:
    """The figures, as Markdown."""
    return [line for figure in drawn for line in (f"![{figure.caption}]({PLOTS}/{figure.file})", "")]


def suite(told: dict[str, Any], drawn: Sequence[figures.Figure]) -> str:
    """The part of the pytest-benchmark suite."""
    rows = []
    for one in sorted(told["benchmarks"], key=lambda found: found["fullname"]):
        stats = one["stats"]
        more = ", ".join(f"{name} {value:,}" for name, value in one["extra_info"].items())
        rows.append([f"{one['name']}", duration(stats["min"]), duration(stats["mean"]), str(stats["rounds"]), more])
    info = told["machine_info"]
    cpu = info.get("cpu", {})
    commit = told["commit_info"].get("id", "unknown")[:7]
    where = f"{cpu.get('brand_raw', 'unknown CPU')}, {cpu.get('count', '?')} cores, Python {info['python_version']}"
    return "\n".join([
        "## Steps, policies and whole runs",
        f"`scripts/bench`, {told['datetime'][:10]}, commit {commit}; {where}.",
        "A round of a policy is one request of each of 100,000 hosts.",
        "",
        *images(drawn),
        *table(["benchmark", "least", "mean", "rounds", "a URL, row, request or run"], rows),
        "",
    ])  # fmt: skip


def duration(seconds: float) -> str:
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def table(columns: list[str], rows: list[list[str]]) -> list[str]:
    return [
        "| " + " | ".join(columns) + " |",
        "| " + " | ".join("---" for _ in columns) + " |",
        *("| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows),
    ]


if __name__ == "__main__":
    sys.exit(main())
