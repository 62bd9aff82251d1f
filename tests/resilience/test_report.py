import asyncio
import io
import json
import sys
from pathlib import Path

import pytest
from rich.console import Console

from resilience import __main__ as command
from resilience.findings import IN_PROCESS, Finding, documented, equal
from resilience.progress import Bar, Lines, Progress, showing
from resilience.report import load, markdown, new, save, sections, tables, update_page
from resilience.scale import FULL, QUICK, TEST, scale_of_environment
from resilience.scenarios import FUZZ, SOAK, Scenario, scenario
from servers.habits import SERVERS

GOOD = equal("faults", "hypercorn", "asyncio tasks over base", 0)
BAD = equal("faults", "granian", "handlers left in memory", 1234)
SHOWN = documented("shutdown", "daphne", "what the clients saw", "50 x 1006 [/red]")


def test_what_is_saved_can_be_loaded(tmp_path: Path) -> None:
    report = new("soak", TEST)
    report.findings.extend([GOOD, BAD, SHOWN])
    report.seconds["faults"] = 1.5
    file = tmp_path / "folder" / "soak.json"
    save(report, file)
    assert load(file) == report


def test_the_json_has_versions_and_no_date(tmp_path: Path) -> None:
    save(new("fuzz", TEST), tmp_path / "one")
    raw = json.loads((tmp_path / "one").read_text())
    assert raw["versions"].keys() >= {"Python", "Django", "uvicorn", "hypercorn", "granian", "daphne"}
    assert raw.keys() == {"command", "scale", "seed", "versions", "findings", "seconds"}


def test_the_tables_show_every_finding() -> None:
    report = new("soak", TEST)
    report.findings.extend([GOOD, BAD, SHOWN])
    console = Console(width=200, file=io.StringIO(), record=True)
    console.print(*tables(report))
    text = console.export_text()
    assert "1,234" in text
    assert "50 x 1006 [/red]" in text
    assert f"seed {TEST.seed}" in text


def test_markdown_has_a_table_for_each_scenario_and_a_column_for_each_place() -> None:
    also = equal("faults", "granian", GOOD.what, 0)
    assert markdown([GOOD, BAD, SHOWN, also]).split("\n") == [
        "### faults",
        "",
        "| What | Bound | hypercorn | granian |",
        "| --- | --- | --: | --: |",
        "| asyncio tasks over base | = 0 | 0 | 0 |",
        "| handlers left in memory | = 0 |  | **1,234** |",
        "",
        "Left out: uvicorn-sansio, uvicorn-websockets, uvicorn-wsproto, daphne.",
        "",
        "### shutdown",
        "",
        "| What | Bound | daphne |",
        "| --- | --- | --: |",
        "| what the clients saw | none: documented | 50 x 1006 [/red] |",
        "",
        "Left out: uvicorn-sansio, uvicorn-websockets, uvicorn-wsproto, hypercorn, granian.",
    ]


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        ([habits.key for habits in SERVERS], []),
        ([f"{habits.key} x2" for habits in SERVERS[1:]], [SERVERS[0].key]),
        ([IN_PROCESS, *[f"{habits.key}, SQLite" for habits in SERVERS[:-1]]], [SERVERS[-1].key]),
        ([IN_PROCESS], []),
    ],
)
def test_the_table_says_which_servers_were_left_out(places: list[str], expected: list[str]) -> None:
    report = new("soak", TEST)
    report.findings.extend(equal("database", place, "connections", 0) for place in places)
    (section,) = sections(report.findings)
    assert section.left_out == expected
    console = Console(width=200, file=io.StringIO(), record=True)
    console.print(*tables(report))
    text = console.export_text()
    assert f"Left out: {', '.join(expected)}." in text if expected else "Left out" not in text


