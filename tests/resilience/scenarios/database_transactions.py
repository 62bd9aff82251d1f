"""Transactions that a fault or a reset leaves behind: none is half done, and the sockets beside it notice nothing."""

import asyncio
from typing import Final

from resilience.scenarios.asking import Asker, askers
from resilience.scenarios.database_place import LANES, Place
from resilience.scenarios.stores import KEPT

__all__ = ["left_atomic", "transactions"]

NUMBER: Final = 7
"""Of the rows that a fault is to take back."""

FAULTS: Final = (
    ("fail atomically", "a fault inside of atomic()"),
    ("leave uncommitted", "a fault between set_autocommit(False) and commit()"),
)
"""Ways of the site, and what they do; each ends its socket."""

LEFT: Final = ("leave atomic", "a fault between atomic().__enter__() and __exit__()")
"""The same, against Django's advice: under Django's own ASGI handler it spoils no other request."""


async def transactions(place: Place) -> None:
    """Leave transactions behind, on a lane that others use; connections are kept, and so is what is left on them."""
    # One on each lane: a new socket takes the lane with the fewest.
    async with askers(place.site.port, KEPT, LANES) as bystanders:
        await _reset(place)
        for number, (way, title) in enumerate(FAULTS, start=1):
            await _fault(place, way, title, bystanders, number)


async def left_atomic(place: Place) -> None:
    """Leave a block of ``atomic`` that was entered by hand."""
    async with askers(place.site.port, KEPT, LANES) as bystanders:
        await _fault(place, *LEFT, bystanders, 1)


async def _fault(place: Place, way: str, title: str, bystanders: list[Asker], number: int) -> None:
    async with askers(place.site.port, KEPT, 1) as (asker,):
        asker.say(way, NUMBER)
        code = await asker.close_code()
        await _gone(place)
    place.faults += 1
    place.equal(f"{title}: close code", code, 1011 if place.site.habits.any_close_code else 4011)
    place.equal(f"{title}: its rows", (await place.numbers(KEPT, asker)).count(NUMBER))
    errors, missing = await _use(place, bystanders, number)
    place.equal(f"{title}: errors of a socket on each lane", errors)
    place.equal(f"{title}: rows of these that nobody else sees", missing)


async def _use(place: Place, bystanders: list[Asker], number: int) -> tuple[int, int]:
    errors = missing = 0
    for asker in bystanders:
        error = await asker.ask("one", number)
        errors += bool(error)
        missing += not error and number not in await place.numbers(KEPT, asker)
    return errors, missing


async def _reset(place: Place) -> None:
    """Have a client reset its connection while its transaction is being written, in a thread that nobody can stop."""
    asker = await Asker.open(place.site.port, KEPT)
    asker.say("slowly", NUMBER)
    # It may have begun by then or not.
    await asyncio.sleep(0.1)
    asker.client.reset()
    await _gone(place)
    number = (await place.numbers(KEPT, asker)).count(NUMBER)
    place.equal("a reset inside of atomic(): transactions that are half done", number % 2)


async def _gone(place: Place) -> None:
    """Wait until no more than the bystanders are left."""
    reading = await asyncio.to_thread(place.site.read)
    deadline = asyncio.get_running_loop().time() + 20
    while reading.begun - reading.ended > LANES and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(0.02)
        reading = await asyncio.to_thread(place.site.read)
