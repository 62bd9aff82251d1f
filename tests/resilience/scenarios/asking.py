"""A client that asks a socket to use the database, and waits for its answer."""

import asyncio
import contextlib
import json
import struct
from collections.abc import AsyncIterator, Awaitable, Iterable
from dataclasses import dataclass
from typing import Any, Final, Self, TypeVar
from uuid import uuid4

from servers.raw import CLOSE, PING, PONG, TEXT, RawClient

__all__ = ["Asker", "askers", "gather"]

T = TypeVar("T")

SECONDS: Final = 60.0
"""Within which an answer comes, on a busy machine."""

AT_ONCE: Final = 40
"""Handshakes side by side: daphne's queue of new connections holds 50."""


@dataclass(frozen=True, slots=True)
class Asker:
    """One socket's client."""

    name: str
    """The socket's name: its rows have it."""
    client: RawClient

    @classmethod
    async def open(cls, port: int, route: str) -> Self:
        """Connect to ``/database/<route>/``."""
        name = uuid4().hex
        async with asyncio.timeout(SECONDS):
            client = await RawClient.open(port, f"/database/{route}/?id={name}")
            answer = await client.answer()
        assert answer.status == 101, answer
        return cls(name, client)

    def say(self, way: str, number: int = 0) -> None:
        """Ask for one use of the database, without waiting for the answer."""
        self.client.send(TEXT, json.dumps({"way": way, "number": number}).encode())

    # A message is of any JSON type.
    async def hear(self) -> Any:
        """Wait for an answer.

        Raises:
            ConnectionError: The server closed; its code is the argument.
        """
        async with asyncio.timeout(SECONDS):
            while True:
                opcode, payload = await self.client.receive()
                match opcode:
                    case _ if opcode == PING:
                        self.client.send(PONG, payload)
                    case _ if opcode == CLOSE:
                        raise ConnectionError(struct.unpack("!H", payload[:2])[0])
                    case _:
                        return json.loads(payload)

    async def ask(self, way: str, number: int = 0) -> str:
        """Ask for one use of the database.

        Returns:
            The name of the database error that came of it; empty if none did.
        """
        self.say(way, number)
        answer = await self.hear()
        assert answer["number"] == number, answer
        return str(answer.get("error", ""))

    async def close_code(self) -> int:
        """Wait for the server's close, and give its code."""
        async with asyncio.timeout(SECONDS):
            _, code = await self.client.messages()
        return code

    async def leave(self) -> None:
        """End the connection as a proper client does."""
        async with asyncio.timeout(SECONDS):
            await self.client.farewell()


async def gather(awaitables: Iterable[Awaitable[T]], at_once: int) -> list[T]:
    """Await all, so many at once."""
    gate = asyncio.Semaphore(at_once)

    async def pass_gate(awaitable: Awaitable[T]) -> T:
        async with gate:
            return await awaitable

    return await asyncio.gather(*[pass_gate(awaitable) for awaitable in awaitables])


@contextlib.asynccontextmanager
async def askers(port: int, route: str, number: int) -> AsyncIterator[list[Asker]]:
    """Connect so many clients; at the end of the block they leave."""
    found = await gather([Asker.open(port, route) for _ in range(number)], AT_ONCE)
    yield found
    await gather([asker.leave() for asker in found], AT_ONCE)
