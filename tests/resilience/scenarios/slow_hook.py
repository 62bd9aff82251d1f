"""A hook that awaits for long: the end is noticed, the grace kept, and a client that floods is stopped by TCP."""

import asyncio
import contextlib
import json
import time
from collections.abc import Sequence
from typing import Final
from uuid import uuid4

from resilience.findings import Finding, at_least, at_most, documented, equal
from resilience.progress import Progress
from resilience.scale import Scale
from resilience.scenarios.telling import Told, told, told_when
from resilience.sites import Site, site
from servers.habits import Habits
from servers.raw import TEXT, RawClient, frame

NAME: Final = "slow_hook"

_ENDS: Final = ("close frame", "FIN", "RST")

_NOTICED: Final = 1.5
"""Seconds within which the end is noticed: two ticks are one at most, and a busy machine has its share."""

_GRACE: Final = 1.0
"""``disconnect_grace`` of the socket that has one."""

_SLACK: Final = 1.0
"""Seconds by which a timer may be late."""

_FOREVER: Final = 300.0
"""What a hook awaits that is to be cancelled."""

_FILLER: Final = b'"' + b"x" * (1 << 16) + b'"'
"""A message of the flood."""

_FLOODED: Final = 8.0
"""Seconds that the flooded hook awaits; longer than it takes to fill all buffers and see that they are full."""

_PATIENCE: Final = 15.0

_STALLED: Final = 1.0
"""Seconds without a byte taken, after which the client counts as stopped."""

_KERNEL: Final = 12
"""MiB that the kernel's two socket buffers may take on loopback, beside the 32 messages of the inbox."""

_MARGIN: Final = 12
"""MiB that the server may grow by: 32 messages of 64 KiB in the inbox, its own buffers, the allocator's slack."""

_MIB: Final = 1 << 20

_NO_PAUSE: Final = frozenset({"daphne"})
"""Servers that read on, however much the application has not taken yet."""

_LITTLE: Final = 500
"""Messages of the flood over these, whose memory it fills."""


async def run(scale: Scale, progress: Progress, servers: Sequence[Habits]) -> list[Finding]:
    """Be slow over each server."""
    progress.begin("slow hook, all servers side by side", 3 * len(servers))
    with contextlib.ExitStack() as stack:
        running = [stack.enter_context(site(habits)) for habits in servers]
        # They wait nearly all of the time.
        found = await asyncio.gather(*(_one(scale, progress, one) for one in running))
    return [finding for findings in found for finding in findings]


async def _one(scale: Scale, progress: Progress, running: Site) -> list[Finding]:
    findings: list[Finding] = []
    for part in (ends, unbound, flooded):
        findings += await part(scale, running, running.habits)
        progress.advance()
    return findings


async def _begin(running: Site, kind: str, seconds: float) -> tuple[RawClient, str]:
    """Connect, and wait until the hook is in the middle of its wait."""
    key = uuid4().hex
    client = await RawClient.open(running.port, f"/slow/hook/{kind}/?id={key}")
    await client.answer()
    client.send(TEXT, json.dumps(seconds).encode())
    assert json.loads((await client.receive())[1]) == "begun"
    return client, key


async def _leave(client: RawClient, end: str) -> None:
    """End the connection, and read no further than a client has to."""
    match end:
        case "close frame":
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_PATIENCE):
                    await client.farewell(4321)
        case "FIN":
            client.writer.close()
        case _:
            client.reset()


def _closed(answer: Told) -> bool:
    return "on_close" in answer


