"""How far a run is: a bar on a terminal, lines elsewhere, nothing in the tests."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichProgress
from typing_extensions import override

__all__ = ["Bar", "Lines", "Progress", "showing"]


class Progress:
    """Shows nothing; what shows something is a subclass."""

    def begin(self, title: str, total: int) -> None:
        """Begin a stage of ``total`` steps."""

    def advance(self, count: int = 1) -> None:
        """Note that ``count`` steps more are done."""

    def note(self, text: str) -> None:
        """Say something beside the figures."""


class Bar(Progress):
    """One line that moves.

    Args:
        progress: Rich's.
    """

    def __init__(self, progress: RichProgress) -> None:
        self._progress: RichProgress = progress
        self._task = progress.add_task("")

    @override
    def begin(self, title: str, total: int) -> None:
        self._progress.reset(self._task, total=total, description=title)

    @override
    def advance(self, count: int = 1) -> None:
        self._progress.advance(self._task, count)

    @override
    def note(self, text: str) -> None:
        self._progress.console.print(text, markup=False, highlight=False)


class Lines(Progress):
    """One line for the end of each stage, for logs.

    Args:
        console: Where they go.
    """

    def __init__(self, console: Console) -> None:
        self._console: Console = console
        self._title: str = ""
        self._done: int = 0
        self._began: float = 0.0

    @override
    def begin(self, title: str, total: int) -> None:
        self.end()
        self._title, self._done, self._began = title, 0, time.monotonic()

    @override
    def advance(self, count: int = 1) -> None:
        self._done += count

    @override
    def note(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False)

    def end(self) -> None:
        """Write the line of the stage that is under way."""
        if self._title:
            self.note(f"{self._title}: {self._done:,} in {time.monotonic() - self._began:.1f} s")
        self._title = ""


@contextmanager
def showing(console: Console) -> Iterator[Progress]:
    """Show how far things are, as the console can."""
    if not console.is_terminal:
        lines = Lines(console)
        try:
            yield lines
        finally:
            lines.end()
        return
    columns = (TextColumn("{task.description:<44}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with RichProgress(*columns, console=console, transient=True) as progress:
        yield Bar(progress)
