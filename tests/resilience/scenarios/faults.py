"""Faults of clients, of the network and of the project's own code, over real servers: what is left of them is nothing.

A seeded generator draws them (:mod:`resilience.injections`), many at once, beside a healthy socket that echoes. At
the end the ledger of the process and the server's output are held to what was injected.
"""

import asyncio
import contextlib
import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from resilience.findings import Finding, all_hold, documented, equal
from resilience.injections import NO_CLOSE_FRAME, Injection, can_vanish, expect, inject, plan
from resilience.logs import OWN, Log, parse
from resilience.progress import Progress
from resilience.scale import Scale
from resilience.scenarios.each import on_each
from resilience.site.reading import Reading
from resilience.sites import Site, site
from servers.habits import Habits
from servers.raw import TEXT, RawClient

__all__ = ["Outcome", "judge", "run", "storm"]

NAME: Final = "faults"

KILLED: Final = 20
"""Sockets of one client process that is killed."""
KILLED_SHARE: Final = 0.1
"""Of all faults."""
KILLED_PLACES: Final = ("idle", "open", "message", "task", "sending")

LOSES_CLOSE_FRAMES: Final = frozenset({"daphne"})
"""Servers that now and then, on a busy machine, take a close from the application and end TCP without its frame.

daphne gives the client until the next whole second of the clock to answer a close frame, be that a millisecond, and
then drops the connection with all that is not yet written. A bare application shows it too. It hides nothing of
ours: where the application sends no close, daphne leaves the connection open, and the client says that instead.
"""

EXAMPLES: Final = 3
"""Of each thing that is wrong, how many are noted."""

_DOOMED: Final = Path(__file__).parents[1] / "doomed.py"


@dataclass(slots=True)
class Outcome:
    """What a storm of faults came to, as far as its clients know."""

    injected: int = 0
    expected: Counter[str] = field(default_factory=Counter)
    """The keys of the faults that had to be raised."""
    cancelled: int = 0
    """How many hooks outlived their clients."""
    wrong: list[str] = field(default_factory=list)
    """What a client saw and should not have seen."""
    echoes: int = 0
    """Of the healthy socket beside."""
    unclosed: int = 0
    """How many connections a server of :data:`LOSES_CLOSE_FRAMES` ended without the close frame that it was given."""
    offset: int = 0
    """Where the server's output began."""

    def add(self, injection: Injection, habits: Habits, wrong: str) -> None:
        """Note one fault, and what its client saw and should not have seen."""
        if NO_CLOSE_FRAME in wrong and habits.key in LOSES_CLOSE_FRAMES:
            self.unclosed += 1
        elif wrong:
            self.wrong.append(wrong)
        self.injected += 1
        self.expected.update(injection.faults)
        self.cancelled += injection.is_cancelled


async def run(scale: Scale, progress: Progress, servers: Sequence[Habits]) -> list[Finding]:
    """Do it on each server."""

    async def on_one(habits: Habits) -> list[Finding]:
        with site(habits) as running:
            # One of each kind first: what a process makes once and keeps is no leak.
            await storm(running, scale, Progress(), 80, "warm-up")
            base = await rested(running)
            outcome = await storm(running, scale, progress, scale.faults_per_server)
            now = await running.settled(base)
            return judge(NAME, running, base, now, outcome, progress)

    progress.begin(f"{NAME}: {len(servers)} servers", scale.faults_per_server * len(servers))
    return await on_each(servers, scale.servers_at_once, on_one)


async def rested(running: Site) -> Reading:
    """Give the reading to which later ones are compared, when the process has come to rest."""
    first = await running.reading()
    return await running.settled(first, 10)


async def storm(running: Site, scale: Scale, progress: Progress, count: int, prefix: str = "fault") -> Outcome:
    """Inject ``count`` faults, a number of them side by side."""
    chance = random.Random(f"{scale.seed} {running.habits.key} {prefix}")
    killed = int(count * KILLED_SHARE)
    injections = plan(count - killed, chance, prefix, vanish=can_vanish())
    outcome = Outcome(offset=running.log.stat().st_size)
    kept: list[RawClient] = []
    rest = iter(injections)
    async with neighbour(running, outcome), asyncio.TaskGroup() as group:
        for _ in range(scale.faults_at_once):
            _ = group.create_task(some(running, rest, outcome, kept, progress))
        _ = group.create_task(kill(running, killed, chance, prefix, outcome, progress))
    for client in kept:
        client.reset()
        await client.leave()
    return outcome


async def some(
    running: Site, injections: Iterator[Injection], outcome: Outcome, kept: list[RawClient], progress: Progress
) -> None:
    """Inject one after the other."""
    for injection in injections:
        outcome.add(injection, running.habits, await inject(running, injection, kept))
        progress.advance()


