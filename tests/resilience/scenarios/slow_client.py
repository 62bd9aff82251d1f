"""A client that stops reading: what it costs us, what it costs the others, and what each ``Overflow`` policy does."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Sequence
from itertools import pairwise
from statistics import median
from typing import Final
from uuid import uuid4

from django_ws import Overflow
from resilience.findings import Finding, at_least, at_most, documented, equal
from resilience.progress import Progress
from resilience.scale import Scale
from resilience.scenarios.stream import Stream
from resilience.scenarios.telling import Told, told, told_when
from resilience.sites import Site, site
from servers.habits import Habits
from servers.raw import CLOSE, TEXT, RawClient, frame

NAME: Final = "slow_client"

_COUNT: Final = 2_000
"""Messages of a feed, 16 KiB each: more than any buffer on the way takes."""

_BUFFER: Final = 1 << 14
"""Bytes of the client's receive buffer."""

_OUTBOX_BYTES: Final = 1 << 20
_OUTBOX_MESSAGES: Final = 256
"""The defaults of ``WS_OUTBOX_BYTES`` and ``WS_OUTBOX_MESSAGES``."""

_MARGIN: Final = 8
"""MiB that the server's memory may grow by: the outbox's one, the server's own buffers, and the allocator's slack."""

_MIB: Final = 1 << 20

_ROUNDS: Final = 8
"""The echoes are measured with the stalled client and without it by turns, so that both see the same machine."""

_EVERY: Final = 0.05
"""Seconds between two echoes of one socket."""

_PACE: Final = 0.005
"""Seconds between two messages of the feed beside which the others are measured."""

_RATIO: Final = 1.2
"""What the others' p99 may become."""

_PATIENCE: Final = 30.0


async def run(scale: Scale, progress: Progress, servers: Sequence[Habits]) -> list[Finding]:
    """Stall over each server."""
    findings: list[Finding] = []
    if scale.name == "quick":
        servers = servers[:2]
    for habits in servers:
        progress.begin(f"slow client, {habits.title}", len(Overflow) + _ROUNDS)
        with site(habits) as running:
            for policy in Overflow:
                findings += await stalled(running, habits, policy)
                progress.advance()
            # A short run measures time over one server alone.
            if scale.name == "full" or habits is servers[0]:
                findings += await others(scale, progress, running, habits)
    return findings


@contextlib.asynccontextmanager
async def _stall(running: Site, policy: Overflow, pause: float, count: int) -> AsyncIterator[tuple[RawClient, str]]:
    """Connect, ask for a feed, and do not read it; give the client and the id to ask for."""
    key = uuid4().hex
    client = await RawClient.open(running.port, f"/slow/feed/{policy.value}/?id={key}", buffer=_BUFFER)
    try:
        async with asyncio.timeout(_PATIENCE):
            await client.answer()
        client.send(TEXT, json.dumps({"count": count, "pause": pause}).encode())
        yield client, key
    finally:
        client.writer.transport.abort()


async def stalled(running: Site, habits: Habits, policy: Overflow) -> list[Finding]:
    """Feed a client that does not read, then let it read, and hold what it got to what the policy says."""
    before = (await running.reading()).memory
    offset = running.log.stat().st_size
    async with _stall(running, policy, 0, _COUNT) as (client, key):
        feed = await told_when(running, key, lambda feed: "fed" in feed or "on_close" in feed)
        grown = round((await running.reading()).memory / _MIB - before / _MIB, 1)
        expected = feed["sent"] - feed["dropped"]
        numbers, code = await _read(client, None if policy is Overflow.CLOSE and habits.backpressure else expected)
    end = await told_when(running, key, lambda end: "on_close" in end)
    entries = running.output(offset).count("the outbox is full")
    where = f"{policy.value}: "

    if not habits.backpressure:
        # Its send never waits, so that nothing reaches the outbox and no policy has anything to say.
        return [
            documented(NAME, habits.key, f"{where}memory grew by, MiB: the server buffers all", grown),
            equal(NAME, habits.key, f"{where}messages dropped", end["dropped"]),
            equal(NAME, habits.key, f"{where}messages that came after all", len(numbers), end["sent"]),
        ]
    findings = [
        at_most(NAME, habits.key, f"{where}bytes that waited, at most", feed["most_bytes"], _OUTBOX_BYTES),
        at_most(NAME, habits.key, f"{where}messages that waited, at most", feed["most_messages"], _OUTBOX_MESSAGES),
        at_most(NAME, habits.key, f"{where}memory grew by, MiB", grown, _MARGIN),
        equal(NAME, habits.key, f"{where}log entries", entries, 1),
        equal(NAME, habits.key, f"{where}out of order or twice", _disorder(numbers)),
    ]
    return findings + _policy(habits, policy, feed, end, numbers, code)


