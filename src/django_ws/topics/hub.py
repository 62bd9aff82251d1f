"""Who hears of what in this process: the channels, and the one link that feeds them.

Membership lives in the process alone: a member is there while its socket is, and nothing expires. There is one hub for
each event loop and broker; what it holds is changed by that loop only, so nothing is locked.
"""

import asyncio
from typing import TYPE_CHECKING, Any, Final, final

from django.core.exceptions import ImproperlyConfigured

from django_ws.conf import get_settings
from django_ws.topics.brokers import brokers
from django_ws.topics.channel import Channel
from django_ws.topics.session import Session

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from django_ws.interfaces import Broker, ChannelMessage, Member
    from django_ws.topics.topic import Topic

__all__ = ["Hub", "hub_of"]


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
            BrokerError: The engine could not be reached within ``join_timeout`` seconds.
        """
        name = topic.channel
        channel = self._channels.get(name)
        if channel is None:
            channel = self._channels[name] = Channel(name, topic, self.drop)
            self._session.change(name)
        elif channel.topic != topic:
            raise ImproperlyConfigured(
                f"{topic} and {channel.topic} have the same channel {name!r}: give one of them another pattern"
            )
        try:
            channel.add(member)
        finally:
            if not len(channel):
                self.drop(channel)
        ready = channel.ready
        if ready is not None:
            ready.joining[member] += 1
            try:
                async with asyncio.timeout(self._join_timeout):
                    await ready.wait()
            except BaseException as error:
                ready.joining[member] -= 1
                # It may be joining a second time, in another task.
                if not ready.joining[member]:
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
        session = self._session
        link = session.link
        await (self.broker.apublish(messages) if link is None else session.publish(link, messages))

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
            _hubs.pop(key, None)  # another thread may have been here, too
        hub = _hubs[loop, alias] = Hub(alias, broker, get_settings().broker_timeout)
    return hub