async def kill(
    running: Site, count: int, chance: random.Random, prefix: str, outcome: Outcome, progress: Progress
) -> None:
    """Kill client processes with sockets open."""
    for first in range(0, count, KILLED):
        places = [chance.choice(KILLED_PLACES) for _ in range(min(KILLED, count - first))]
        arguments = [f"{prefix}-killed-{first + number}:{place}" for number, place in enumerate(places)]
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-S",
            str(_DOOMED),
            str(running.port),
            *arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        try:
            async with asyncio.timeout(60):
                if await process.stdout.readline() != b"held\n":
                    outcome.wrong.append(f"a client process could not open its sockets: {arguments}")
        finally:
            process.kill()
            await process.wait()
        outcome.injected += len(places)
        outcome.cancelled += sum(place in {"open", "message"} for place in places)
        progress.advance(len(places))


@contextlib.asynccontextmanager
async def neighbour(running: Site, outcome: Outcome) -> AsyncIterator[None]:
    """Echo on a healthy socket all the while."""
    client = await RawClient.open(running.port, "/echo/")
    assert (await client.answer()).status == 101
    stop = asyncio.Event()

    async def echo() -> None:
        while not stop.is_set():
            text = str(outcome.echoes).encode()
            client.send(TEXT, text)
            await asyncio.wait_for(expect(client, text), 60)
            outcome.echoes += 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), 0.02)

    echoing = asyncio.create_task(echo())
    try:
        yield
    finally:
        stop.set()
        try:
            await echoing
        except (OSError, EOFError, TimeoutError) as error:
            outcome.wrong.append(f"the healthy socket broke: {error!r}")
        await client.farewell()


def raised(running: Site, prefix: str = "fault") -> Counter[str]:
    """Give the keys of the faults that were raised in the server, from its journal."""
    lines = running.journal.read_text(encoding="utf-8").splitlines()
    return Counter(key for line in lines if (key := str(json.loads(line)["id"])).startswith(f"{prefix}-"))


def judge(name: str, running: Site, base: Reading, now: Reading, outcome: Outcome, progress: Progress) -> list[Finding]:
    """Hold what is left, and what was logged, to what was injected; examples of what is wrong are noted."""
    where = running.habits.key
    # Several workers have the key of the server, and their number.
    server = where.partition(" ")[0]
    log = parse(running.output(outcome.offset), server)
    came = raised(running)
    findings = [
        documented(name, where, "faults injected", outcome.injected),
        documented(name, where, "of them raised by the project's code", came.total()),
        equal(name, where, "on_open without on_close", now.opened - now.closed),
        equal(name, where, "connections not ended", now.begun - now.ended + now.connections),
        equal(name, where, "handlers left in memory", now.handlers),
        equal(name, where, "asyncio tasks over base", max(0, now.tasks - base.tasks)),
        equal(name, where, "file descriptors over base", max(0, now.descriptors - base.descriptors)),
        equal(name, where, "faults that had to be raised and were not", (outcome.expected - came).total()),
        equal(name, where, "raised faults without exactly one log record", len(unlike(log, came))),
        equal(name, where, "log records beyond one for each fault", beyond(log, came, outcome)),
        equal(name, where, "tracebacks that name anything else", len(log.foreign)),
        equal(name, where, "clients that saw what they should not", len(outcome.wrong)),
    ]
    if running.habits.key in LOSES_CLOSE_FRAMES:
        findings.append(documented(name, where, "close frames that the server was given and lost", outcome.unclosed))
    if server in OWN:
        findings.append(documented(name, where, "tracebacks of the server's own fault", log.own))
    if not all_hold(findings):
        progress.note(f"{where}: {base}, then {now}")
        examples = [*outcome.wrong[:EXAMPLES], *log.foreign[:EXAMPLES], *unlike(log, came)[:EXAMPLES], str(log.records)]
        for example in examples:
            progress.note(f"{where}: {example}")
    return findings


def unlike(log: Log, came: Counter[str]) -> list[str]:
    """Give the keys whose number of tracebacks is not one."""
    return [key for key in came.keys() | log.faults.keys() if not came[key] == log.faults[key] == 1]


def beyond(log: Log, came: Counter[str], outcome: Outcome) -> int:
    """Count the records that no fault and no cancelled hook accounts for, and those of these that are missing."""
    cancelled = sum(count for text, count in log.records.items() if "a hook was still running" in text)
    others = log.records.total() - log.errors - cancelled
    return abs(log.errors - came.total()) + abs(cancelled - outcome.cancelled) + others
