from collections import Counter
from collections.abc import Mapping, Sequence

from django_ws.interfaces import ChannelMessage, Link
from django_ws.topics.engines.memory import MemoryBroker

published: Counter[str] = Counter()


class MeasuredBroker:
    """Another engine, and a count of what is published to each channel."""

    def __init__(self, location: str, options: Mapping[str, object]) -> None:
        self._inner = MemoryBroker(location, options)
        self.max_payload: int | None = self._inner.max_payload

    def publish(self, messages: Sequence[ChannelMessage], /) -> None:
        self._inner.publish(messages)
        self._count(messages)

    async def apublish(self, messages: Sequence[ChannelMessage], /) -> None:
        await self._inner.apublish(messages)
        self._count(messages)

    async def connect(self) -> Link:
        return MeasuredLink(self, await self._inner.connect())

    def close(self) -> None:
        self._inner.close()

    def _count(self, messages: Sequence[ChannelMessage]) -> None:
        published.update(channel for channel, _ in messages)


class MeasuredLink:
    """The connection of one event loop; what sockets publish goes by it."""

    def __init__(self, broker: MeasuredBroker, link: Link) -> None:
        self._broker = broker
        self._inner = link

    async def subscribe(self, channels: Sequence[str], /) -> None:
        await self._inner.subscribe(channels)

    async def unsubscribe(self, channels: Sequence[str], /) -> None:
        await self._inner.unsubscribe(channels)

    async def publish(self, messages: Sequence[ChannelMessage], /) -> None:
        await self._broker.apublish(messages)

    async def receive(self) -> Sequence[ChannelMessage]:
        return await self._inner.receive()

    async def close(self) -> None:
        await self._inner.close()
