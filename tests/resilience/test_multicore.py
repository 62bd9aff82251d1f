"""Faults, echoes and SIGTERM with two worker processes."""

import pytest

from resilience.progress import Progress
from resilience.scale import TEST
from resilience.scenarios.multicore import run
from resilience.support import hold
from servers.habits import SERVERS


@pytest.mark.server
async def test_two_workers(progress: Progress) -> None:
    hold(await run(TEST, progress, SERVERS))


async def test_without_uvicorn_there_is_nothing_to_do(progress: Progress) -> None:
    assert await run(TEST, progress, [habits for habits in SERVERS if "uvicorn" not in habits.key]) == []
