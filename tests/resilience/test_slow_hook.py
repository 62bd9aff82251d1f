"""A hook that awaits for long, over each server, in short.

What depends on the machine's pace (how soon the end is noticed, by how much a timer is late) is measured by
``make soak``; here it is only seen that each happens, and in which order.
"""

from resilience.findings import missed
from resilience.scale import TEST
from resilience.scenarios.slow_hook import ends, flooded, unbound
from resilience.sites import site
from servers.habits import Habits

TIMED = ("noticed after", "went on for")
"""Parts of the names of findings that the machine's load decides on."""


async def test_slow_hook(habits: Habits) -> None:
    with site(habits) as running:
        findings = await ends(TEST, running, habits)
        findings += await unbound(TEST, running, habits)
        findings += await flooded(TEST, running, habits)
    assert missed(finding for finding in findings if not any(part in finding.what for part in TIMED)) == []
