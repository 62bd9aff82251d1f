"""A client that stops reading, over each server: memory, counters and order; times are the business of soak."""

from django_ws import Overflow
from resilience.findings import missed
from resilience.scenarios.slow_client import stalled
from resilience.sites import site
from servers.habits import Habits


async def test_each_policy(habits: Habits) -> None:
    with site(habits) as running:
        for policy in Overflow:
            findings = await stalled(running, habits, policy)
            assert missed(findings) == []
