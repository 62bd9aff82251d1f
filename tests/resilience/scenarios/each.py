"""One scenario on each of the servers, some of them side by side."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence

from resilience.findings import Finding
from servers.habits import Habits

__all__ = ["on_each"]


async def on_each(
    servers: Sequence[Habits], at_once: int, scenario: Callable[[Habits], Awaitable[list[Finding]]]
) -> list[Finding]:
    """Run ``scenario`` on each server.

    Args:
        servers: Which ones.
        at_once: How many side by side.
        scenario: What to do on one.

    Returns:
        All findings, in the order of the servers.
    """
    limit = asyncio.Semaphore(at_once)

    async def on_one(habits: Habits) -> list[Finding]:
        async with limit:
            return await scenario(habits)

    return list(itertools.chain.from_iterable(await asyncio.gather(*map(on_one, servers))))