async def ends(_: Scale, running: Site, habits: Habits) -> list[Finding]:
    """Leave in every way while hooks wait, all side by side."""

    async def one(kind: str, end: str) -> tuple[float, Told]:
        client, key = await _begin(running, kind, _FOREVER)
        # The hook must have been running for a while: the ticker looks after long ones alone.
        await asyncio.sleep(1.2)
        left = time.monotonic()
        await _leave(client, end)
        answer = await told_when(running, key, _closed)
        await client.leave()
        return left, answer

    pairs = [(kind, end) for kind in ("grace", "none") for end in _ENDS]
    results = await asyncio.gather(*(one(kind, end) for kind, end in pairs))
    findings: list[Finding] = []
    for (kind, end), (left, answer) in zip(pairs, results, strict=True):
        noticed = answer.get("noticed", left + _FOREVER)
        waited = answer.get("cancelled", noticed + _FOREVER) - noticed
        grace = _GRACE if kind == "grace" else 0.0
        where = f"{end}, grace {grace:g} s: "
        findings += [
            at_most(NAME, habits.key, f"{where}noticed after, s", round(noticed - left, 2), _NOTICED),
            at_least(NAME, habits.key, f"{where}hook went on for, s", round(waited, 2), round(grace - 0.01, 2)),
            at_most(NAME, habits.key, f"{where}hook went on for, at most, s", round(waited, 2), grace + _SLACK),
            # The stamp of the noticing is late on a busy machine; that of the client's leaving never is.
            at_least(
                NAME,
                habits.key,
                f"{where}hook alive after its client left, s",
                round(waited + noticed - left, 2),
                grace,
            ),
            equal(NAME, habits.key, f"{where}on_close called", int(_closed(answer)), 1),
        ]
    return findings


async def unbound(scale: Scale, running: Site, habits: Habits) -> list[Finding]:
    """Leave a hook that may take as long as it likes, and see that it comes to its end."""
    if habits.ends_application_after is not None and scale.slow_hook_seconds > habits.ends_application_after:
        seconds = habits.ends_application_after / 2
    else:
        seconds = scale.slow_hook_seconds
    client, key = await _begin(running, "unbound", seconds)
    await asyncio.sleep(1.2)
    left = time.monotonic()
    await _leave(client, "close frame")
    answer = await told_when(running, key, _closed, seconds + 20)
    await client.leave()
    return [
        documented(NAME, habits.key, "hook without a bound, s", seconds),
        at_most(NAME, habits.key, "its client's end noticed after, s", _since(answer, "noticed", left), _NOTICED),
        equal(NAME, habits.key, "it came to its own end", int("ended" in answer and "cancelled" not in answer), 1),
    ]


def _since(answer: Told, name: str, start: float) -> float:
    when: float = answer.get(name, start + _FOREVER)
    return round(when - start, 2)


async def flooded(scale: Scale, running: Site, habits: Habits) -> list[Finding]:
    """Send all that the server takes while a hook waits, and see where it is held."""
    before = (await running.reading()).memory
    client, key = await _begin(running, "none", _FLOODED)
    most = _LITTLE if habits.key in _NO_PAUSE else scale.slow_hook_flood
    sent = await _flood(client, most)
    grown = round(((await running.reading()).memory - before) / _MIB, 1)
    handled = (await told(running, key)).get("handled", 0)
    left = time.monotonic()
    client.reset()
    end = await told_when(running, key, _closed)
    noticed = _since(end, "noticed", left)
    findings = [
        documented(NAME, habits.key, "flood: MiB taken off the client, the kernel's buffers included", sent),
        equal(NAME, habits.key, "flood: messages handled meanwhile", handled),
        equal(NAME, habits.key, "flood: on_close called", int(_closed(end)), 1),
        # What the client sent stands before its end, and nobody reads on while the inbox is full.
        documented(NAME, habits.key, f"flood: its end noticed after, s, of a hook of {_FLOODED:g} s", noticed),
    ]
    if habits.key in _NO_PAUSE:
        return [*findings, documented(NAME, habits.key, "flood: memory grew by, MiB: the server reads on", grown)]
    return [
        *findings,
        at_most(NAME, habits.key, "flood: MiB sent before TCP stopped the client", sent, _KERNEL + _MARGIN),
        at_most(NAME, habits.key, "flood: memory grew by, MiB", grown, _MARGIN),
    ]


async def _flood(client: RawClient, count: int) -> float:
    """Write until nothing more is taken, at most so many messages; give how many MiB were taken."""
    data = frame(TEXT, _FILLER)
    taken = 0
    # Past the transport, which would take all and keep it.
    with client.socket.dup() as sock:
        sock.setblocking(False)
        for _ in range(count):
            at = 0
            last = time.monotonic()
            while at < len(data) and time.monotonic() - last < _STALLED:
                try:
                    at += sock.send(data[at:])
                    last = time.monotonic()
                except BlockingIOError:
                    await asyncio.sleep(0.01)
            taken += at
            if at < len(data):
                break
            await asyncio.sleep(0)
    return round(taken / _MIB, 1)
