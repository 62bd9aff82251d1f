"""In place of a client of a language model: an async generator of words that takes its time."""

import asyncio
from collections.abc import AsyncGenerator

open_requests: set[str] = set()


async def complete(prompt: str) -> AsyncGenerator[str]:
    open_requests.add(prompt)
    try:
        for word in ("You", "asked:", *prompt.split()):
            await asyncio.sleep(0.2)
            yield word
    finally:
        open_requests.discard(prompt)  # the real one ends its HTTP request here, and costs nothing more
