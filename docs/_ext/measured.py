"""``{measured}``: some lines of the measured table of ``benchmarks.md``, ours beside Channels'.

So that a page that compares says the same as the page that measures: a figure is written down once.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from sphinx.util.docutils import SphinxDirective

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx

PAGE: Final = Path(__file__).resolve().parents[1] / "benchmarks.md"
COLUMNS: Final = ("Ceiling", "django-ws", "Django Channels")


def figures(page: Path = PAGE) -> dict[str, dict[str, str]]:
    """Read the table: measure -> column -> figure."""
    lines = page.read_text("utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    header = next(row for row in rows if row[0] == "Measure")
    return {row[0]: dict(zip(header, row, strict=True)) for row in rows if len(row) == len(header)}


def chosen(measures: list[str], page: Path = PAGE) -> list[list[str]]:
    """Give the lines for these measures.

    Raises:
        KeyError: One is not measured, or not of both.
    """
    found = figures(page)
    lines: list[list[str]] = []
    for measure in measures:
        row = [found[measure][column] for column in COLUMNS]
        if not all(row):
            raise KeyError(measure)
        lines.append([measure, *row])
    return lines


class Measured(SphinxDirective):
    """The table, for a page in Markdown."""

    has_content = True

    def run(self) -> "list[nodes.Node]":
        """Write it."""
        self.env.note_dependency(str(PAGE))
        try:
            rows = chosen([line for line in self.content if line])
        except KeyError as error:
            raise self.error(f"benchmarks.md does not have a figure of both for {error}") from error
        header = ["measure (unit of the ceiling)", "ceiling", *COLUMNS[1:]]
        lines = [f"| {' | '.join(row)} |" for row in (header, ["---", "--:", "--:", "--:"], *rows)]
        return self.parse_text_to_nodes("\n".join(lines))


def setup(app: "Sphinx") -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("measured", Measured)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
