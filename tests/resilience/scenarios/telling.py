"""Asks the server's process what a socket of ``site/slow.py`` has told of itself."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from resilience.sites import Site
from servers.raw import TEXT, RawClient

__all__ = ["Told", "told", "told_when"]

# Names and figures, as JSON gives them.
Told: TypeAlias = dict[str, Any]

_PATIENCE: Final = 30.0


async def told(running: Site, key: str) -> Told:
    """Ask once."""
    client = await RawClient.open(running.port, "/slow/told/")
    try:
        async with asyncio.timeout(_PATIENCE):
            await client.answer()
            client.send(TEXT, json.dumps(key).encode())
            answer: Told = json.loads((await client.receive())[1])
            await client.farewell()
    finally:
        await client.leave()
    return answer


async def told_when(running: Site, key: str, condition: Callable[[Told], bool], seconds: float = _PATIENCE) -> Told:
    """Ask until the condition holds, and give the last answer, whether it does or not."""
    deadline = time.monotonic() + seconds
    while not condition(answer := await told(running, key)) and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
    return answer
