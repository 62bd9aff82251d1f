"""What all rounds have in common: who takes part, in which order, and how far they are."""

import random
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeVar, final

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.implementations import IMPLEMENTATIONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.apps import Kind
    from benchmarks.implementations import Implementation
    from benchmarks.plan import Plan
    from benchmarks.results import Results

__all__ = ["Run", "progress_bar"]

T = TypeVar("T")

_SEED: Final = 20


@final
class Run:
    """One run.

    Args:
        plan: Its size.
        results: Where the samples go.
        progress: Where it is shown.
    """

    def __init__(self, plan: "Plan", results: "Results", progress: Progress) -> None:
        self.plan: Plan = plan
        self.results: Results = results
        self.client_busy: dict[str, float] = {}
        """The largest share of its core that the client has used, by the title of the stage."""
        self._progress: Progress = progress
        self._random: random.Random = random.Random(_SEED)  # noqa: S311 - an order, not a secret
        self._task = progress.add_task("")
        self._title: str = ""

    def taking_part(self, kind: "Kind") -> "list[Implementation]":
        """Give those that are installed and have that socket."""
        return [one for one in IMPLEMENTATIONS if kind in one.kinds and one.is_installed]

    def shuffled(self, some: "Sequence[T]") -> "list[T]":
        """Give them in another order each time, so that what changes on the machine changes for all."""
        return self._random.sample(some, len(some))

    def busy(self, share: float) -> None:
        """Note which share of its core the client was using: near 1, it is the client that is measured."""
        self.client_busy[self._title] = max(self.client_busy.get(self._title, 0.0), share)

    def begin(self, title: str, steps: int) -> None:
        """Show a new stage."""
        self._title = title
        self._progress.reset(self._task, total=steps, description=title)

    def step(self) -> None:
        """Show that one step of the stage is done."""
        self._progress.advance(self._task)


@contextmanager
def progress_bar() -> "Iterator[Progress]":
    """Show how far things are, in one line."""
    columns = (TextColumn("{task.description:<52}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, transient=True) as progress:
        yield progress
