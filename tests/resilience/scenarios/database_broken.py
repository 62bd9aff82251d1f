"""Connections that PostgreSQL breaks: each is replaced at its next use, as Django promises."""

import asyncio
from typing import Final

from resilience.scenarios.asking import AT_ONCE, Asker, askers, gather
from resilience.scenarios.database_place import LANES, Place
from resilience.scenarios.stores import CHECKED, CLOSED, KEPT

__all__ = ["broken"]

BREAKS: Final = 3
"""How often all connections are broken under a crowd."""

WAYS: Final = ("async", "sync", "atomic", "nested", "task")
"""How a crowd uses the database meanwhile."""


async def broken(place: Place) -> None:
    """Break the connections from the store's side."""
    if place.store.break_connections(CLOSED) is None:
        return
    for alias, title, most in (
        (CLOSED, "CONN_MAX_AGE=0", 0),
        (CHECKED, "CONN_MAX_AGE=None with health checks", 0),
        (KEPT, "CONN_MAX_AGE=None", 1),
    ):
        async with askers(place.site.port, alias, 1) as (asker,):
            assert await asker.ask("one", 1) == ""
            await asyncio.to_thread(place.store.break_connections, alias)
            errors = [await asker.ask("one", number) for number in range(2, 5)]
            place.at_most(f"{title}: broken while idle, errors of the next use", int(bool(errors[0])), most)
            place.equal(f"{title}: broken while idle, errors of the uses after that", sum(map(bool, errors[1:])))
            place.equal(f"{title}: broken in use, errors of that use", int(bool(await asker.ask("lose connection"))), 1)
            place.equal(f"{title}: broken in use, errors of the next use", int(bool(await asker.ask("one", 5))))
    await broken_under_load(place)


async def broken_under_load(place: Place) -> None:
    """Break all connections while no lane is ever at rest."""
    number = max(place.scale.database_sockets // 10, 2 * LANES)
    done = False

    async def work(asker: Asker, turn: int) -> int:
        errors = 0
        while not done:
            way = WAYS[turn % len(WAYS)]
            if await asker.ask(way):
                errors += 1
                # An error in a task is logged by django-ws; the others are caught in the hook.
                place.faults += way == "task"
            turn += 1
        return errors

    async with askers(place.site.port, KEPT, number) as crowded:
        working = asyncio.gather(*[work(asker, turn) for turn, asker in enumerate(crowded)])
        lost = 0
        for _ in range(BREAKS):
            await asyncio.sleep(0.2)
            broken_now = await asyncio.to_thread(place.store.break_connections, KEPT)
            assert broken_now is not None
            lost += broken_now
        await asyncio.sleep(0.2)
        done = True
        errors = sum(await working)
        last = await gather([asker.ask("one", 0) for asker in crowded], AT_ONCE)
    place.at_least(f"connections broken under {number} busy sockets", lost, 1)
    place.at_most(f"errors under {number} busy sockets, one for each broken connection", errors, lost)
    place.equal(f"errors of the next use of {number} busy sockets", sum(map(bool, last)))
