"""SIGTERM with many sockets open: every ``on_close`` runs, and the server stops.

What a server does not allow is shown as it was measured, and not judged: daphne tells the application nothing, and
hypercorn on Python 3.12 and later never stops while a socket is open. Granian now and then breaks down at SIGTERM by a
fault of its own (the more sockets, the likelier); it is then started anew, and the crashes are counted.
"""

import asyncio
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from resilience.findings import Finding, at_most, documented, equal
from resilience.logs import parse
from resilience.progress import Progress
from resilience.scale import Scale
from resilience.scenarios.each import on_each
from resilience.sites import Site, site
from servers.habits import Habits
from servers.raw import RawClient

__all__ = ["Stop", "hangs", "judge", "open_sockets", "run", "stop"]

NAME: Final = "shutdown"

SECONDS: Final = 5.0
"""Within which every on_close is done."""
PATIENCE: Final = 15.0
"""Seconds after which a server counts as one that does not stop."""
ATTEMPTS: Final = 3
"""For a server that breaks down by itself now and then."""
AT_ONCE: Final = 50
"""Handshakes side by side."""


@dataclass(frozen=True, slots=True)
class Stop:
    """What became of the sockets."""

    opened: int
    closed: int
    """Of the ``on_close``, those that ran to their end."""
    seconds: float | None
    """From SIGTERM to the last ``on_close``'s end; ``None``: there was none."""
    stopped: float | None
    """Seconds from SIGTERM to the end of the process; ``None``: it did not stop in time."""
    codes: Counter[int]
    """What the clients saw."""
    offset: int
    """Where the server's output began."""


async def run(scale: Scale, progress: Progress, servers: Sequence[Habits]) -> list[Finding]:
    """Do it on each server."""
    count = scale.shutdown_sockets

    async def on_one(habits: Habits) -> list[Finding]:
        for attempt in range(1, ATTEMPTS + 1):
            with site(habits) as running:
                result = await stop(running, count, progress)
                if running.crashed and attempt < ATTEMPTS:
                    continue
                findings = judge(running, count, result)
                if habits.crash_at_shutdown is not None:
                    crashes = f"{attempt - (not running.crashed)} of {attempt}"
                    findings.append(
                        documented(NAME, habits.key, "starts that broke down by the server's fault", crashes)
                    )
                return findings
        raise AssertionError

    progress.begin(f"{NAME}: {len(servers)} servers", count * len(servers))
    return await on_each(servers, scale.servers_at_once, on_one)


async def stop(running: Site, count: int, progress: Progress) -> Stop:
    """Open the sockets, send SIGTERM, and wait for the end."""
    offset = running.log.stat().st_size
    clients = await open_sockets(running, count, progress)
    wall, began = time.time(), time.monotonic()
    running.terminate()
    ends = asyncio.gather(*[client.messages() for client in clients])
    stopped: float | None = None
    try:
        await asyncio.to_thread(running.process.wait, PATIENCE)
        stopped = time.monotonic() - began
    except subprocess.TimeoutExpired:
        running.kill()
    codes = Counter(code for _, code in await ends)
    for client in clients:
        await client.leave()
    events = running.events("shutdown")
    times = [float(event["time"]) for event in events if event["event"] == "closed"]
    opened = sum(event["event"] == "opened" for event in events)
    return Stop(opened, len(times), max(times) - wall if times else None, stopped, codes, offset)


async def open_sockets(running: Site, count: int, progress: Progress) -> list[RawClient]:
    """Open sockets whose ``on_close`` awaits, each with a task."""
    clients: list[RawClient] = []

    async def some(numbers: range) -> None:
        for _ in numbers:
            client = await RawClient.open(running.port, "/lasting/")
            assert (await client.answer()).status == 101
            # Its on_open has run.
            _ = await client.receive()
            clients.append(client)
            progress.advance()

    async with asyncio.TaskGroup() as group:
        for first in range(AT_ONCE):
            _ = group.create_task(some(range(first, count, AT_ONCE)))
    return clients


def hangs(habits: Habits) -> bool:
    """Say whether the server does not stop on this Python while a socket is open."""
    return habits.hangs_at_shutdown_from is not None and sys.version_info >= habits.hangs_at_shutdown_from


def judge(running: Site, count: int, result: Stop, name: str = NAME) -> list[Finding]:
    """Hold the result to what the server allows."""
    habits = running.habits
    where = habits.key
    seen = ", ".join(f"{count} x {code}" for code, count in sorted(result.codes.items()))
    never = "never" if result.stopped is None else round(result.stopped, 2)
    findings = [
        documented(name, where, "sockets open at SIGTERM", result.opened),
        documented(name, where, "what the clients saw", seen),
    ]
    if not habits.shutdown_lifespan or hangs(habits) or running.crashed:
        return [
            *findings,
            documented(name, where, "on_close that ran to their end", result.closed),
            documented(name, where, f"seconds until it stopped (waited {PATIENCE:g})", never),
        ]
    log = parse(running.output(result.offset))
    foreign = len(log.foreign) if habits.quiet_shutdown else len([line for line in log.foreign if "Fault" in line])
    return [
        *findings,
        equal(name, where, "sockets that were not opened", count - result.opened),
        equal(name, where, "on_close that did not run to their end", result.opened - result.closed),
        at_most(name, where, "seconds until the last on_close was done", round(result.seconds or 0, 2), SECONDS),
        Finding(name, where, "seconds until it stopped", never, f"<= {PATIENCE:g}", holds=result.stopped is not None),
        equal(name, where, f"clients that saw anything but {habits.shutdown_code}", unlike(result, habits)),
        equal(name, where, "errors logged by django-ws", log.errors),
        equal(name, where, "tracebacks", foreign),
    ]


def unlike(result: Stop, habits: Habits) -> int:
    """Count the clients that saw another end than the server's."""
    return result.codes.total() - result.codes[habits.shutdown_code]
