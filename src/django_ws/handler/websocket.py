"""One socket, as its code sees it: what it may do and what it may know."""

import asyncio
import logging
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, NoReturn, ParamSpec, Self

from typing_extensions import TypeVar, override

from django_ws.close_codes import CloseCode, check_sendable
from django_ws.codecs.json import JSON, JSONEncodable
from django_ws.conf import Denial
from django_ws.exceptions import ConnectionClosed, InvalidMessageError, MessageTooBigError, MessageTooDeepError
from django_ws.handler.lanes import rest_lane
from django_ws.handler.options import options_of
from django_ws.handler.outbox import Overflow
from django_ws.handler.ping import next_due, ping_text
from django_ws.handler.rate import Flood
from django_ws.handler.revalidated import RevalidatedSocket
from django_ws.handler.tasks import TaskGroup
from django_ws.handler.threads import adopt_sync_hooks
from django_ws.refusals import Limit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable

    from django.http import HttpRequest

    from django_ws.interfaces import Codec, Connection, Data, TaskManagerFactory

__all__ = ["PING_TASK", "WebSocket"]

InT = TypeVar("InT", default=JSON)
OutT = TypeVar("OutT", default=JSONEncodable)
P = ParamSpec("P")
T = TypeVar("T")

_LIMITS: Final[dict[type[InvalidMessageError], Limit]] = {
    MessageTooBigError: Limit.MESSAGE_SIZE,
    MessageTooDeepError: Limit.MESSAGE_DEPTH,
}

_HOOKS: Final = ("on_connect", "on_error", "on_event", "on_gap", "on_invalid", "on_revalidate", "on_task_error")

PING_TASK: Final = "ping"
"""The task id of :meth:`WebSocket.start_ping`."""


