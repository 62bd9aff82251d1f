"""What a scenario found: one measured figure, held against its bound."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

__all__ = ["DOCUMENTED", "IN_PROCESS", "Finding", "all_hold", "at_least", "at_most", "documented", "equal", "missed"]

IN_PROCESS: Final = "in-process"
"""The place of a finding that no server has part in."""

DOCUMENTED: Final = "none: documented"
"""The bound of a finding that is a server's own behaviour, shown and not judged."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    scenario: str
    """Which one found it."""
    where: str
    """The server's key, or "in-process"."""
    what: str
    """What was measured, with its unit."""
    measured: float | int | str
    """The figure, of this run."""
    bound: str
    """What it is held to, for a reader."""
    holds: bool
    """Whether it does."""


def equal(scenario: str, where: str, what: str, measured: float, expected: float = 0) -> Finding:
    """Hold a figure to one value."""
    return Finding(scenario, where, what, measured, f"= {_short(expected)}", measured == expected)


def at_most(scenario: str, where: str, what: str, measured: float, most: float) -> Finding:
    """Hold a figure to an upper bound, itself included."""
    return Finding(scenario, where, what, measured, f"<= {_short(most)}", measured <= most)


def at_least(scenario: str, where: str, what: str, measured: float, least: float) -> Finding:
    """Hold a figure to a lower bound, itself included."""
    return Finding(scenario, where, what, measured, f">= {_short(least)}", measured >= least)


def documented(scenario: str, where: str, what: str, measured: float | str) -> Finding:
    """Show what a server does by itself, or under which conditions the others were measured."""
    return Finding(scenario, where, what, measured, DOCUMENTED, holds=True)


def missed(findings: Iterable[Finding]) -> list[Finding]:
    """Give the findings that are beyond their bounds."""
    return [finding for finding in findings if not finding.holds]


def all_hold(findings: Iterable[Finding]) -> bool:
    """Say whether every finding is within its bound."""
    return not missed(findings)


def _short(figure: float) -> str:
    return f"{figure:,}" if isinstance(figure, int) else f"{figure:g}"
