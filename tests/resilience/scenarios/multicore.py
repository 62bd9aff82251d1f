"""The same with several worker processes: faults, echoes in order, SIGTERM, under ``uvicorn --workers``."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Final

from resilience.findings import Finding, documented, equal
from resilience.injections import message
from resilience.progress import Progress
from resilience.scale import Scale
from resilience.scenarios import shutdown
from resilience.scenarios.faults import judge, storm
from resilience.site.reading import Reading
from resilience.sites import Site, is_settled, site
from servers.habits import Habits
from servers.raw import TEXT, RawClient

__all__ = ["run"]

NAME: Final = "multicore"

AT_ONCE: Final = 50
"""Handshakes side by side."""


async def run(scale: Scale, progress: Progress, servers: Sequence[Habits]) -> list[Finding]:
    """Do it on the first uvicorn among the servers."""
    uvicorn = next((habits for habits in servers if "uvicorn" in habits.command), None)
    if uvicorn is None:
        return []
    workers = scale.multicore_workers
    habits = replace(uvicorn, key=f"{uvicorn.key} x{workers}")
    with site(habits, arguments=("--workers", str(workers))) as running:
        progress.begin(
            f"{NAME}: {uvicorn.title}, {workers} workers", scale.multicore_faults + scale.multicore_sockets * 2
        )
        await storm(running, scale, Progress(), 80 * workers, "warm-up")
        bases = await settled(running, await running.readings(workers), 10)
        outcome = await storm(running, scale, progress, scale.multicore_faults)
        nows = await settled(running, bases)
        findings = judge(NAME, running, summed(bases), summed(nows), outcome, progress)
        busy = sum(now.begun > base.begun for now, base in zip(nows, bases, strict=True))
        findings.append(equal(NAME, habits.key, "workers that took part", busy, workers))
        findings += await echoes(running, scale, progress)
        result = await shutdown.stop(running, scale.multicore_sockets, progress)
        findings += shutdown.judge(running, scale.multicore_sockets, result, NAME)
    return findings


async def settled(running: Site, bases: Sequence[Reading], seconds: float = 20.0) -> list[Reading]:
    """Wait until each worker holds no more than it did; give the last readings, settled or not."""
    deadline = time.monotonic() + seconds
    while True:
        nows = await running.readings(len(bases))
        if all(is_settled(now, base) for now, base in zip(nows, bases, strict=True)) or time.monotonic() > deadline:
            return nows
        await asyncio.sleep(0.1)


def summed(readings: Sequence[Reading]) -> Reading:
    """Add up the workers."""
    numbers = [one.name for one in fields(Reading) if one.name != "counts"]
    return Reading(**{name: sum(getattr(reading, name) for reading in readings) for name in numbers})


async def echoes(running: Site, scale: Scale, progress: Progress) -> list[Finding]:
    """Echo numbered messages on many sockets at once, sent without waiting for the answers."""
    expected = [str(number).encode() for number in range(scale.multicore_messages)]
    limit = asyncio.Semaphore(AT_ONCE)
    ready = asyncio.Barrier(scale.multicore_sockets)

    async def one() -> list[bytes]:
        async with limit:
            client = await RawClient.open(running.port, "/echo/")
            assert (await client.answer()).status == 101
        await ready.wait()
        for text in expected:
            client.send(TEXT, text)
        got = [await message(client) for _ in expected]
        await client.farewell()
        progress.advance()
        return got

    async with asyncio.timeout(120):
        got = await asyncio.gather(*[one() for _ in range(scale.multicore_sockets)])
    return [
        documented(NAME, running.habits.key, "echoes, all sockets at once", sum(map(len, got))),
        equal(
            NAME,
            running.habits.key,
            "sockets with an echo lost, out of order or twice",
            sum(texts != expected for texts in got),
        ),
    ]
