"""SIGTERM with some dozen sockets open, on each server."""

import pytest

from resilience.progress import Progress
from resilience.scale import TEST
from resilience.scenarios.shutdown import hangs, run
from resilience.support import hold
from servers.habits import Habits


async def test_shutdown(habits: Habits, progress: Progress) -> None:
    if hangs(habits):
        pytest.skip(f"{habits.title} does not stop while a socket is open, on this Python")
    findings = await run(TEST, progress, [habits])
    figures = {finding.what: finding.measured for finding in findings}
    assert figures["sockets open at SIGTERM"] == TEST.shutdown_sockets
    hold(findings)
    if "on_close that did not run to their end" in figures:
        return
    if habits.crash_at_shutdown is None:
        assert not habits.shutdown_lifespan
        assert figures["on_close that ran to their end"] == 0
    else:
        crashes = figures["starts that broke down by the server's fault"]
        pytest.skip(f"{habits.title} broke down by itself at SIGTERM in {crashes} starts")
