"""A soak of some seconds on each server. It says nothing of growth, which takes minutes: ``make soak`` does."""

import pytest

from resilience.progress import Progress
from resilience.scale import TEST
from resilience.scenarios.soak import growth, run
from resilience.support import hold
from servers.habits import Habits


async def test_soak(habits: Habits, progress: Progress) -> None:
    findings = [finding for finding in await run(TEST, progress, [habits]) if "MiB" not in finding.what]
    figures = {finding.what: finding.measured for finding in findings}
    assert figures["sockets that left and were replaced"] == 10
    assert figures["faults injected"] == 10
    hold(findings)


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ([], 0),
        ([7], 0),
        ([10, 90, 11], 1),
        ([*[100] * 30, *[150] * 30], 50),
        # One sample that sticks out at either end does not count.
        ([*[100] * 29, 1, 999, *[100] * 29, 999], 0),
    ],
)
def test_growth_is_between_the_ends(samples: list[int], expected: float) -> None:
    assert growth(samples) == expected
