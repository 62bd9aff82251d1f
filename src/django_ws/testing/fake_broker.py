"""A fake engine of topics, which breaks when it is told to."""

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from django_ws.exceptions import BrokerError, PayloadTooBigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django_ws.interfaces import ChannelMessage

__all__ = ["FakeBroker", "FakeLink"]


class FakeBroker:
    """An engine within one event loop, which can be taken away and brought back.

    Args:
        location: Kept, and not used.
        options: Kept, and not used.
        max_payload: Bytes that one payload may have.
    """

    def __init__(
        self, location: str = "", options: "Mapping[str, object] | None" = None, max_payload: int | None = None
    ) -> None:
        self.location: str = location
        self.options: Mapping[str, object] = options or {}
        self.max_payload: int | None = max_payload
        self.published: list[ChannelMessage] = []
        """What was published, by whichever way."""
        self.links: list[FakeLink] = []
        """The links that are open, oldest first."""
        self.is_down: bool = False
        """Whether it is away: nobody can connect or publish."""
        self.is_closed: bool = False

    def publish(self, messages: "Sequence[ChannelMessage]", /) -> None:
        """Publish.

        Raises:
            BrokerError: It is down.
            PayloadTooBigError: One is too big.
        """
        if self.is_down:
            raise BrokerError("the fake broker is down")
        for _, payload in messages:
            if self.max_payload is not None and len(payload) > self.max_payload:
                raise PayloadTooBigError(f"a payload has {len(payload)} bytes, more than {self.max_payload}")
        self.published.extend(messages)
        for link in self.links:
            link.put([message for message in messages if message[0] in link.channels])

    async def apublish(self, messages: "Sequence[ChannelMessage]", /) -> None:
        """Publish.

        Raises:
            BrokerError: It is down.
            PayloadTooBigError: One is too big.
        """
        self.publish(messages)

    async def connect(self) -> "FakeLink":
        """Make a link.

        Raises:
            BrokerError: It is down.
        """
        if self.is_down:
            raise BrokerError("the fake broker is down")
        link = FakeLink(self)
        self.links.append(link)
        return link

    def close(self) -> None:
        """Take note of it."""
        self.is_closed = True

    def go_down(self) -> None:
        """Break every link, and let nobody in until :meth:`come_back`."""
        self.is_down = True
        for link in self.links:
            link.fail()

    def come_back(self) -> None:
        """Let everybody in again."""
        self.is_down = False


class FakeLink:
    """One link of a :class:`FakeBroker`.

    Args:
        broker: Where it belongs.
    """

    def __init__(self, broker: FakeBroker) -> None:
        self.channels: set[str] = set()
        """What is subscribed to."""
        self.commands: list[tuple[str, list[str]]] = []
        """``("subscribe", channels)`` and ``("unsubscribe", channels)``, in order; each list sorted."""
        self.gate: asyncio.Event = asyncio.Event()
        """Cleared by a test, it holds up what is subscribed to next."""
        self.gate.set()
        self._broker: FakeBroker = broker
        self._messages: deque[ChannelMessage] = deque()
        self._wake: asyncio.Event = asyncio.Event()
        self._is_broken: bool = False

    async def subscribe(self, channels: "Sequence[str]", /) -> None:
        """Take the messages of these channels, once the gate is open.

        Raises:
            BrokerError: The link is broken.
        """
        self.commands.append(("subscribe", sorted(channels)))
        await self.gate.wait()
        self._check()
        self.channels.update(channels)

    async def unsubscribe(self, channels: "Sequence[str]", /) -> None:
        """Take them no more.

        Raises:
            BrokerError: The link is broken.
        """
        self.commands.append(("unsubscribe", sorted(channels)))
        self._check()
        self.channels.difference_update(channels)

    async def publish(self, messages: "Sequence[ChannelMessage]", /) -> None:
        """Publish.

        Raises:
            BrokerError: The link is broken.
        """
        self._check()
        self._broker.publish(messages)

    async def receive(self) -> "Sequence[ChannelMessage]":
        """Wait for messages.

        Raises:
            BrokerError: The link is broken.
        """
        await self._wake.wait()
        self._check()
        self._wake.clear()
        messages = list(self._messages)
        self._messages.clear()
        return messages

    async def close(self) -> None:
        """Take nothing more."""
        if self in self._broker.links:
            self._broker.links.remove(self)

    def put(self, messages: "Sequence[ChannelMessage]", /) -> None:
        """Give it messages, whatever it has subscribed to."""
        if messages:
            self._messages.extend(messages)
            self._wake.set()

    def fail(self) -> None:
        """Break it."""
        self._is_broken = True
        self._wake.set()
        self.gate.set()

    def _check(self) -> None:
        if self._is_broken:
            raise BrokerError("the fake link is broken")
