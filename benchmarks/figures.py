"""Medians, quartiles and ratios: what is made of the samples of the rounds."""

from dataclasses import dataclass
from statistics import median, quantiles
from typing import TYPE_CHECKING

from benchmarks.measures import BASE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.measures import Measure
    from benchmarks.results import Results

__all__ = ["Summary", "absolute", "ratio", "ratios", "summarise"]


@dataclass(frozen=True, slots=True)
class Summary:
    """Where the middle of some samples is, and how far they lie apart."""

    median: float
    """Half of the samples are below."""
    lower: float
    """A quarter of the samples is below."""
    upper: float
    """A quarter of the samples is above."""
    count: int
    """How many there are."""


def summarise(samples: "Sequence[float]", /) -> Summary | None:
    """Summarise samples; ``None`` where there are none."""
    if not samples:
        return None
    if len(samples) == 1:
        return Summary(samples[0], samples[0], samples[0], 1)
    lower, _, upper = quantiles(samples, n=4, method="inclusive")
    return Summary(median(samples), lower, upper, len(samples))


def ratios(samples: "Sequence[float]", base: "Sequence[float]", /) -> list[float]:
    """Divide round by round: what slowed the machine in a round slowed both."""
    return [one / other for one, other in zip(samples, base, strict=False) if other]


def absolute(results: "Results", measure: "Measure", name: str, /) -> Summary | None:
    """Summarise the figures of one implementation."""
    return summarise(results.samples.get(measure.name, {}).get(name, []))


def ratio(results: "Results", measure: "Measure", name: str, /) -> Summary | None:
    """Summarise one implementation's ratios to the measure's base; its figures where the measure has none."""
    if measure.base is None:
        return absolute(results, measure, name)
    of_measure = results.samples.get(measure.name, {})
    return summarise(ratios(of_measure.get(name, []), of_measure.get(measure.base or BASE, [])))
