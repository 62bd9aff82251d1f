"""Delivery: many sockets, numbered messages both ways, sent awaited and not; none lost, out of order or twice."""

import asyncio
import resource
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from resilience.findings import Finding, documented, equal
from resilience.progress import Progress
from resilience.scale import Scale
from resilience.scenarios.stream import Stream
from resilience.sites import Site, site
from servers.habits import SERVERS, Habits
from servers.raw import TEXT, frame

NAME: Final = "delivery"

_WAYS: Final = (1, 0, 3)
"""One of so many sends is awaited; 0: none. Each socket has one of them."""

_OPENING: Final = 50
"""Handshakes side by side."""

_SPARE_FILES: Final = 500
"""Open files that a process has beside its connections."""

_PATIENCE: Final = 60.0
"""Seconds without any message at all, after which what is missing counts as lost."""


@dataclass(slots=True)
class Client:
    """One socket and what came back over it."""

    numbers: list[int] = field(default_factory=list)
    stream: Stream | None = None

    def faults(self, count: int) -> tuple[int, int, int]:
        """Give how many of ``count`` numbers were lost, how many came twice, and how many out of order."""
        seen = set(self.numbers)
        lost = count - len(seen & set(range(count)))
        late = sum(after < before for before, after in pairwise(self.numbers))
        return lost, len(self.numbers) - len(seen), late


async def run(scale: Scale, progress: Progress, servers: Sequence[Habits]) -> list[Finding]:
    """Deliver over each server."""
    findings: list[Finding] = []
    for habits in servers:
        sockets = scale.delivery_sockets if habits is SERVERS[0] else scale.delivery_sockets_elsewhere
        findings += await delivery(scale, progress, habits, sockets)
    return findings


async def delivery(scale: Scale, progress: Progress, habits: Habits, sockets: int) -> list[Finding]:
    """Deliver over one server, with as many sockets at once as this machine lets a process open."""
    count = scale.delivery_messages
    progress.begin(f"delivery, {habits.title}", sockets * count)
    at_once = min(sockets, most_connections())
    clients: list[Client] = []
    with site(habits) as running:
        base = await running.reading()
        while len(clients) < sockets:
            clients += await _batch(running, min(at_once, sockets - len(clients)), count, progress)
        end = await running.settled(base, 20)
    faults = [client.faults(count) for client in clients]
    lost, twice, late = (sum(column) for column in zip(*faults, strict=True))
    counts = end.counts
    return [
        documented(NAME, habits.key, "sockets, and how many of them at once", f"{len(clients)}, {at_once}"),
        equal(NAME, habits.key, "numbers that the application got", counts["delivery received"], sockets * count),
        equal(NAME, habits.key, "of these out of order", counts.get("delivery out of order", 0)),
        equal(NAME, habits.key, "numbers that came back", sum(len(c.numbers) for c in clients), sockets * count),
        equal(NAME, habits.key, "lost", lost),
        equal(NAME, habits.key, "twice", twice),
        equal(NAME, habits.key, "out of order", late),
        equal(NAME, habits.key, "dropped by the outbox", counts.get("delivery dropped", 0)),
        equal(NAME, habits.key, "awaited sends that were not taken", counts.get("delivery given up", 0)),
        equal(NAME, habits.key, "on_open without on_close", end.opened - end.closed),
    ]


async def _batch(running: Site, sockets: int, count: int, progress: Progress) -> list[Client]:
    """Open the sockets, send all numbers over each, and wait for what comes back."""
    gate = asyncio.Semaphore(_OPENING)
    clients = [Client() for _ in range(sockets)]
    came = 0

    async def open_one(number: int, client: Client) -> None:
        def take(payload: bytes) -> None:
            nonlocal came
            came += 1
            client.numbers.append(int(payload))

        async with gate:
            target = f"/delivery/{_WAYS[number % len(_WAYS)]}/"
            client.stream = await Stream.open(running.port, target, take)

    async with asyncio.TaskGroup() as group:
        for number, client in enumerate(clients):
            _ = group.create_task(open_one(number, client))
    streams = [client.stream for client in clients if client.stream is not None]
    data = b"".join(frame(TEXT, b"%d" % number) for number in range(count))
    for stream in streams:
        stream.write(data)
        await asyncio.sleep(0)
    told, idle = 0, 0.0
    while came < sockets * count and idle < _PATIENCE:
        await asyncio.sleep(0.1)
        idle = 0.0 if came > told else idle + 0.1
        progress.advance(came - told)
        told = came
    progress.advance(came - told)
    # What comes twice comes late: a round trip more, and the close after all that was sent.
    await asyncio.gather(*(stream.leave() for stream in streams))
    return clients


def most_connections() -> int:
    """Raise the limit of open files as far as it goes; the server inherits it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return max(100, hard - _SPARE_FILES) if hard != resource.RLIM_INFINITY else 1_000_000
