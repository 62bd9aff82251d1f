"""An engine that can be killed, has a bound, and makes the mistakes that it is told to make."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import ClassVar

from django_ws.exceptions import BrokerError, PayloadTooBigError
from django_ws.interfaces import ChannelMessage, Link
from django_ws.topics.engines.memory import MemoryBroker, MemoryLink

BACKEND = "testing.brokers_support.StandInBroker"


class StandInBroker:
    """All of one process reach each other, as the clients of an engine do."""

    engine: ClassVar[MemoryBroker] = MemoryBroker("", {})
    links: ClassVar[list["StandInLink"]] = []
    is_down: ClassVar[bool] = False
    mistake: ClassVar[str] = ""
    task: ClassVar[asyncio.Task[object] | None] = None
    max_payload: int | None = 100_000

    def __init__(self, location: str, options: Mapping[str, object]) -> None:
        self.number = 0

    @classmethod
    def kill(cls) -> None:
        cls.is_down = cls.mistake != "survives"
        for link in cls.links if cls.is_down else []:
            link.loop.call_soon_threadsafe(link.broken.set)

    @classmethod
    def start(cls) -> None:
        cls.is_down = False

    def publish(self, messages: Sequence[ChannelMessage], /) -> None:
        if self.is_down:
            raise BrokerError("" if self.mistake == "dumb" else "it is down")
        if self.mistake != "boundless" and any(len(payload) > 100_000 for _, payload in messages):
            raise PayloadTooBigError("too big")
        self.number += 1
        if self.mistake == "reorders":
            messages = messages[::-1]
        if self.mistake == "loses" and self.number % 50 == 0:
            return
        self.engine.publish(messages)
        if self.mistake == "doubles" and self.number % 50 == 0:
            self.engine.publish(messages)

    async def apublish(self, messages: Sequence[ChannelMessage], /) -> None:
        self.publish(messages)

    async def connect(self) -> Link:
        if self.is_down:
            raise BrokerError("it is down")
        await asyncio.sleep(0)
        link = StandInLink(self, await self.engine.connect())
        self.links.append(link)
        return link

    def close(self) -> None:
        pass


class StandInLink:
    def __init__(self, broker: StandInBroker, link: MemoryLink) -> None:
        self.broker = broker
        self.link = link
        self.loop = asyncio.get_running_loop()
        self.broken = asyncio.Event()

    async def subscribe(self, channels: Sequence[str], /) -> None:
        self.check()
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            self.broken.set()
            raise
        await self.link.subscribe(channels)

    async def unsubscribe(self, channels: Sequence[str], /) -> None:
        if self.broker.mistake != "clings":
            await self.link.unsubscribe(channels)

    async def publish(self, messages: Sequence[ChannelMessage], /) -> None:
        self.check()
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            self.broken.set()
            raise
        self.broker.publish(messages)

    async def receive(self) -> Sequence[ChannelMessage]:
        self.check()
        receiving, breaking = asyncio.ensure_future(self.link.receive()), asyncio.ensure_future(self.broken.wait())
        try:
            await asyncio.wait([receiving, breaking], return_when=asyncio.FIRST_COMPLETED)
            self.check()
            return await receiving
        finally:
            receiving.cancel()
            breaking.cancel()

    async def close(self) -> None:
        if self.broker.mistake != "leaks":
            await self.link.close()
        else:
            StandInBroker.task = asyncio.get_running_loop().create_task(asyncio.Event().wait())
        if self in self.broker.links:
            self.broker.links.remove(self)

    def check(self) -> None:
        if self.broken.is_set():
            raise BrokerError("the link is broken")
