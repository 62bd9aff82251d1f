"""The class-based socket whose hooks are ordinary methods.

At run time it is a :class:`~django_ws.handler.WebSocketHandler`: any of these may have plain ``def`` hooks
(:mod:`django_ws.handler.threads`). To a type checker it is a class of its own, for a ``def`` is no override of an
``async def``, and in a thread ``send`` gives a ``bool`` where it otherwise gives something to await.
"""

from typing import TYPE_CHECKING

from typing_extensions import TypeVar

from django_ws.codecs.json import JSON, JSONEncodable

__all__ = ["SyncWebSocketHandler"]

InT = TypeVar("InT", default=JSON)
OutT = TypeVar("OutT", default=JSONEncodable)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable, Sequence
    from datetime import timedelta
    from typing import Any, ClassVar, Generic, NoReturn, ParamSpec

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from django_ws.close_codes import CloseCode
    from django_ws.conf import Denial
    from django_ws.exceptions import InvalidMessageError
    from django_ws.handler.outbox import Overflow
    from django_ws.handler.rate import Flood
    from django_ws.handler.views import SocketView
    from django_ws.interfaces import Codec, Connection, Data, Guard, Headers, Subscribable, TaskManagerFactory

    _P = ParamSpec("_P")

    class SyncWebSocketHandler(Generic[InT, OutT]):
        """A socket as a class of ordinary methods: :class:`WebSocketHandler` for blocking code, and the ORM as it is.

        ::

            class Notes(SyncWebSocketHandler[str, str]):
                def on_message(self, data: str) -> None:
                    note = Note.objects.create(text=data)
                    self.send(f"saved as {note.pk}")

        The hooks run on one of ``WS_SYNC_LANES`` threads, of one connection always on the same, one at a time and in
        order; between them the connection holds no thread. A thread cannot be cancelled: a hook that still runs when
        ``WS_DISCONNECT_GRACE`` is over goes on unheeded, and :meth:`on_close` comes after it. Until then it can tell by
        :attr:`is_open`, and by what :meth:`send` gives.

        Background tasks are ``async def`` as ever, for they must not keep a thread from all others; in them, use
        :meth:`asend` and :meth:`aclose`.
        """

        request: HttpRequest
        """The handshake as Django's request."""
        # Django: captured values have the types of the route's converters.
        args: tuple[Any, ...]
        """What the route captured without a name, as in Django's ``View``."""
        # The same.
        kwargs: dict[str, Any]
        """What the route captured by name, as in Django's ``View``."""
        subprotocol: str | None
        """The subprotocol that the handshake was accepted with."""

        subprotocols: ClassVar[Sequence[str]]
        subprotocol_required: ClassVar[bool]
        guards: ClassVar[Sequence[Guard]]
        # A codec's types are those of the class that declares it.
        codec: ClassVar[Codec[Any, Any] | None]
        task_manager: ClassVar[TaskManagerFactory]
        overflow: ClassVar[Overflow]
        ping_interval: ClassVar[float]
        """Seconds between two pings of :meth:`start_ping`."""
        max_message_size: ClassVar[int | None]
        inbox_messages: ClassVar[int]
        outbox_messages: ClassVar[int]
        outbox_bytes: ClassVar[int]
        disconnect_grace: ClassVar[float | None]
        cleanup_timeout: ClassVar[float]
        messages_per_second: ClassVar[float | None]
        messages_burst: ClassVar[int]
        idle_timeout: ClassVar[float | None]
        revalidate: ClassVar[timedelta | None]
        denial: ClassVar[Denial]
        flood: ClassVar[Flood]

        # Django: captured values have the types of the route's converters.
        def __init__(self, request: HttpRequest, connection: Connection, /, *args: Any, **kwargs: Any) -> None: ...

        @property
        def is_open(self) -> bool:
            """Whether the handshake was accepted and neither side has closed."""
            ...

        @property
        def close_code(self) -> int | None:
            """Why the connection ended; ``None`` while it has not. See :attr:`WebSocket.close_code`."""
            ...

        @property
        def close_reason(self) -> str:
            """The reason that went with :attr:`close_code`; empty where there was none."""
            ...

        @property
        def dropped_messages(self) -> int:
            """How many outgoing messages the :attr:`overflow` policy has dropped."""
            ...

        def select_subprotocol(self, offered: Sequence[str], /) -> str | None:
            """Choose one of those that the client offers; called on the event loop, so it must not block."""
            ...

        def send(self, message: OutT, /) -> bool:
            """Send a message, in order of call, from a hook or from what it calls.

            Waits for the client only where it reads so slowly that the outbox is half full, and then at most
            ``WS_CLEANUP_TIMEOUT`` seconds, for other connections wait for the same thread: past that the
            :attr:`overflow` policy acts.

            Returns:
                ``False`` if the connection had already ended, or the message was dropped.

            Raises:
                TypeError, ValueError: The message cannot be encoded.
                LocalProtocolError: The handshake has not been accepted yet.
            """
            ...

        def asend(self, message: OutT, /) -> Awaitable[bool]:
            """Send a message from a background task, as :meth:`WebSocket.send` does.

            Raises:
                TypeError, ValueError: The message cannot be encoded.
                LocalProtocolError: The handshake has not been accepted yet.
            """
            ...

        def close(self, code: int = CloseCode.NORMAL_CLOSURE, reason: str = "") -> None:
            """Close the connection; in ``on_connect``, deny the handshake with 403. See :meth:`WebSocket.close`.

            Raises:
                ValueError: The code may not stand in a close frame (RFC 6455 section 7.4).
            """
            ...

        async def aclose(self, code: int = CloseCode.NORMAL_CLOSURE, reason: str = "") -> None:
            """Close the connection from a background task. See :meth:`WebSocket.close`.

            Raises:
                ValueError: The code may not stand in a close frame (RFC 6455 section 7.4).
            """
            ...

        def accept(self, subprotocol: str | None = None, headers: Headers = ()) -> None:
            """Accept the handshake, in ``on_connect``, to say more than it would be accepted with."""
            ...

        def add_accept_headers(self, headers: Headers, /) -> None:
            """Send these headers, too, as the handshake is accepted: for middleware. No-op after that."""
            ...

        def add_guards(self, guards: Sequence[Guard], /) -> None:
            """Ask these, too, before those of the class; for what makes the socket."""
            ...

        def start_task(
            self, task_id: Hashable, func: Callable[_P, Awaitable[object]], /, *args: _P.args, **kwargs: _P.kwargs
        ) -> None:
            """Run an async function on the event loop, in the background. See :meth:`WebSocket.start_task`."""
            ...

        def cancel_task(self, task_id: Hashable, /) -> bool:
            """Cancel the background task of that id, and say whether one was running."""
            ...

        async def sleep_loop(
            self, func: Callable[_P, Awaitable[object]], seconds: float, /, *args: _P.args, **kwargs: _P.kwargs
        ) -> NoReturn:
            """Wait, call, and so on: for :meth:`start_task`. See :meth:`WebSocket.sleep_loop`."""
            ...

        def start_ping(self) -> None:
            """Send a ping as a text frame every :attr:`ping_interval` seconds. See :meth:`WebSocket.start_ping`."""
            ...

        def subscribe(self, topic: Subscribable[OutT], /) -> None:
            """Send the events of a topic to this client from now on. See :meth:`WebSocket.subscribe`."""
            ...

        # A topic of any events.
        def unsubscribe(self, topic: Subscribable[Any], /) -> bool:
            """Send its events no more, and say whether they were. See :meth:`WebSocket.unsubscribe`."""
            ...

        # The topic may be any of those that were subscribed to.
        def on_event(self, topic: Any, event: OutT, /) -> OutT | None:
            """Told of each event before it is sent. See :meth:`WebSocket.on_event`."""
            ...

        # The same.
        def on_gap(self, topic: Any, /) -> None:
            """Told that events may have been lost. See :meth:`WebSocket.on_gap`."""

        def on_revalidate(self) -> bool:
            """Say whether this client may still be here. See :meth:`WebSocket.on_revalidate`."""
            ...

        def on_connect(self) -> HttpResponseBase | None:
            """Decide on the handshake, before it is answered. See :meth:`WebSocketHandler.on_connect`."""

        def on_open(self) -> None:
            """Called once, when the connection is open."""

        def on_message(self, data: InT, /) -> None:
            """Called for each message."""

        def on_close(self) -> None:
            """Called exactly once if ``on_open`` was. See :meth:`WebSocketHandler.on_close`."""

        def on_error(self, error: Exception) -> None:
            """Told of an exception in the socket's code. See :meth:`WebSocket.on_error`."""

        def on_task_error(self, error: Exception) -> None:
            """Told of an exception in a background task, which has been logged; the connection lives on."""

        def on_invalid(self, error: InvalidMessageError, message: Data) -> None:
            """Told of a message that cannot be taken. See :meth:`WebSocket.on_invalid`."""

        async def run(self) -> HttpResponseBase | None:
            """Serve the connection until its end, clean-up included; the application's part to call."""
            ...

        @classmethod
        def as_view(cls) -> SocketView:
            """Give a Django view that stands for this class. See :meth:`WebSocketHandler.as_view`."""
            ...

else:
    from django_ws.handler.handler import WebSocketHandler
    from django_ws.handler.threads import METHODS, thread_aware

    _HOOKS = (
        *("on_close", "on_connect", "on_error", "on_event", "on_gap", "on_invalid", "on_message", "on_open"),
        *("on_revalidate", "on_task_error"),
    )

    class SyncWebSocketHandler(WebSocketHandler[InT, OutT]):
        """A socket as a class of ordinary methods."""

        asend = WebSocketHandler.send
        aclose = WebSocketHandler.close

    # By super(), from a hook that runs in a thread, too.
    for _name in (*METHODS, *_HOOKS):
        setattr(SyncWebSocketHandler, _name, thread_aware(getattr(WebSocketHandler, _name)))
