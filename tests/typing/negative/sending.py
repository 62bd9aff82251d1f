"""send() misused; and what the codes say that ask for an await."""

import asyncio

from typing_extensions import override

from django_ws import WebSocketHandler


class Sender(WebSocketHandler[str, str]):
    @override
    async def on_message(self, data: str) -> None:
        # Sending without await is part of the contract; mypy's unused-awaitable, off by default, is against it.
        self.send(data)  # E[mypy]
        sent: bool = self.send(data)  # E
        del sent


class Overridden(WebSocketHandler[str, str]):
    """A send that is a coroutine must be awaited: only then does anything happen."""

    @override
    async def send(self, message: str, /) -> bool:
        return await super().send(message)

    @override
    async def on_message(self, data: str) -> None:
        self.send(data)  # E


class Narrower(WebSocketHandler[str, str]):
    @override
    async def send(self, message: bool, /) -> bool:  # E
        return message


class OtherResult(WebSocketHandler[str, str]):
    @override
    async def send(self, message: str, /) -> int | None:  # E
        return len(message)


class Synchronous(WebSocketHandler[str, str]):
    @override
    def send(self, message: str, /) -> bool:  # E
        return bool(message)


async def not_a_coroutine(ws: WebSocketHandler[str, str]) -> None:
    """What send gives may be awaited, but makes no task."""
    task: asyncio.Task[bool] = asyncio.create_task(ws.send("a"))  # E
    await task
