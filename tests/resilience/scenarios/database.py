"""Database connections: none that is not needed, none that outlives its sockets, none that is broken for long.

Over real servers, on PostgreSQL and on SQLite. Each store has three databases that differ in what Django promises of
their connections: closed when the work is done (``CONN_MAX_AGE = 0``), kept, and kept with health checks.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeAlias

from resilience.findings import Finding, documented
from resilience.progress import Progress
from resilience.scale import Scale
from resilience.scenarios.asking import Asker, askers
from resilience.scenarios.database_broken import broken
from resilience.scenarios.database_place import LANES, NAME, Place, Sampled
from resilience.scenarios.database_transactions import left_atomic, transactions
from resilience.scenarios.postgres import run_postgres
from resilience.scenarios.stores import CLOSED, KEPT, Store, postgres_store, sqlite_store
from resilience.site.reading import Reading
from resilience.sites import site
from servers.habits import Habits
from servers.harness import tracebacks

__all__ = ["PARTS", "Part", "on_server", "run"]

WAYS: Final = ("async", "sync", "atomic", "nested", "task")
"""How a crowd uses the database, each socket in turn."""

HANDSHAKE_ROWS: Final = 2
"""Rows of each socket besides those that were asked for: of ``on_connect``, and of the task of ``on_open``."""

ROWS: Final = 10
"""That a task reads one by one."""

HOPS: Final = 100
"""Messages by which hops are counted."""


Part: TypeAlias = Callable[[Place], Awaitable[None]]
"""One thing that is looked at; it adds its findings."""


async def run(scale: Scale, progress: Progress, servers: Sequence[Habits]) -> list[Finding]:
    """Run everything on both stores, over each server; over the first one alone where it has to be quick."""
    chosen = servers[:1] if scale.name == "quick" else servers
    findings: list[Finding] = []
    with run_postgres() as server:
        for habits in chosen:
            name = habits.key.replace("-", "_")
            for store in (postgres_store(server, name), sqlite_store()):
                with store as opened:
                    findings += await on_server(scale, progress, habits, opened)
    return findings


async def on_server(
    scale: Scale, progress: Progress, habits: Habits, store: Store, parts: Sequence[Part] | None = None
) -> list[Finding]:
    """Run everything, or some parts, over one server."""
    parts = PARTS if parts is None else parts
    with site(habits, database=store.settings(CLOSED), settings={"DATABASES": store.databases}) as running:
        place = Place(running, store, scale)
        progress.begin(f"{NAME}: {place.where}", len(parts))
        place.findings.append(documented(NAME, place.where, "store", store.engine))
        base = await place.reading()
        for part in parts:
            # What one part leaves must not be counted in the next.
            await running.settled(base)
            await part(place)
            progress.advance()
    return place.findings


async def hops(place: Place) -> None:
    """Count how often the code of a socket goes to another thread."""
    async with askers(place.site.port, "plain", 1) as (plain,):
        before = await place.reading()
        for number in range(HOPS):
            assert await plain.ask("none", number) == ""
        after = await place.reading()
    place.equal(f"hops to a thread, {HOPS} messages without the database", _grown("hops", before, after))
    place.equal(f"housekeeping on a lane, {HOPS} messages without the database", _grown("housekeeping", before, after))
    async with askers(place.site.port, CLOSED, 1) as (using,):
        before = await place.reading()
        for number in range(HOPS):
            assert await using.ask("one", number) == ""
        after = await place.reading()
    place.equal(f"hops to a thread, {HOPS} messages with one query", _grown("hops", before, after), HOPS)
    place.at_most(
        f"housekeeping that no message waits for, {HOPS} messages with one query",
        _grown("housekeeping", before, after),
        # The task of on_open may end, and give its use back, after the first reading.
        HOPS + 1,
    )


def _grown(name: str, before: Reading, after: Reading) -> int:
    return after.counts.get(name, 0) - before.counts.get(name, 0)


async def crowd_closed(place: Place) -> None:
    await crowd(place, CLOSED, "CONN_MAX_AGE=0")


async def crowd_kept(place: Place) -> None:
    await crowd(place, KEPT, "CONN_MAX_AGE=None")


async def crowd(place: Place, alias: str, title: str) -> None:
    """Have all sockets use the database at once."""
    scale = place.scale
    base = await place.reading()
    rows = await asyncio.to_thread(place.store.rows, alias)
    sampled = Sampled(place, alias, base.pid)
    async with sampled, askers(place.site.port, alias, scale.database_sockets) as crowded:
        errors = await asyncio.gather(*[use(asker, scale.database_queries, turn) for turn, asker in enumerate(crowded)])
        number = len(crowded)
        place.equal(f"{title}: errors of {number:,} sockets, {scale.database_queries} uses each", sum(errors))
        idle = await place.connections(alias, base.pid, 0 if alias == CLOSED else None)
        what = f"{title}: connections while {number:,} sockets are idle"
        if alias == CLOSED:
            place.equal(what, idle)
        else:
            place.at_most(what, idle, LANES)
    now = await place.site.settled(base)
    most = f"{title}: connections at once, as the store counts them"
    if place.store.counts_exactly:
        place.at_most(most, sampled.most, LANES)
    else:
        place.findings.append(documented(NAME, place.where, f"{most}, some just closed among them", sampled.most))
    place.at_most(
        f"{title}: connections at once, as Django in the server counts them", now.counts[f"peak {alias}"], LANES
    )
    place.equal(f"{title}: connections after the last socket", await place.connections(alias, base.pid, 0))
    place.equal(f"{title}: sockets, handlers and tasks left", _left(base, now))
    place.equal(
        f"{title}: sockets whose sync code saw several threads", _grown("sockets on several threads", base, now)
    )
    place.equal(f"{title}: sockets whose sync code saw one thread", _grown("sockets on one thread", base, now), number)
    written = await asyncio.to_thread(place.store.rows, alias) - rows
    place.equal(f"{title}: rows written", written, number * (scale.database_queries + HANDSHAKE_ROWS))


def _left(base: Reading, now: Reading) -> int:
    tasks = max(now.tasks - base.tasks, 0)
    return (now.begun - now.ended) + (now.opened - now.closed) + (now.handlers - base.handlers) + tasks


async def use(asker: Asker, times: int, turn: int) -> int:
    """Use the database in one way after the other.

    Returns:
        How many of these failed.
    """
    return sum([bool(await asker.ask(WAYS[(turn + time) % len(WAYS)], time + 1)) for time in range(times)])


async def late_task(place: Place) -> None:
    """Have a background task use the database while its socket waits for a message."""
    pid = (await place.reading()).pid
    async with askers(place.site.port, CLOSED, 1) as (asker,):
        assert await asker.ask("late task") == ""
        await asker.hear()
        number = await place.connections(CLOSED, pid, 0)
    place.equal("CONN_MAX_AGE=0: connections of an idle socket, after a task of it used the database", number)


async def iterating_task(place: Place) -> None:
    """Have a background task read rows one by one, while a hook that does not use the database begins and ends."""
    async with askers(place.site.port, CLOSED, 1) as (asker,):
        for number in range(ROWS):
            assert await asker.ask("one", number) == ""
        assert await asker.ask("iterate") == ""
        await asker.hear()
        asker.say("none")
        answers = [await asker.hear(), await asker.hear()]
    (last,) = [answer for answer in answers if answer.get("late")]
    place.equal("CONN_MAX_AGE=0: errors of a task that reads on while a hook ends", int(bool(last["error"])))
    place.equal("CONN_MAX_AGE=0: rows that such a task reads", last["number"], ROWS + HANDSHAKE_ROWS)


async def log(place: Place) -> None:
    """See that nothing was logged but the faults so far."""
    place.equal("tracebacks besides the injected faults", tracebacks(place.site.output()) - place.faults)


PARTS: Final[tuple[Part, ...]] = (
    hops,
    crowd_closed,
    crowd_kept,
    broken,
    transactions,
    log,
    late_task,
    iterating_task,
    left_atomic,
)
"""Everything, in order."""
