"""Fakes of what is around a topic: a member that keeps what it hears, an event, a topic without an engine."""

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Generic, Self

from typing_extensions import TypeVar, override

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Generator
    from contextvars import Context

    from django_ws.interfaces import Codec, Data, Member, TopicDelivery
    from django_ws.testing.fake_connection import FakeConnection

__all__ = ["FakeDelivery", "FakeFrame", "FakeMember", "FakeSocketMember", "FakeTopic"]

EventT = TypeVar("EventT", default=Any)


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

        Args:
            events: How many events.
            gaps: How many gaps.
            seconds: How long, in seconds.

        Raises:
            TimeoutError: They have not.
        """
        async with asyncio.timeout(seconds):
            while len(self.deliveries) < events or len(self.gaps) < gaps:
                self._told.clear()
                await self._told.wait()


class FakeFrame:
    """One message for many connections.

    Args:
        data: It.
    """

    def __init__(self, data: "Data") -> None:
        self.data: Data = data
        """The message."""
        self.made: object = None
        """What the first connection has made of it."""


class FakeSocketMember(FakeMember):
    """Keeps what it is told, as a socket that sends the frames of events as they come.

    Args:
        encoder: What makes its frames: of a topic that has the same, it is sent the frame that came.
        outlet: Where these go; ``None``: it is told of them.
    """

    # A codec's types are those of the class that declares it.
    def __init__(self, encoder: "Codec[Any, Any]", outlet: "FakeConnection | None" = None) -> None:
        super().__init__()
        self.ws_encoder: Codec[Any, Any] = encoder
        """What makes its frames."""
        self.ws_outlet: FakeConnection | None = outlet
        """Where these go."""
        self.errors: list[Exception] = []
        """Why frames could not be sent."""
        self.rests: list[Awaitable[None]] = []
        """What waits for its server: to be awaited."""

    def ws_wait(self, first: object, steps: "Generator[object, None, None]", context: "Context", /) -> None:
        """Keep it, and be told of what comes next."""
        if self.ws_outlet is not None:
            self.rests.append(self.ws_outlet.rest_of_send(first, steps, context))
        self.ws_outlet = None

    def ws_failed(self, error: Exception, /) -> None:
        """Keep it."""
        self.errors.append(error)


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
    """What :meth:`event_type` gives."""

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
