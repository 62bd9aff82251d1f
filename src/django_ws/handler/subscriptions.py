"""What a socket hears of topics: it is a member of each, and sends what comes, or asks ``on_event`` first."""

import asyncio
from typing import TYPE_CHECKING, Any, Final, Generic, cast

from typing_extensions import TypeVar, override

from django_ws.close_codes import CloseCode
from django_ws.codecs.json import JSONEncodable
from django_ws.codecs.sendable import is_sendable, members_of
from django_ws.exceptions import ConnectionClosed, InvalidMessageError, LocalProtocolError
from django_ws.handler.core import SocketCore
from django_ws.handler.events import EVENTS_TASK, EventPump, Gap
from django_ws.handler.outbox import Overflow
from django_ws.refusals import Limit

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator
    from contextvars import Context

    from django_ws.interfaces import Codec, Membership, Outlet, Subscribable, TopicDelivery

__all__ = ["SubscribingSocket"]

OutT = TypeVar("OutT", default=JSONEncodable)

_FEW: Final = 16
"""Up to so many memberships are in a list, which takes half the memory of a dict; more are not searched one by one."""


class SubscribingSocket(SocketCore, Generic[OutT]):
    """A socket that can subscribe to topics."""

    __slots__ = ()

    # --- what its user calls ----------------------------------------------------------------------

    async def subscribe(self, topic: "Subscribable[OutT]", /) -> None:
        """Send the events of a topic to this client from now on, until the connection ends.

        When it returns, no later event can be missed. Subscribing twice is subscribing once. Events go out among the
        messages that :meth:`send` sends, under the same bounds and the same :attr:`overflow`.

        Raises:
            BrokerError: The engine could not be reached within ``WS_BROKER_TIMEOUT`` seconds.
            ConnectionClosed: The connection has ended.
            ImproperlyConfigured: There is no such broker, or its engine cannot be made; or another topic class makes
                the same channel.
            LocalProtocolError: The handshake has not been accepted yet: do it in ``on_open``.
            TypeError: The events are of a type that this socket does not send.
            ValueError: The channel's name would be longer than 200 bytes.
        """
        self._check_subscription(topic)
        if self._pump is None and self._options.hears_events:
            self._pump = self._new_pump()
        membership = await topic.join(self)
        if self._finishing:
            membership.leave(self)
            raise ConnectionClosed(self._end_code or CloseCode.ABNORMAL_CLOSURE)
        self._remember(membership)
        self._open_outlet()

    # A topic of any events: to hear of it no more is no matter of its type.
    async def unsubscribe(self, topic: "Subscribable[Any]", /) -> bool:
        """Send its events no more, but for those that have come already.

        Returns:
            Whether it had been subscribed to.
        """
        for membership in self._memberships or ():
            if membership.topic == topic:
                membership.leave(self)
                if isinstance(self._memberships, dict):
                    del self._memberships[membership]
                else:
                    cast("list[object]", self._memberships).remove(membership)
                return True
        return False

    def _remember(self, membership: "Membership") -> None:
        known = self._memberships
        if known is None:
            self._memberships: list[Membership] | dict[Membership, None] | None = [membership]
        elif isinstance(known, dict):
            known[membership] = None
        elif membership not in known:
            known.append(membership)
            if len(known) > _FEW:
                self._memberships = dict.fromkeys(known)

    # --- hooks ------------------------------------------------------------------------------------

    # The topic may be any of those that were subscribed to.
    async def on_event(self, topic: Any, event: OutT, /) -> OutT | None:
        """Told of each event before it is sent: to change it, or to keep it from this client.

        Called for one event after the other, in order, beside ``on_message``. All members of a process share the event:
        make a new one rather than change it. What it raises is logged and told to :meth:`on_task_error`, and ends the
        connection with 1011, for the client would miss the event without a word.

        Args:
            topic: Where it was published.
            event: It.

        Returns:
            What is sent; ``None`` for nothing.
        """
        del topic  # for those who override this
        return event

    # The same.
    async def on_gap(self, topic: Any, /) -> None:
        """Told that events may have been lost: the engine was away, or a process of another version has published one.

        By default the connection is closed with 1012 (service restart), so that the client comes back and reads afresh.
        Override it to send the client a fresh state instead: no event from now on is missed.
        """
        del topic  # for those who override this
        if not self._closing:
            await self._close(CloseCode.SERVICE_RESTART, "events may have been lost")

    # --- as a member ------------------------------------------------------------------------------

    # A codec's types are those of the class that declares it.
    @property
    def ws_encoder(self) -> "Codec[Any, Any]":
        """What makes frames of events."""
        return self._options.encoder

    @override
    def ws_deliver(self, delivery: "TopicDelivery", /) -> None:
        """Take an event; the topic's part to call."""
        try:
            if self._pump is not None:
                _ = delivery.event  # decoded here, so that what cannot be is known to all
                self._pump.put(delivery)
            else:
                # Not awaited: it goes out in its order, and what waits is bounded.
                _ = self._send_data(delivery.encoded(self._options.encoder))
        except InvalidMessageError:
            raise  # nobody of this process can have it
        except Exception as error:  # noqa: BLE001 - an event that cannot be encoded is a fault of this socket alone
            self.ws_failed(error)

    def ws_wait(self, first: object, steps: "Generator[object, None, None]", context: "Context", /) -> None:
        """Wait for the server, which has not taken the frame of an event at once; the topic's part to call."""
        rest = cast("Outlet", self._connection).rest_of_send(first, steps, context)
        _ = self._open_outbox().begin(rest)

    def ws_failed(self, error: Exception, /) -> None:
        """End the connection for an event that could not be sent, if it has not ended; the topic's part to call."""
        if self.ws_outlet is not None:
            error = self.ws_outlet.send_failed(error)
        if not isinstance(error, ConnectionClosed):
            self._leave_topics()
            _ = self._task_group().start(EVENTS_TASK, self._event_failed, error)

    # See on_gap.
    @override
    def ws_gap(self, topic: Any, /) -> None:
        """Take note of a gap; the topic's part to call."""
        if self._finishing:
            return
        if self._pump is None:
            self._close_outlet()
            self._pump = self._new_pump()
        self._pump.put(Gap(topic))

    def _check_subscription(self, topic: "Subscribable[Any]") -> None:
        if not self._connection.is_open:
            if self._connection.is_answered:
                raise ConnectionClosed(self._end_code or CloseCode.ABNORMAL_CLOSURE)
            raise LocalProtocolError("subscribe() came before the handshake was accepted: call it in on_open")
        events, outgoing = topic.event_type(), self._options.outgoing
        if outgoing is not None and not is_sendable(events, outgoing):
            raise TypeError(
                f"{self._name} cannot subscribe to {topic}: its events are {_names(events)}, but the socket sends "
                f"{_names(outgoing)}"
            )

    def _new_pump(self) -> EventPump:
        return EventPump(
            max_waiting=self._options.outbox_messages,
            overflow=self._options.overflow,
            start=self._start_events,
            handle=self._handle_event,
            on_overflow=self._events_overflowed,
        )

    def _start_events(self, run: "Callable[[], Coroutine[object, None, None]]") -> "asyncio.Task[None]":
        return self._task_group().start(EVENTS_TASK, run)

    async def _handle_event(self, item: "TopicDelivery | Gap") -> None:
        """Let the hook see one event or gap."""
        try:
            if isinstance(item, Gap):
                await self.on_gap(item.topic)
                if self._pump is not None and len(self._pump) == 1 and not self._options.hears_events:
                    self._pump = None  # events need no task any more
                    self._open_outlet()
                return
            event: OutT = item.event
            answer = await self.on_event(item.topic, event)
            if answer is event:
                _ = self._send_data(item.encoded(self._options.encoder))
            elif answer is not None:
                _ = self._send_data(self._options.encode(answer))
        except Exception as error:  # noqa: BLE001 - told and logged there
            await self._event_failed(error)

    async def _event_failed(self, error: Exception) -> None:
        """End the connection: the client would miss an event without a word."""
        self._leave_topics()
        await self._task_failed(error)
        self._close_code = CloseCode.INTERNAL_ERROR
        self._interrupt()

    def _events_overflowed(self) -> None:
        self._dropped += 1
        closes = self._options.overflow is Overflow.CLOSE
        what = "closed with 1013" if closes else f"events are dropped ({self._options.overflow.value})"
        self._refused(
            Limit.OUTBOX, f"on_event is too slow, {self._options.outbox_messages} events wait; {what}. See overflow"
        )
        if closes:
            self._close_code = CloseCode.TRY_AGAIN_LATER
            asyncio.get_running_loop().call_soon(self._interrupt)


def _names(type_: object) -> str:
    return " or ".join(getattr(member, "__qualname__", str(member)) for member in members_of(type_))
