"""Delivery in short, over each server."""

from resilience.findings import missed
from resilience.progress import Progress
from resilience.scale import TEST
from resilience.scenarios.delivery import Client, delivery
from servers.habits import Habits


async def test_delivery(habits: Habits, progress: Progress) -> None:
    findings = await delivery(TEST, progress, habits, TEST.delivery_sockets_elsewhere)
    assert missed(findings) == []
    received = next(finding for finding in findings if finding.what == "numbers that came back")
    assert received.measured == TEST.delivery_sockets_elsewhere * TEST.delivery_messages


def test_faults_are_told_apart() -> None:
    assert Client([0, 1, 2]).faults(3) == (0, 0, 0)
    assert Client([0, 2]).faults(3) == (1, 0, 0)
    assert Client([0, 1, 1, 2]).faults(3) == (0, 1, 0)
    assert Client([0, 2, 1]).faults(3) == (0, 0, 1)
    assert Client([]).faults(3) == (3, 0, 0)