class WebSocket(RevalidatedSocket[OutT], Generic[InT, OutT]):
    """A websocket of one client: the ``ws`` of a socket function and of a middleware, the ``self`` of a handler.

    The type arguments are the messages that come in and that go out: ``str`` for text frames, ``bytes`` for binary
    frames, nothing or :data:`~django_ws.handler.JSON` for JSON. What a class does not declare itself it takes from
    the settings: ``denial``, ``max_message_size``, ``messages_per_second``, ``messages_burst``, ``inbox_messages``,
    ``outbox_messages``, ``outbox_bytes``, ``idle_timeout``, ``revalidate``, ``disconnect_grace`` and
    ``cleanup_timeout`` stand for the settings of those names.

    ``async for message in ws`` gives messages until the connection ends.

    Args:
        request: The handshake as Django's request.
        connection: The frames.
        *args: What the route captured without a name.
        **kwargs: What the route captured by name.
    """

    __slots__ = ("args", "kwargs")

    # A codec's types are those of the class that declares it.
    codec: ClassVar["Codec[Any, Any] | None"] = None
    """Decodes and encodes the messages; ``None``: chosen by the type arguments."""
    task_manager: ClassVar["TaskManagerFactory"] = TaskGroup
    """Makes what starts and cancels the background tasks of one socket, when it has its first; by default a
    :class:`~django_ws.handler.TaskGroup`."""
    overflow: ClassVar[Overflow] = Overflow.CLOSE
    """What is done when a client reads too slowly and the outbox is full."""
    ping_interval: ClassVar[float] = 59
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
    denial: ClassVar[Denial]
    flood: ClassVar[Flood] = Flood.WAIT
    """What is done when a client sends faster than ``messages_per_second``."""

    # Django: captured values have the types of the route's converters.
    def __init__(self, request: "HttpRequest", connection: "Connection", /, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, connection, options_of(type(self), WebSocket))
        self.args: tuple[Any, ...] = args
        """What the route captured without a name, as in Django's ``View``."""
        self.kwargs: dict[str, Any] = kwargs
        """What the route captured by name, as in Django's ``View``."""

    @override
    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        adopt_sync_hooks(cls, _HOOKS)

    # --- state ------------------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Whether the handshake was accepted and neither side has closed."""
        return self._connection.is_open

    @property
    def close_code(self) -> int | None:
        """Why the connection ended; ``None`` while it has not.

        1005 where the client gave no code, 1006 where the connection broke; in ``on_close`` after a fault the 1011
        that it is about to be closed with. hypercorn says 1006 for every end.
        """
        return self._end_code

    @property
    def close_reason(self) -> str:
        """The reason that went with :attr:`close_code`; empty where there was none."""
        return self._connection.close_reason

    @property
    def dropped_messages(self) -> int:
        """How many outgoing messages the :attr:`overflow` policy has dropped."""
        return self._dropped

    # --- messages ---------------------------------------------------------------------------------

    def send(self, message: OutT, /) -> "Awaitable[bool]":
        """Send a message. Messages go out in the order of the calls, awaited or not.

        It is encoded at the call. Awaited, a send ends when the server has taken the message, so a client that reads
        slowly slows its sender. Not awaited, it goes out all the same; what then waits is bounded
        (``WS_OUTBOX_MESSAGES``, ``WS_OUTBOX_BYTES``, :attr:`overflow`).

        Returns:
            An awaitable of ``True``, or of ``False`` if the connection had already ended or the overflow policy
            dropped the message. That a client has gone is never an exception.

        Raises:
            TypeError, ValueError: The message cannot be encoded.
            LocalProtocolError: The handshake has not been accepted yet.
        """
        return self._send_data(self._options.encode(message))

    async def receive(self) -> InT:
        """Wait for the next message.

        Raises:
            ConnectionClosed: The connection has ended.
        """
        while True:
            data = await self._next()
            self.ws_received: int = self.ws_received + 1
            if self.ws_received > self._allowed:
                await self._throttle()
            try:
                return self._decode(data)
            except InvalidMessageError as error:
                await self._refuse(error, data)

    def _decode(self, data: "Data") -> InT:
        options = self._options
        if len(data) > options.surely_fits:
            size = len(data.encode()) if isinstance(data, str) and not data.isascii() else len(data)
            if size > options.max_message_size:
                raise MessageTooBigError(
                    f"a message of {size} bytes came, over the limit of {options.max_message_size}"
                )
        message: InT = options.decode(data)
        return message

    async def _refuse(self, error: InvalidMessageError, data: "Data") -> None:
        limit = _LIMITS.get(type(error))
        if limit is None:
            self._log(logging.WARNING, "a message was refused (%d): %s", error.code, error)
        else:
            self._refused(limit, f"a message was refused ({error.code}): {error}")
        await self.on_invalid(error, data)

    def __aiter__(self) -> Self:
        """Give the messages, until the connection ends."""
        return self

    async def __anext__(self) -> InT:
        """Give the next message."""
        try:
            return await self.receive()
        except ConnectionClosed:
            raise StopAsyncIteration from None

    async def close(self, code: int = CloseCode.NORMAL_CLOSURE, reason: str = "") -> None:
        """Close the connection; in ``on_connect``, deny the handshake with 403.

        What was sent before goes out before; what is sent after is answered with ``False``. Does nothing after the end.

        Args:
            code: 1000, 1001 to 1003, 1007 to 1009, 1011 to 1014, or 3000 to 4999.
            reason: Cut to 123 bytes of UTF-8. The client reads it: put no detail of an exception there.

        Raises:
            ValueError: The code may not stand in a close frame (RFC 6455 section 7.4).
        """
        check_sendable(code)
        if not self._closing:
            await self._close(code, reason)

    # --- tasks ------------------------------------------------------------------------------------

    def start_task(
        self, task_id: "Hashable", func: "Callable[P, Awaitable[T]]", /, *args: P.args, **kwargs: P.kwargs
    ) -> "asyncio.Task[T]":
        """Run ``func(*args, **kwargs)`` in the background, until it ends or the connection does.

        A task of the same id that still runs is cancelled first (message
        :data:`~django_ws.handler.tasks.TASK_DUPLICATE_STARTED`), unless the class's :attr:`task_manager` has other
        rules. At the end of the connection all tasks are cancelled
        (message :data:`~django_ws.handler.tasks.TASK_WS_CLOSED`) and awaited before ``on_close``. An exception is
        logged and told to :meth:`on_task_error`; the connection lives on.

        Returns:
            The task.
        """
        return self._task_group().start_for_user(task_id, func, *args, **kwargs)

    def cancel_task(self, task_id: "Hashable", /) -> bool:
        """Cancel the background task of that id.

        Returns:
            Whether one was running.
        """
        return self._tasks is not None and self._tasks.cancel(task_id)

    async def sleep_loop(
        self, func: "Callable[P, Awaitable[object]]", seconds: float, /, *args: P.args, **kwargs: P.kwargs
    ) -> NoReturn:
        """Wait ``seconds``, await ``func(*args, **kwargs)``, and so on: the first call comes after the first wait.

        An exception in one call is logged and told to :meth:`on_task_error`; the loop goes on.

        Raises:
            ValueError: ``seconds`` is not over 0.
        """
        if not seconds > 0:
            raise ValueError(f"sleep_loop must rest between its calls: seconds is {seconds!r}, but must be over 0")
        while True:
            await asyncio.sleep(seconds)
            await self._call(func, *args, **kwargs)
            rest_lane()

    async def _call(self, func: "Callable[P, Awaitable[object]]", /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Make one call of a loop, which goes on after an exception."""
        try:
            await func(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - told and logged there
            await self._task_failed(error)

    def start_ping(self) -> "asyncio.Task[NoReturn]":
        """Send ``{"ping": <now, ISO 8601>}`` as a text frame every :attr:`ping_interval` seconds.

        For proxies that end a connection on which nothing moves and do not count the server's own pings (RFC 6455
        section 5.5.2). A ping comes up to a tenth of a second early, so that sockets ping together.

        Returns:
            The task, of the id :data:`PING_TASK`.
        """
        return self.start_task(PING_TASK, self._ping_for_ever, self.ping_interval)

    async def _ping_for_ever(self, seconds: float) -> NoReturn:
        if not seconds > 0:
            raise ValueError(f"{self._name}.ping_interval is {seconds!r}, but must be over 0")
        loop = asyncio.get_running_loop()
        while True:
            now = loop.time()
            due = next_due(now, seconds)
            await asyncio.sleep(due - now)
            await self._call(self._send_data, ping_text(due))

    # --- hooks ------------------------------------------------------------------------------------

    @override
    async def on_error(self, error: Exception) -> None:
        """Told of an exception in the socket's code, while the connection still is open.

        The exception then passes up through the middleware to the application, which logs it once and closes with
        1011 (with 1008, and without a traceback, for a ``PermissionDenied`` or a ``SuspiciousOperation``).
        """

    @override
    async def on_task_error(self, error: Exception) -> None:
        """Told of an exception in a background task, which has been logged; the connection lives on."""

    async def on_invalid(self, error: InvalidMessageError, message: "Data") -> None:
        """Told of a message that cannot be taken, which has been logged without its payload.

        By default the connection is closed with ``error.code`` (1003, 1007 or 1009). Override it to answer and
        keep the connection.

        Args:
            error: Says why; its text holds no part of the payload.
            message: What came.
        """
        del message  # for those who override this
        await self.close(error.code)
