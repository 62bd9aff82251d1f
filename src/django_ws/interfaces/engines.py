"""The joints between topics and their engines: what was published."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django_ws.aliases import ChannelMessage

__all__ = ["Broker", "Link"]


class Link(Protocol):
    """One event loop's connection to an engine.

    Its methods are called by several tasks, but each by one at a time. After one has raised ``BrokerError`` the link
    is closed, and another is made. It never mends itself: what was lost meanwhile would go unnoticed.
    """

    async def subscribe(self, channels: Sequence[str], /) -> None:
        """Take the messages of these channels; return when the engine has confirmed it.

        Raises:
            BrokerError: The connection broke.
        """
        ...

    async def unsubscribe(self, channels: Sequence[str], /) -> None:
        """Take them no more.

        Raises:
            BrokerError: The connection broke.
        """
        ...

    async def publish(self, messages: Sequence[ChannelMessage], /) -> None:
        """Publish, in order; return when the engine has them. Several tasks may do so at once.

        Raises:
            PayloadTooBigError: One is too big; none was published.
            BrokerError: The connection broke; whether they were published is not known.
        """
        ...

    async def receive(self) -> Sequence[ChannelMessage]:
        """Wait for messages; give those that have come, in order, at least one.

        Raises:
            BrokerError: The connection broke, or messages were lost.
        """
        ...

    async def close(self) -> None:
        """Give everything back; raises nothing for a broken connection."""
        ...


class Broker(Protocol):
    """Joins topics to an engine; made once in a process as ``BACKEND(location, options)``.

    It delivers what one publisher publishes in its order, to every link that had subscribed before, once.
    """

    @property
    def max_payload(self) -> int | None:
        """Bytes that one payload may have; ``None``: no bound of the engine's own."""
        ...

    def publish(self, messages: Sequence[ChannelMessage], /) -> None:
        """Publish from a thread without an event loop, in order; return when the engine has them.

        Raises:
            PayloadTooBigError: One is too big; none was published.
            BrokerError: The engine cannot be reached.
        """
        ...

    async def apublish(self, messages: Sequence[ChannelMessage], /) -> None:
        """Publish from an event loop that has no link.

        Raises:
            PayloadTooBigError: One is too big; none was published.
            BrokerError: The engine cannot be reached.
        """
        ...

    async def connect(self) -> Link:
        """Connect the running event loop.

        Raises:
            BrokerError: The engine cannot be reached.
        """
        ...

    def close(self) -> None:
        """Give back what publishing has opened."""
        ...
