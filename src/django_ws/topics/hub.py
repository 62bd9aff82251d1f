"""Who hears of what in this process: channels, their members, and the one link that feeds them.

Membership lives in the process alone: a member is there while its socket is, and nothing expires. There is one hub for
each event loop and broker; what it holds is changed by that loop only, so nothing is locked.
"""

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final, final

from django.core.exceptions import ImproperlyConfigured
from typing_extensions import override

from django_ws.conf import get_settings
from django_ws.exceptions import InvalidMessageError
from django_ws.topics.brokers import brokers
from django_ws.topics.delivery import Delivery
from django_ws.topics.session import Session

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from django_ws.interfaces import Broker, ChannelMessage, Member
    from django_ws.topics.topic import Topic

__all__ = ["Channel", "Hub", "hub_of"]

logger: Final = logging.getLogger("django_ws.topics")


@final
class Channel:
    """The members of one topic in one process; to a member it is its :class:`~django_ws.interfaces.Membership`.

    Args:
        hub: Where it belongs.
        name: The engine's name of it.
        topic: What it is the channel of.
    """

    __slots__ = ("_hub", "_members", "_snapshot", "name", "ready", "topic")

    # A topic's events have a type that only its class knows.
    def __init__(self, hub: "Hub", name: str, topic: "Topic[Any]") -> None:
        self._hub: Hub = hub
        self._members: dict[Member, None] = {}
        # What is delivered to: a member may leave, or another come, while it goes on.
        self._snapshot: tuple[Member, ...] | None = ()
        self.name: str = name
        self.topic: Topic[Any] = topic
        self.ready: asyncio.Event | None = asyncio.Event()
        """Set when the engine has confirmed the subscription; ``None`` from then on."""

    def __len__(self) -> int:
        """Count the members."""
        return len(self._members)

    def add(self, member: "Member", /) -> None:
        """Take ``member`` in; once, however often it comes."""
        self._members[member] = None
        self._snapshot = None

    def leave(self, member: "Member", /) -> None:
        """Tell ``member`` of nothing more; no-op if it is no member."""
        if member in self._members:
            del self._members[member]
            self._snapshot = None
            if not self._members:
                self._hub.drop(self)

    def members(self) -> "tuple[Member, ...]":
        """Give the members, in the order in which they came."""
        if self._snapshot is None:
            self._snapshot = tuple(self._members)
        return self._snapshot

    def deliver(self, payload: bytes, /) -> None:
        """Tell every member of one event. What one of them makes of it is no other's affair."""
        try:
            delivery = Delivery(self.topic, payload)
        except InvalidMessageError as error:
            logger.warning("Something that is no event came to %s and is left out: %s", self.topic, error)
            return
        for member in self.members():
            try:
                member.ws_deliver(delivery)
            except InvalidMessageError as error:
                # A process of another version has published it: nobody here can have it, so all must know.
                logger.warning("An event of %s cannot be decoded and is lost: %s", self.topic, error)
                self.tell_gap()
                return
            except Exception:
                logger.exception("%r could not be told of an event of %s", member, self.topic)

    def tell_gap(self) -> None:
        """Tell every member that events may have been lost."""
        for member in self.members():
            try:
                member.ws_gap(self.topic)
            except Exception:
                logger.exception("%r could not be told of a gap in %s", member, self.topic)

    @override
    def __repr__(self) -> str:
        """Show the name and how many there are."""
        return f"Channel({self.name!r}, {len(self)} members)"


@final
class Hub:
    """The channels of one event loop and one broker.

    Args:
        alias: Of ``WS_BROKERS``.
        broker: The engine.
        join_timeout: Seconds that the engine may take to confirm a subscription.
    """

    def __init__(self, alias: str, broker: "Broker", join_timeout: float) -> None:
        self.broker: Broker = broker
        self._join_timeout: float = join_timeout
        self._channels: dict[str, Channel] = {}
        self._session: Session = Session(alias, broker, self)

    def __len__(self) -> int:
        """Count the channels."""
        return len(self._channels)

    async def join(self, topic: "Topic[Any]", member: "Member", /) -> Channel:
        """Take ``member`` in, and wait until nothing that is published from now on can pass it by.

        Raises:
            ImproperlyConfigured: Another topic class has a pattern that makes the same name.
            BrokerError: The engine could not be reached in time.
        """
        name = topic.channel
        channel = self._channels.get(name)
        if channel is None:
            channel = self._channels[name] = Channel(self, name, topic)
            self._session.change(name)
        elif channel.topic != topic:
            raise ImproperlyConfigured(
                f"{topic} and {channel.topic} have the same channel {name!r}: give one of them another pattern"
            )
        channel.add(member)
        if channel.ready is not None:
            try:
                async with asyncio.timeout(self._join_timeout):
                    await channel.ready.wait()
            except BaseException as error:
                channel.leave(member)
                if isinstance(error, TimeoutError):
                    raise self._session.unavailable(f"{topic} cannot be subscribed to") from error
                raise
        return channel

    def drop(self, channel: Channel, /) -> None:
        """Forget a channel that has no members any more."""
        if self._channels.get(channel.name) is channel:
            del self._channels[channel.name]
            self._session.change(channel.name)

    async def publish(self, messages: "Sequence[ChannelMessage]", /) -> None:
        """Publish over the link if there is one, else as the engine does without.

        Raises:
            PayloadTooBigError: One is more than the engine carries.
            BrokerError: The engine cannot be reached.
        """
        link = self._session.link
        await (self.broker.apublish(messages) if link is None else link.publish(messages))

    # --- what the session asks and tells ----------------------------------------------------------

    def wants(self, name: str, /) -> bool:
        """Say whether a channel of that name has members."""
        return name in self._channels

    def names(self) -> "Collection[str]":
        """Give the names of all channels."""
        return self._channels.keys()

    def confirmed(self, names: "Iterable[str]", /) -> None:
        """Let those go on who wait for these channels."""
        for name in names:
            channel = self._channels.get(name)
            if channel is not None and channel.ready is not None:
                channel.ready.set()
                channel.ready = None

    def deliver(self, message: "ChannelMessage", /) -> int:
        """Tell the members of a channel; give how many they are."""
        name, payload = message
        channel = self._channels.get(name)
        if channel is None:
            return 0
        channel.deliver(payload)
        return len(channel)

    def tell_gap(self, names: "Iterable[str]", /) -> None:
        """Tell the members of these channels that events may have been lost."""
        for name in names:
            channel = self._channels.get(name)
            if channel is not None and channel.ready is None:
                channel.tell_gap()


_hubs: Final[dict[tuple[asyncio.AbstractEventLoop, str], Hub]] = {}


def hub_of(alias: str, /) -> Hub:
    """Give the hub of the running event loop for one of ``WS_BROKERS``.

    Raises:
        ImproperlyConfigured: There is no such broker, or its engine cannot be made.
        RuntimeError: No event loop runs in this thread.
    """
    loop = asyncio.get_running_loop()
    hub = _hubs.get((loop, alias))
    broker = brokers[alias]
    if hub is None or hub.broker is not broker:
        for key in [key for key in list(_hubs) if key[0].is_closed()]:
            del _hubs[key]
        hub = _hubs[loop, alias] = Hub(alias, broker, get_settings().broker_timeout)
    return hub
