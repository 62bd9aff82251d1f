"""Sockets that echo for minutes while some leave, some are replaced and some fail: memory, files and tasks stay.

All servers run side by side, each with its own sockets. Each second a share of the sockets leaves, in one of several
ways, and is replaced; and as many faults are injected beside them.
"""

import asyncio
import contextlib
import itertools
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from resilience.findings import Finding, documented, equal
from resilience.injections import DEADLINE, can_vanish, inject, message, plan
from resilience.progress import Progress
from resilience.scale import Scale
from resilience.scenarios.faults import Outcome, judge, rested, storm
from resilience.sites import Site, site
from servers.habits import Habits
from servers.raw import TEXT, RawClient

__all__ = ["growth", "run", "soak"]

NAME: Final = "soak"

MOST_GROWTH: Final = 2.0
"""MiB, from the settled state to the end."""
PAUSE: Final = 0.5
"""Seconds between two echoes of one socket."""
WAYS: Final = ("close", "fin", "rst")

_MIB: Final = 1 << 20


@dataclass(slots=True)
class Soaking:
    """One server's soak, so far."""

    memory: list[int] = field(default_factory=list)
    """Bytes, once a second, since it has settled."""
    replaced: int = 0
    echoes: int = 0
    lost: int = 0
    """Echoes that did not come, or not as they were sent."""


async def run(scale: Scale, progress: Progress, servers: Sequence[Habits]) -> list[Finding]:
    """Do it on all servers at once."""
    progress.begin(f"{NAME}: {len(servers)} servers side by side", len(servers) * round(scale.soak_seconds))
    found = await asyncio.gather(*[on_one(scale, progress, habits) for habits in servers])
    return list(itertools.chain.from_iterable(found))


async def on_one(scale: Scale, progress: Progress, habits: Habits) -> list[Finding]:
    """Do it on one server."""
    with site(habits) as running:
        await storm(running, scale, Progress(), 80, "warm-up")
        base = await rested(running)
        outcome = Outcome(offset=running.log.stat().st_size)
        soaking = await soak(running, scale, progress, outcome)
        now = await running.settled(base)
        where = habits.key
        grown = round(growth(soaking.memory) / _MIB, 2)
        what = f"MiB of growth from {scale.soak_settle_seconds:g} s to {scale.soak_seconds:g} s"
        return [
            Finding(NAME, where, what, grown, f"< {MOST_GROWTH:g}", grown < MOST_GROWTH),
            documented(NAME, where, "sockets that left and were replaced", soaking.replaced),
            documented(NAME, where, "echoes", soaking.echoes),
            equal(NAME, where, "echoes lost or out of order", soaking.lost),
            *judge(NAME, running, base, now, outcome, progress),
        ]


def growth(samples: Sequence[int]) -> float:
    """Give by how much memory grew: from the median of the first tenth of the samples to that of the last."""
    tenth = max(1, len(samples) // 10)
    return median(samples[-tenth:]) - median(samples[:tenth]) if samples else 0.0


async def soak(running: Site, scale: Scale, progress: Progress, outcome: Outcome) -> Soaking:
    """Keep the sockets busy for the given time."""
    soaking = Soaking()
    chance = random.Random(f"{scale.seed} {running.habits.key} soak")
    each = max(1, round(scale.soak_sockets * scale.soak_share))
    injections = iter(plan(round(scale.soak_seconds + 1) * each, chance, "fault", vanish=can_vanish()))
    kept: list[RawClient] = []
    stops: list[asyncio.Event] = []
    tasks: set[asyncio.Task[None]] = set()

    def replace(number: int) -> None:
        """Let one socket leave, after what it is at, and another take its place."""
        if number < len(stops):
            stops[number].set()
        stops[number : number + 1] = [asyncio.Event()]
        tasks.add(asyncio.create_task(echo(running, soaking, chance, stops[number])))

    async def fault() -> None:
        injection = next(injections)
        outcome.add(injection, running.habits, await inject(running, injection, kept))

    for number in range(scale.soak_sockets):
        replace(number)
    began = time.monotonic()
    for second in range(round(scale.soak_seconds)):
        await asyncio.sleep(max(0.0, began + second - time.monotonic()))
        for _ in range(each):
            replace(chance.randrange(scale.soak_sockets))
            soaking.replaced += 1
            tasks.add(asyncio.create_task(fault()))
        reading = await running.reading()
        if time.monotonic() - began >= scale.soak_settle_seconds:
            soaking.memory.append(reading.memory)
        progress.advance()
    for stop in stops:
        stop.set()
    for ended in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(ended, Exception):
            outcome.wrong.append(f"a socket broke: {ended!r}")
    for client in kept:
        client.reset()
        await client.leave()
    return soaking


async def echo(running: Site, soaking: Soaking, chance: random.Random, stop: asyncio.Event) -> None:
    """Echo numbered messages until told to stop; then leave in some way."""
    client = await RawClient.open(running.port, "/echo/")
    number = 0
    try:
        assert (await client.answer()).status == 101
        while not stop.is_set():
            text = f"message {number}".encode()
            client.send(TEXT, text)
            if await asyncio.wait_for(message(client), DEADLINE) != text:
                soaking.lost += 1
            soaking.echoes += 1
            number += 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), PAUSE)
    finally:
        match chance.choice(WAYS):
            case "close":
                client.close()
            case "rst":
                client.reset()
            case _:
                pass
        await client.leave()
