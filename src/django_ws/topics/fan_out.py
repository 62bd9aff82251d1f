"""One frame to the many sockets of a channel, by one coroutine.

``await`` in a loop takes half of what it takes to step each server's ``send`` by hand, in a context of its own. So the
loop is a coroutine, and it is the loop that is stepped: once as a rule, for a server that has room takes a frame at
once. Where one does not, that socket keeps the coroutine, of which nothing but its send is left, and the next coroutine
goes on with the sockets behind it. A slow client holds up no other.
"""

from contextvars import copy_context
from typing import TYPE_CHECKING, Final, cast, final

from django_ws.exceptions import InvalidMessageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django_ws.interfaces import Data, SocketMember, TopicDelivery

__all__ = ["FanOut"]

_TOLD: Final = object()
"""What stepping a coroutine gives that has told all."""


@final
class _Frame:
    """The message, and what the first connection has made of it for the next."""

    __slots__ = ("data", "made")

    def __init__(self, data: "Data") -> None:
        self.data: Data = data
        self.made: object = None


@final
class FanOut:
    """One event on its way to the sockets that send it as it came.

    Args:
        sockets: They, in the order in which they are told.
        delivery: The event, for a socket that has to look at it first, or that has others waiting.
        data: Its frame.
    """

    __slots__ = ("_data", "_delivery", "_socket", "_todo")

    def __init__(self, sockets: "tuple[SocketMember, ...]", delivery: "TopicDelivery", data: "Data") -> None:
        self._todo: Iterator[SocketMember] = iter(sockets)
        self._delivery: TopicDelivery = delivery
        self._data: Data = data
        # The one that is being told.
        self._socket: SocketMember | None = None

    def run(self) -> None:
        """Tell each, or leave it what is to be waited for. What one of them makes of it is no other's affair.

        Raises:
            InvalidMessageError: The event cannot be decoded; those behind the one that tried are not told.
        """
        try:
            while self._step():
                pass
        finally:
            self._socket = None  # a send that waits knows this, and should keep no other socket

    def _step(self) -> bool:
        """Tell as many as can be told at once; say whether there may be others behind."""
        # One for all that are told at once: ASGI middleware that sets a context variable around its send finds, as it
        # resets it, the context that it was set in, in whatever task that is.
        context = copy_context()
        steps = self._tell().__await__()
        try:
            # next() with a default ends a coroutine without making a StopIteration.
            first = context.run(next, steps, _TOLD)
        except InvalidMessageError:
            raise
        except Exception as error:  # noqa: BLE001 - the socket's affair: it knows what to make of it
            self._now().ws_failed(error)
            return True
        if first is _TOLD:
            return False
        self._now().ws_wait(first, steps, context)
        return True

    def _now(self) -> "SocketMember":
        return cast("SocketMember", self._socket)

    async def _tell(self) -> None:
        # One for each coroutine: what a connection that waits has made of it is not shared with those behind it.
        delivery, frame = self._delivery, _Frame(self._data)
        for socket in self._todo:
            self._socket = socket
            outlet = socket.ws_outlet
            if outlet is None:
                socket.ws_deliver(delivery)
            else:
                await outlet.begin_send(frame)
                if self._socket is not socket:
                    return  # it had to wait: another goes on with the rest