def _policy(habits: Habits, policy: Overflow, feed: Told, end: Told, numbers: list[int], code: int) -> list[Finding]:
    where = f"{policy.value}: "
    match policy:
        case Overflow.CLOSE:
            return [
                equal(NAME, habits.key, f"{where}code in on_close", end["code"] or 0, 1013),
                documented(NAME, habits.key, f"{where}code that the client saw", code),
                equal(NAME, habits.key, f"{where}counter of dropped messages", end["dropped"], 1),
                equal(NAME, habits.key, f"{where}gaps in what the client got", sum(_gaps(numbers))),
            ]
        case Overflow.DROP_OLDEST | Overflow.DROP_NEWEST:
            newest = policy is Overflow.DROP_OLDEST
            return [
                at_least(NAME, habits.key, f"{where}counter of dropped messages", feed["dropped"], 1),
                equal(NAME, habits.key, f"{where}came, plus dropped", len(numbers) + feed["dropped"], _COUNT),
                equal(NAME, habits.key, f"{where}the newest message came", (_COUNT - 1) in numbers, newest),
            ]


def _disorder(numbers: list[int]) -> int:
    return sum(after <= before for before, after in pairwise(numbers))


def _gaps(numbers: list[int]) -> list[int]:
    return [after - before - 1 for before, after in zip([-1, *numbers], numbers, strict=False)]


async def _read(client: RawClient, count: int | None) -> tuple[list[int], int]:
    """Read so many numbers, or until the end; give them and the code of the close frame, 1006 without one."""
    numbers: list[int] = []
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, TimeoutError):
        async with asyncio.timeout(_PATIENCE):
            while count is None or len(numbers) < count:
                opcode, payload = await client.receive()
                if opcode == CLOSE:
                    client.send(CLOSE, payload)
                    return numbers, int.from_bytes(payload[:2], "big") if payload else 1005
                if opcode == TEXT:
                    numbers.append(json.loads(payload)["number"])
    return numbers, 1006


# --- the others -------------------------------------------------------------------------------------------------------


class Echoes:
    """Sockets that echo at a steady pace, and how long each echo took."""

    def __init__(self, running: Site) -> None:
        self.running: Site = running
        self.streams: list[Stream] = []
        self._came: list[asyncio.Event] = []

    async def open(self, count: int) -> None:
        """Open them."""
        for _ in range(count):
            came = asyncio.Event()

            def take(_: bytes, came: asyncio.Event = came) -> None:
                came.set()

            self.streams.append(await Stream.open(self.running.port, "/slow/echo/", take))
            self._came.append(came)

    async def measure(self, seconds: float) -> list[float]:
        """Echo for so long; give the seconds that each took."""
        took: list[float] = []
        deadline = time.perf_counter() + seconds

        async def go_on(number: int) -> None:
            # Spread over the pace, so that they do not wait for each other.
            await asyncio.sleep(_EVERY * number / len(self.streams))
            while time.perf_counter() < deadline:
                self._came[number].clear()
                start = time.perf_counter()
                self.streams[number].write(frame(TEXT, b"echo"))
                async with asyncio.timeout(_PATIENCE):
                    await self._came[number].wait()
                took.append(time.perf_counter() - start)
                await asyncio.sleep(_EVERY)

        async with asyncio.TaskGroup() as group:
            for number in range(len(self.streams)):
                _ = group.create_task(go_on(number))
        return took

    async def close(self) -> None:
        """Close them."""
        await asyncio.gather(*(stream.leave() for stream in self.streams))


async def others(scale: Scale, progress: Progress, running: Site, habits: Habits) -> list[Finding]:
    """Measure the echoes of the others, without a stalled client and with one whose outbox is full."""
    echoes = Echoes(running)
    await echoes.open(scale.slow_echoes)
    seconds = 2 * scale.slow_seconds / _ROUNDS
    alone: list[list[float]] = []
    beside: list[list[float]] = []
    dropped = 0
    _ = await echoes.measure(min(1.0, seconds))
    for _ in range(_ROUNDS // 2):
        alone.append(await echoes.measure(seconds))
        progress.advance()
        # A fast start fills what is on the way; from then on each message of the feed meets a full outbox.
        async with _stall(running, Overflow.DROP_OLDEST, _PACE, 1_000_000) as (_, key):
            if habits.backpressure:
                await told_when(running, key, lambda feed: feed.get("dropped", 0) > 0)
            beside.append(await echoes.measure(seconds))
            dropped += (await told(running, key))["dropped"]
        progress.advance()
    await echoes.close()
    # By pairs of neighbouring rounds, for what else happens on the machine changes from second to second.
    ratio = round(median(_p99(one) / _p99(other) for one, other in zip(beside, alone, strict=True)), 2)
    title = "p99 of the others, beside to alone"
    return [
        documented(NAME, habits.key, "echoes measured, alone and beside", f"{_count(alone)}, {_count(beside)}"),
        documented(NAME, habits.key, "messages dropped for the stalled client meanwhile", dropped),
        documented(NAME, habits.key, "p99 of the others alone, ms", round(median(map(_p99, alone)) * 1000, 2)),
        documented(NAME, habits.key, "p99 of the others beside it, ms", round(median(map(_p99, beside)) * 1000, 2)),
        # The p99 of a few seconds is that of the machine.
        at_most(NAME, habits.key, title, ratio, _RATIO)
        if scale.name == "full"
        else documented(NAME, habits.key, f"{title}: too short a run to judge by", ratio),
    ]


def _count(rounds: list[list[float]]) -> int:
    return sum(map(len, rounds))


def _p99(took: list[float]) -> float:
    return sorted(took)[int(len(took) * 0.99)]