def test_the_page_gets_the_figures_between_its_markers(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# Title\n\n<!-- figures: begin (python -m resilience docs FILE ...) -->\nold\n<!-- figures: end -->\nrest\n"
    )
    report = new("soak", TEST)
    report.findings.append(GOOD)
    update_page(page, [report])
    once = page.read_text()
    assert once.startswith("# Title\n\n<!-- figures: begin")
    assert once.endswith("<!-- figures: end -->\nrest\n")
    assert "old" not in once
    assert "## `make soak`, test scale" in once
    assert "| asyncio tasks over base | = 0 | 0 |" in once
    update_page(page, [report])
    assert page.read_text() == once


def test_a_page_without_markers_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Title\n")
    with pytest.raises(ValueError, match="has no"):
        update_page(page, [])


@pytest.mark.parametrize(("finding", "status"), [(GOOD, 0), (BAD, 1)])
def test_the_exit_status_says_whether_all_held(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, finding: Finding, status: int
) -> None:
    def found(name: str) -> Scenario:
        async def run(*arguments: object) -> list[Finding]:
            return [finding]

        return run

    monkeypatch.setattr(command, "scenario", found)
    monkeypatch.setattr(command, "raise_limit_of_files", lambda: None)
    monkeypatch.setenv("QUICK", "1")
    output = tmp_path / "soak.json"
    monkeypatch.setattr(sys, "argv", ["resilience", "soak", "--only", "faults", "--output", str(output)])
    assert command.main() == status
    report = load(output)
    assert report.findings == [finding]
    assert report.scale == "quick"


def test_a_scenario_that_breaks_down_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def found(name: str) -> Scenario:
        async def run(*arguments: object) -> list[Finding]:
            if name == "faults":
                raise ValueError("no server\nat all")
            return [GOOD]

        return run

    monkeypatch.setattr(command, "scenario", found)
    report = new("soak", TEST)
    asyncio.run(command.run(report, ["faults", "soak"], TEST, Progress(), []))
    broken, good = report.findings
    assert not broken.holds
    assert broken.measured == "no server"
    assert good == GOOD


@pytest.mark.parametrize(("value", "scale"), [("1", QUICK), ("0", FULL), ("", FULL), (None, FULL)])
def test_quick_is_asked_for_by_the_environment(
    monkeypatch: pytest.MonkeyPatch, value: str | None, scale: object
) -> None:
    if value is None:
        monkeypatch.delenv("QUICK", raising=False)
    else:
        monkeypatch.setenv("QUICK", value)
    assert scale_of_environment() is scale


def test_the_full_scale_is_what_is_claimed() -> None:
    assert FULL.faults_per_server * 6 >= 10_000
    assert FULL.fuzzed_messages == 1_000_000
    assert FULL.fuzzed_per_server == 10_000
    assert (FULL.delivery_sockets, FULL.delivery_messages) == (10_000, 100)
    assert FULL.shutdown_sockets == 1_000
    assert (FULL.soak_seconds, FULL.soak_settle_seconds, FULL.soak_sockets) == (600, 120, 100)
    assert TEST.faults_per_server == 600


@pytest.mark.parametrize("name", [*SOAK, *FUZZ])
def test_every_scenario_is_there(name: str) -> None:
    assert callable(scenario(name))


def test_progress_without_a_terminal_is_one_line_for_a_stage() -> None:
    file = io.StringIO()
    with showing(Console(file=file)) as progress:
        assert isinstance(progress, Lines)
        progress.begin("faults: hypercorn", 10)
        progress.advance(9)
        progress.advance()
        progress.note("seed 20")
        progress.begin("soak", 1)
    lines = file.getvalue().splitlines()
    assert lines[0] == "seed 20"
    assert lines[1].startswith("faults: hypercorn: 10 in ")
    assert lines[2].startswith("soak: 0 in ")


def test_progress_on_a_terminal_is_a_bar() -> None:
    with showing(Console(file=io.StringIO(), force_terminal=True)) as progress:
        assert isinstance(progress, Bar)
        progress.begin("faults", 2)
        progress.advance()
        progress.note("a note")
