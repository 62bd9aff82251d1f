"""The joints of topics: who hears of events, and how these come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from typing_extensions import TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator
    from contextlib import AbstractAsyncContextManager
    from contextvars import Context

    from django_ws.aliases import Data
    from django_ws.interfaces.handler import Codec
    from django_ws.interfaces.protocol import Outlet

__all__ = ["Member", "Membership", "SocketMember", "Subscribable", "TopicDelivery"]

EventT_co = TypeVar("EventT_co", covariant=True)


class TopicDelivery(Protocol):
    """One event on its way to the members of a topic in one process."""

    # An event has the type that its topic declares.
    @property
    def event(self) -> Any:
        """The event; shared by all members of the process.

        Raises:
            InvalidMessageError: It cannot be decoded.
        """
        ...

    @property
    def topic(self) -> Any:
        """Where it was published."""
        ...

    # A codec's types are those of the handler that has it.
    def encoded(self, codec: Codec[Any, Any], /) -> Data:
        """Give the event as a frame; made once for each codec.

        Raises:
            InvalidMessageError: It cannot be decoded.
            TypeError, ValueError: The codec does not take it.
        """
        ...


class Member(Protocol):
    """Whoever hears of the events of a topic: a socket, a listener."""

    def ws_deliver(self, delivery: TopicDelivery, /) -> None:
        """Take one event; called in the event loop, in the order of the engine. It must not block."""
        ...

    # A topic of any events.
    def ws_gap(self, topic: Any, /) -> None:
        """Take note that events of the topic may have been lost; those from now on will not be."""
        ...


class SocketMember(Member, Protocol):
    """A :class:`Member` that sends the frame of an event as it came, whenever it has an :attr:`ws_outlet`."""

    # A codec's types are those of the class that declares it.
    @property
    def ws_encoder(self) -> Codec[Any, Any]:
        """What makes its frames; those of a topic with another codec are not for it as they are."""
        ...

    @property
    def ws_outlet(self) -> Outlet | None:
        """Where the frame goes at once; ``None``: tell it by :meth:`ws_deliver`, this time."""
        ...

    def ws_wait(self, first: object, steps: Generator[object, None, None], context: Context, /) -> None:
        """Take over a loop over sends that waits for this member's server; see :meth:`Outlet.rest_of_send`."""
        ...

    def ws_failed(self, error: Exception, /) -> None:
        """Take note that the frame could not be sent."""
        ...


class Membership(Protocol):
    """That one or more members hear of a topic."""

    @property
    def topic(self) -> Any:
        """The topic."""
        ...

    def leave(self, member: Member, /) -> None:
        """Tell ``member`` of nothing more; no-op if it is no member."""
        ...


class Subscribable(Protocol[EventT_co]):
    """Joins topics to the handler: what can be subscribed to."""

    @classmethod
    def event_type(cls) -> object:
        """Give the type of the events."""
        ...

    async def join(self, member: Member, /) -> Membership:
        """Tell ``member`` of every event from now on, until it leaves.

        Raises:
            BrokerError: The engine could not be reached in time.
        """
        ...

    def listen(self, *, max_pending: int = 1000) -> AbstractAsyncContextManager[AsyncIterator[EventT_co]]:
        """Hear of the events as an async iterator.

        Args:
            max_pending: How many events may wait to be taken.
        """
        ...
