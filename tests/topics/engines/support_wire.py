"""What stands at the end of a wire to a Valkey, in tests."""

import asyncio
from typing import Any

from django_ws.exceptions import BrokerError
from django_ws.topics.engines.valkey_config import ValkeyConfig
from django_ws.topics.engines.valkey_ends import Asking, Hearing
from django_ws.topics.engines.valkey_wire import Wire
from topics.engines.support_valkey import FakeConnection

QUIET: dict[str, object] = {"HEALTH_INTERVAL": 3600, "TIMEOUT": 3600}
HASTY: dict[str, object] = {"HEALTH_INTERVAL": 0.001, "TIMEOUT": 0.001}


class Ends:
    """What a wire reports."""

    def __init__(self) -> None:
        self.errors: list[BrokerError] = []
        self.messages: list[tuple[bytes, bytes]] = []
        self.room = asyncio.Event()
        self.room.set()
        self.told = asyncio.Event()
        self.wires: list[Wire] = []

    def on_error(self, error: BrokerError) -> None:
        self.errors.append(error)
        self.told.set()

    def on_message(self, name: bytes, payload: bytes) -> None:
        self.messages.append((name, payload))
        self.told.set()

    async def wait(self) -> None:
        async with asyncio.timeout(30):
            await self.told.wait()
        self.told.clear()

    def asking(self, connection: FakeConnection, options: dict[str, object] = QUIET) -> Asking:
        wire = Asking(connection, ValkeyConfig.read("redis://", options), self.on_error)
        self.wires.append(wire)
        return wire

    def hearing(self, connection: FakeConnection, options: dict[str, object] = QUIET) -> Hearing:
        config = ValkeyConfig.read("redis://", options)
        wire = Hearing(connection, config, self.on_error, self.room, self.on_message)
        self.wires.append(wire)
        return wire


def put(connection: FakeConnection, *replies: Any) -> None:
    for reply in replies:
        connection.replies.put_nowait(reply)


async def turn() -> None:
    """Let every task that can run do so."""
    for _ in range(10):
        await asyncio.sleep(0)
