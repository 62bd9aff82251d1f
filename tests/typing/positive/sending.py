"""send() with and without await; overridden by an async def."""

# Sending without await is part of the contract. This code of mypy is off by default and asks for an await at every
# awaitable whatsoever; negative/sending.py has what it says.
# mypy: disable-error-code="unused-awaitable"

import asyncio
from collections.abc import Awaitable
from typing import assert_type

from typing_extensions import override

from django_ws import WebSocketHandler


class Sender(WebSocketHandler[str, str]):
    @override
    async def on_message(self, data: str) -> None:
        self.send(data)
        sent = self.send(data)
        assert_type(sent, Awaitable[bool])
        assert_type(await sent, bool)
        assert_type(await self.send(data), bool)
        if not await self.send(data):
            return
        both = await asyncio.gather(self.send("a"), self.send("b"))
        assert_type(both, tuple[bool, bool])
        async with asyncio.timeout(1):
            await self.send("c")
        await asyncio.wait_for(self.send("d"), 1)
        self.start_task("later", self.later)
        self.start_ping()

    async def later(self) -> None:
        await self.send("later")


class Overridden(WebSocketHandler[str, str]):
    """A subclass may make it a coroutine, and so must await it."""

    @override
    async def send(self, message: str, /) -> bool:
        return await super().send(message.upper())

    @override
    async def on_message(self, data: str) -> None:
        assert_type(await self.send(data), bool)


class Plain(WebSocketHandler[str, str]):
    """Or keep it what it is."""

    @override
    def send(self, message: str, /) -> Awaitable[bool]:
        return super().send(message.upper())

    @override
    async def on_message(self, data: str) -> None:
        self.send(data)


class Wider(WebSocketHandler[str, str]):
    """Or take more than it must."""

    @override
    def send(self, message: str | int, /) -> Awaitable[bool]:
        return super().send(str(message))


async def from_outside(ws: WebSocketHandler[str, str]) -> None:
    ws.send("hello")
    await ws.send("hello")
