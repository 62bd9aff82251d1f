"""A server with a store: what is asked of both, and what was found there."""

import asyncio
from dataclasses import dataclass, field
from typing import Final

from django_ws.conf import WebSocketSettings
from resilience.findings import Finding, at_least, at_most, equal
from resilience.scale import Scale
from resilience.scenarios.asking import Asker
from resilience.scenarios.stores import Store
from resilience.site.reading import Reading
from resilience.sites import Site

__all__ = ["LANES", "NAME", "Place", "Sampled"]

NAME: Final = "database"
"""Of the scenario."""

LANES: Final = WebSocketSettings().sync_lanes
"""Threads for sync code, and so connections, that there may be."""

SECONDS: Final = 5.0
"""How long a connection that is to go is waited for."""


@dataclass
class Place:
    """A server with a store, and what was found there."""

    site: Site
    store: Store
    scale: Scale
    findings: list[Finding] = field(default_factory=list)
    faults: int = 0
    """How many were injected."""

    @property
    def where(self) -> str:
        return f"{self.site.habits.key}, {self.store.key}"

    def equal(self, what: str, measured: float, expected: float = 0) -> None:
        self.findings.append(equal(NAME, self.where, what, measured, expected))

    def at_most(self, what: str, measured: float, most: float) -> None:
        self.findings.append(at_most(NAME, self.where, what, measured, most))

    def at_least(self, what: str, measured: float, least: float) -> None:
        self.findings.append(at_least(NAME, self.where, what, measured, least))

    async def reading(self) -> Reading:
        return await self.site.reading()

    async def connections(self, alias: str, pid: int, expected: int | None = None) -> int:
        """Count the connections; wait until there are as many as expected, but not for ever."""
        deadline = asyncio.get_running_loop().time() + SECONDS
        while True:
            number = await asyncio.to_thread(self.store.connections, alias, pid)
            if expected in (None, number) or asyncio.get_running_loop().time() > deadline:
                return number
            await asyncio.sleep(0.02)

    async def numbers(self, alias: str, asker: Asker) -> list[int]:
        """Give the committed rows of a socket."""
        return await asyncio.to_thread(self.store.numbers, alias, asker.name)


class Sampled:
    """Counts the connections again and again, in the background.

    Args:
        place: Where.
        alias: The database.
        pid: The server's process.
    """

    def __init__(self, place: Place, alias: str, pid: int) -> None:
        self._place: Place = place
        self._alias: str = alias
        self._pid: int = pid
        self.most: int = 0
        """The highest count."""

    async def __aenter__(self) -> None:
        self._task: asyncio.Task[None] = asyncio.create_task(self._sample())

    async def __aexit__(self, *exc_info: object) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])
        if not self._task.cancelled():
            self._task.result()

    async def _sample(self) -> None:
        while True:
            self.most = max(self.most, await self._place.connections(self._alias, self._pid))
            await asyncio.sleep(0.02)
