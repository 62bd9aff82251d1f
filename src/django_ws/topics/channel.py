"""The members of one topic in one process."""

import asyncio
import logging
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, cast, final

from typing_extensions import override

from django_ws.exceptions import InvalidMessageError
from django_ws.topics.delivery import Delivery
from django_ws.topics.fan_out import FanOut

if TYPE_CHECKING:
    from collections.abc import Callable

    from django_ws.interfaces import Member, SocketMember
    from django_ws.topics.topic import Topic

__all__ = ["Channel", "Ready"]

logger: Final = logging.getLogger("django_ws.topics")


@final
class Ready(asyncio.Event):
    """Set when the engine has confirmed a subscription, for which members wait."""

    def __init__(self) -> None:
        super().__init__()
        self.joining: Counter[Member] = Counter()
        """Who waits, or has waited in good time, and how many times at once."""


@final
class Channel:
    """The members of one topic in one process; to a member it is its :class:`~django_ws.interfaces.Membership`.

    Args:
        name: The engine's name of it.
        topic: What it is the channel of.
        on_empty: Called with it when its last member has left.
    """

    __slots__ = ("_on_empty", "_others", "_others_now", "_sockets", "_sockets_now", "name", "ready", "topic")

    # A topic's events have a type that only its class knows.
    def __init__(self, name: str, topic: "Topic[Any]", on_empty: "Callable[[Channel], None]") -> None:
        self._on_empty: Callable[[Channel], None] = on_empty
        # Those that send the very frame that comes, and those that are told of it. Few channels have both.
        self._sockets: dict[Member, None] | None = None
        self._others: dict[Member, None] | None = None
        # What is delivered to: a member may leave, or another come, while it goes on.
        self._sockets_now: tuple[SocketMember, ...] | None = ()
        self._others_now: tuple[Member, ...] | None = ()
        self.name: str = name
        self.topic: Topic[Any] = topic
        self.ready: Ready | None = Ready()
        """Set when the engine has confirmed the subscription; ``None`` from then on."""

    def __len__(self) -> int:
        """Count the members."""
        return len(self._sockets or ()) + len(self._others or ())

    def add(self, member: "Member", /) -> None:
        """Take ``member`` in; once, however often it comes."""
        if getattr(member, "ws_encoder", None) is self.topic.codec():
            if self._sockets is None:
                self._sockets = {}
            self._sockets[member] = None
            self._sockets_now = None
        else:
            if self._others is None:
                self._others = {}
            self._others[member] = None
            self._others_now = None

    def leave(self, member: "Member", /) -> None:
        """Tell ``member`` of nothing more; no-op if it is no member."""
        if self._sockets is not None and member in self._sockets:
            del self._sockets[member]
            self._sockets_now = None
        elif self._others is not None and member in self._others:
            del self._others[member]
            self._others_now = None
        else:
            return
        if not len(self):
            self._on_empty(self)

    def members(self) -> "tuple[Member, ...]":
        """Give the members: those that send the frame as it comes, then the others, each in their order of coming."""
        sockets, others = self._now()
        return (*sockets, *others)

    def deliver(self, payload: bytes, /) -> None:
        """Tell every member of one event. What one of them makes of it is no other's affair."""
        try:
            delivery = Delivery(self.topic, payload)
        except InvalidMessageError as error:
            logger.warning("Something that is no event came to %s and is left out: %s", self.topic, error)
            return
        sockets, others = self._now()
        try:
            if sockets:
                FanOut(sockets, delivery, delivery.data).run()
            for member in others:
                self._tell(member, delivery)
        except InvalidMessageError as error:
            # A process of another version has published it: nobody here can have it, so all must know.
            logger.warning("An event of %s cannot be decoded and is lost: %s", self.topic, error)
            self.tell_gap()

    def _tell(self, member: "Member", delivery: Delivery) -> None:
        try:
            member.ws_deliver(delivery)
        except InvalidMessageError:
            raise
        except Exception:
            logger.exception("%r could not be told of an event of %s", member, self.topic)

    def tell_gap(self) -> None:
        """Tell every member that events may have been lost."""
        for member in self.members():
            try:
                member.ws_gap(self.topic)
            except Exception:
                logger.exception("%r could not be told of a gap in %s", member, self.topic)

    def _now(self) -> "tuple[tuple[SocketMember, ...], tuple[Member, ...]]":
        if self._sockets_now is None:
            self._sockets_now = cast("tuple[SocketMember, ...]", tuple(self._sockets or ()))
        if self._others_now is None:
            self._others_now = tuple(self._others or ())
        return self._sockets_now, self._others_now

    @override
    def __repr__(self) -> str:
        """Show the name and how many there are."""
        return f"Channel({self.name!r}, {len(self)} members)"
