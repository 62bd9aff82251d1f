"""The report: one table on the terminal, the same one in the documentation."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.table import Table

from benchmarks.figures import Summary, absolute, ratio
from benchmarks.implementations import IMPLEMENTATIONS
from benchmarks.measures import AGAIN, BASE, MEASURES, OURS, WITHOUT, Better

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from benchmarks.measures import Measure
    from benchmarks.results import Results

__all__ = ["Row", "markdown", "rows", "terminal_table", "update_page"]

_PEERS: Final = tuple(one for one in IMPLEMENTATIONS if one.name not in {BASE, AGAIN, OURS})
_BASES: Final = {one.name: one.title for one in IMPLEMENTATIONS} | {WITHOUT: "none"}
_HEADINGS: Final = ("Measure", "Ceiling", "Again", "django-ws", "Quartiles", "Goal", "", *(one.title for one in _PEERS))

_BEGIN: Final = "<!-- figures: begin -->"
_END: Final = "<!-- figures: end -->"


@dataclass(frozen=True, slots=True)
class Row:
    """One measure of the report, as text."""

    title: str
    """What was measured, and in which unit the ceiling's figure is."""
    ceiling: str
    """The figure of the base, in its unit."""
    again: str
    """The ratio of the same application under another name."""
    ours: str
    """Our ratio; where there is no base, our figure."""
    quartiles: str
    """Between which the middle half of our ratios lies."""
    goal: str
    """What ours was to reach."""
    verdict: str
    """Whether it did."""
    peers: tuple[str, ...]
    """The ratios of the others."""

    def cells(self) -> tuple[str, ...]:
        """Give the row's cells in order."""
        return (
            self.title, self.ceiling, self.again, self.ours, self.quartiles, self.goal, self.verdict, *self.peers,
        )  # fmt: skip


def rows(results: "Results") -> list[Row]:
    """Make the rows of all measures that were taken."""
    return [_row(results, measure) for measure in MEASURES if measure.name in results.samples]


def _row(results: "Results", measure: "Measure") -> Row:
    base = None if measure.base is None else absolute(results, measure, measure.base)
    ours = ratio(results, measure, OURS)
    reached = None if ours is None else measure.reached(ours.median)
    title = f"{measure.title} ({measure.unit})"
    if measure.base not in {None, BASE}:
        title += f" to {_BASES[measure.base or BASE]}"
    sign = "≤" if measure.better is Better.LESS else "≥"
    return Row(
        title=title,
        ceiling=_number(base),
        again=_number(ratio(results, measure, AGAIN)),
        ours=_number(ours),
        quartiles="" if ours is None or ours.count == 1 else f"{_short(ours.lower)}-{_short(ours.upper)}",
        goal="" if measure.goal is None else f"{sign} {_short(measure.goal)}",
        verdict={True: "yes", False: "no", None: ""}[reached],
        peers=tuple(_number(ratio(results, measure, one.name)) for one in _PEERS),
    )


def _number(summary: Summary | None) -> str:
    return "" if summary is None else _short(summary.median)


def _short(figure: float) -> str:
    """Write a figure with three digits that mean something."""
    if abs(figure) >= 100:  # noqa: PLR2004 - from here on, three digits are before the point
        return f"{figure:,.0f}"
    return f"{figure:.1f}" if abs(figure) >= 10 else f"{figure:.2f}"  # noqa: PLR2004 - the same


def terminal_table(results: "Results") -> Table:
    """Make the table for the terminal."""
    table = Table(title="Ratios to the ceiling: the median of the rounds", title_justify="left")
    for number, heading in enumerate(_HEADINGS):
        table.add_column(heading, justify="left" if number == 0 else "right", no_wrap=number in {0, 3, 4, 5})
    for row in rows(results):
        style = {"yes": "green", "no": "red"}.get(row.verdict)
        cells = list(row.cells())
        if style is not None:
            cells[3] = f"[{style}]{cells[3]}[/]"
            cells[6] = f"[{style}]{cells[6]}[/]"
        table.add_row(*cells)
    return table


def markdown(results: "Results") -> str:
    """Make the table and the versions for the documentation."""
    lines = [_line(heading or "Reached" for heading in _HEADINGS)]
    lines.append(_line("---" if number == 0 else "--:" for number in range(len(_HEADINGS))))
    lines += [_line(row.cells()) for row in rows(results)]
    about = ", ".join(f"{name} {value}" for name, value in results.about.items())
    return "\n".join([*lines, "", f"This run: {about}."])


def _line(cells: "Iterable[str]") -> str:
    return f"| {' | '.join(cells)} |"


def update_page(page: "Path", results: "Results") -> None:
    """Put the table into a page, between its two markers.

    Raises:
        ValueError: The page has no markers.
    """
    text = page.read_text()
    before, begin, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"{page} has no {_BEGIN} followed by {_END}")
    page.write_text(f"{before}{begin}\n\n{markdown(results)}\n\n{end}{after}")
