"""Fakes of the joints of topics: an engine that breaks when it is told to, a member that keeps what it hears."""

import asyncio
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Generic, Self

from typing_extensions import TypeVar, override

from django_ws.exceptions import BrokerError, PayloadTooBigError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence

    from django_ws.interfaces import ChannelMessage, Codec, Data, Member, TopicDelivery

__all__ = ["FakeBroker", "FakeDelivery", "FakeLink", "FakeMember", "FakeTopic"]

EventT = TypeVar("EventT", default=Any)


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


class FakeMember:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.deliveries: list[TopicDelivery] = []
        # A topic of any events.
        self.gaps: list[Any] = []
        """The topics of which events may have been lost."""
        self._told: asyncio.Event = asyncio.Event()

    # Events have types that only their topics know.
    @property
    def events(self) -> list[Any]:
        """The events that came."""
        return [delivery.event for delivery in self.deliveries]

    def ws_deliver(self, delivery: "TopicDelivery", /) -> None:
        """Keep it."""
        self.deliveries.append(delivery)
        self._told.set()

    # See gaps.
    def ws_gap(self, topic: Any, /) -> None:
        """Keep it."""
        self.gaps.append(topic)
        self._told.set()

    async def wait(self, events: int = 0, gaps: int = 0, seconds: float = 5.0) -> None:
        """Wait until so many events and gaps have come.

        Raises:
            TimeoutError: They have not.
        """
        async with asyncio.timeout(seconds):
            while len(self.deliveries) < events or len(self.gaps) < gaps:
                self._told.clear()
                await self._told.wait()


class FakeDelivery(Generic[EventT]):
    """One event, without an engine.

    Args:
        event: It.
        topic: Where it came from.
    """

    # The topic may be anything, in a test.
    def __init__(self, event: EventT, topic: Any = None) -> None:
        self.event: EventT = event
        self.topic: Any = topic

    # A codec's types are those of the handler that has it.
    def encoded(self, codec: "Codec[Any, Any]", /) -> "Data":
        """Encode it."""
        return codec.encode(self.event)


class FakeTopic(Generic[EventT]):
    """A topic without an engine: a test tells its members of events itself; a membership of its own, too."""

    type_of_events: object = Any

    def __init__(self) -> None:
        self.members: list[Member] = []

    @classmethod
    def event_type(cls) -> object:
        """Give the type of the events."""
        return cls.type_of_events

    # What a socket compares.
    @property
    def topic(self) -> Any:
        """The topic itself."""
        return self

    async def join(self, member: "Member", /) -> "FakeTopic[EventT]":
        """Take ``member`` in."""
        if member not in self.members:
            self.members.append(member)
        return self

    def leave(self, member: "Member", /) -> None:
        """Let it go."""
        if member in self.members:
            self.members.remove(member)

    def tell(self, event: EventT, /) -> None:
        """Tell every member of an event."""
        for member in list(self.members):
            member.ws_deliver(FakeDelivery(event, self))

    def tell_gap(self) -> None:
        """Tell every member of a gap."""
        for member in list(self.members):
            member.ws_gap(self)

    @asynccontextmanager
    async def listen(self, *, max_pending: int = 1000) -> "AsyncGenerator[AsyncIterator[EventT]]":
        """Hear of the events as an async iterator."""
        del max_pending
        member = _Queueing()
        await self.join(member)
        try:
            yield member
        finally:
            self.leave(member)


class _Queueing(FakeMember):
    """Gives the events as an iterator."""

    # Events have types that only their topics know.
    def __init__(self) -> None:
        super().__init__()
        self._queue: asyncio.Queue[Any] = asyncio.Queue()

    @override
    def ws_deliver(self, delivery: "TopicDelivery", /) -> None:
        super().ws_deliver(delivery)
        self._queue.put_nowait(delivery.event)

    def __aiter__(self) -> Self:
        return self

    # See __init__.
    async def __anext__(self) -> Any:
        return await self._queue.get()
