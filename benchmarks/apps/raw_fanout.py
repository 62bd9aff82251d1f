"""The ceiling of topics: encode once, then a loop over the sends; with an engine, one subscription a process."""

import asyncio
import json
import os
from typing import TYPE_CHECKING, Final

from benchmarks.apps import BURST, ENGINE

if TYPE_CHECKING:
    from benchmarks.apps import Message, Receive, Scope, Send

__all__ = ["burst", "fanout"]

_CHANNEL: Final = "news"


async def fanout(_scope: "Scope", receive: "Receive", send: "Send") -> None:
    """Send each message to every socket of this route, decoded and encoded."""
    await _engine.start()
    await receive()
    await send({"type": "websocket.accept"})
    _sends[send] = None
    try:
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return
            await _engine.publish(json.dumps(json.loads(message["text"])))
    finally:
        del _sends[send]


async def burst(_scope: "Scope", receive: "Receive", send: "Send") -> None:
    """Send each message to all of them, so many times."""
    await _engine.start()
    await receive()
    await send({"type": "websocket.accept"})
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return
        data = json.loads(message["text"])
        for _ in range(BURST):
            await _engine.publish(json.dumps(data))


_sends: "Final[dict[Send, None]]" = {}


async def _deliver(text: str) -> None:
    event: Message = {"type": "websocket.send", "text": text}
    for send in tuple(_sends):
        await send(event)


class _Alone:
    """No other process."""

    async def start(self) -> None:
        """Have nothing to do."""

    async def publish(self, text: str) -> None:
        """Send to all sockets."""
        await _deliver(text)


class _OverValkey:
    """One connection to publish by, one to hear by, as redis-py's documentation shows it.

    Args:
        url: Where the server is.
    """

    def __init__(self, url: str) -> None:
        from redis.asyncio import Redis  # noqa: PLC0415 - only where there is an engine

        self._client: Redis = Redis.from_url(url)
        self._starting: asyncio.Task[None] | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Subscribe, once."""
        if self._starting is None:
            self._starting = asyncio.create_task(self._start())
        await asyncio.shield(self._starting)

    async def _start(self) -> None:
        pubsub = self._client.pubsub()
        await pubsub.subscribe(_CHANNEL)

        async def hear() -> None:
            async for message in pubsub.listen():
                if message["type"] == "message":
                    await _deliver(message["data"].decode())

        self._task = asyncio.create_task(hear())

    async def publish(self, text: str) -> None:
        """Send to all sockets of all processes."""
        await self._client.publish(_CHANNEL, text)


_engine: Final = _OverValkey(os.environ[ENGINE]) if os.environ.get(ENGINE) else _Alone()
