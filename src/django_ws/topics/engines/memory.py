"""The engine within one process: for development, tests, and a site that is one process."""

import asyncio
from collections import deque
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING, Final, final

from django_ws.topics.engines.options import no_options

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django_ws.interfaces import ChannelMessage

__all__ = ["MemoryBroker", "MemoryLink"]

_BATCH: Final = 100
"""Messages that are given at once."""


@final
class MemoryBroker:
    """Carries events between the threads and event loops of this process, and to no other.

    Args:
        location: Stays empty.
        options: None are known.
    """

    max_payload: "int | None" = None
    """Bytes that one payload may have: ``None``, for nothing is too big."""

    def __init__(self, location: str, options: "Mapping[str, object]") -> None:
        del location
        no_options(options)
        self._lock: Lock = Lock()
        self._links: list[MemoryLink] = []

    def publish(self, messages: "Sequence[ChannelMessage]", /) -> None:
        """Publish; it does not wait for anything."""
        # Under the lock, so that all links see the messages of all threads in one order.
        with self._lock:
            dead = [link for link in self._links if not link.put(messages)]
            for link in dead:
                self._links.remove(link)

    async def apublish(self, messages: "Sequence[ChannelMessage]", /) -> None:
        """Publish."""
        self.publish(messages)

    async def connect(self) -> "MemoryLink":
        """Make a link."""
        link = MemoryLink(self)
        with self._lock:
            self._links.append(link)
        return link

    def close(self) -> None:
        """Forget the links."""
        with self._lock:
            self._links.clear()

    def forget(self, link: "MemoryLink", /) -> None:
        """Give a link nothing more."""
        with self._lock, suppress(ValueError):
            self._links.remove(link)


@final
class MemoryLink:
    """The link of one event loop.

    Args:
        broker: Where it belongs.
    """

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker: MemoryBroker = broker
        self._loop: asyncio.AbstractEventLoop = asyncio.get_running_loop()
        self._wake: asyncio.Event = asyncio.Event()
        self._channels: set[str] = set()
        self._messages: deque[ChannelMessage] = deque()

    async def subscribe(self, channels: "Sequence[str]", /) -> None:
        """Take the messages of these channels from now on."""
        self._channels.update(channels)

    async def unsubscribe(self, channels: "Sequence[str]", /) -> None:
        """Take them no more."""
        self._channels.difference_update(channels)

    async def publish(self, messages: "Sequence[ChannelMessage]", /) -> None:
        """Publish."""
        self._broker.publish(messages)

    async def receive(self) -> "Sequence[ChannelMessage]":
        """Wait for messages."""
        while not self._messages:
            self._wake.clear()
            if not self._messages:
                await self._wake.wait()
        waiting = self._messages
        return [waiting.popleft() for _ in range(min(len(waiting), _BATCH))]

    async def close(self) -> None:
        """Take nothing more."""
        self._broker.forget(self)

    @property
    def is_alive(self) -> bool:
        """Whether its event loop can still hear."""
        return not self._loop.is_closed()

    def put(self, messages: "Sequence[ChannelMessage]", /) -> bool:
        """Take messages from any thread; called by the broker, which lets one thread in at a time.

        Returns:
            Whether the event loop of this link can still hear.
        """
        taken = [message for message in messages if message[0] in self._channels]
        if taken:
            self._messages.extend(taken)
            try:
                self._loop.call_soon_threadsafe(self._wake.set)
            except RuntimeError:  # it has been closed in the meantime
                return False
        return self.is_alive
