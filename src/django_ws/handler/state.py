"""The state of one socket, what it sends, and how it speaks of itself in the log."""

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from django_ws.close_codes import CloseCode
from django_ws.exceptions import ConnectionClosed
from django_ws.handler.background import BackgroundTasks
from django_ws.handler.lanes import enter_lanes
from django_ws.handler.outbox import Outbox, Overflow
from django_ws.handler.runtime import RECEIVING, runtime
from django_ws.logs import fields
from django_ws.refusals import Limit, count_refusal, log_refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Coroutine
    from contextvars import Context

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from django_ws.handler.events import EventPump
    from django_ws.handler.inbox import Inbox
    from django_ws.handler.lanes import LaneUse
    from django_ws.handler.options import Options
    from django_ws.handler.rate import TokenBucket
    from django_ws.handler.runtime import Phase, Runtime
    from django_ws.interfaces import Connection, Data, Guard, Headers, Membership, Outlet, TopicDelivery

__all__ = ["SocketState"]

logger: Final = logging.getLogger("django_ws")


class SocketState:
    """What a socket is made of; it has no life of its own yet.

    Args:
        request: The handshake.
        connection: The frames.
        options: The limits and the codec of the class.
    """

    __slots__ = (
        "__weakref__",
        "_accept_headers",
        "_allowed",
        "_bucket",
        "_close_code",
        "_closer",
        "_closing",
        "_connection",
        "_context",
        "_dropped",
        "_finishing",
        "_grace",
        "_guards",
        "_helper",
        "_inbox",
        "_interrupted",
        "_lane",
        "_memberships",
        "_opened_at",
        "_opening",
        "_options",
        "_outbox",
        "_pump",
        "_runtime",
        "_task",
        "_tasks",
        "_throttled",
        "request",
        "subprotocol",
        "ws_orders",
        "ws_outlet",
        "ws_phase",
        "ws_received",
    )

    subprotocols: ClassVar[Sequence[str]] = ()
    """The subprotocols that the socket speaks, in its order of preference (RFC 6455 section 1.9)."""
    subprotocol_required: ClassVar[bool] = False
    """Whether a handshake that offers none of them is denied with 400; else it is accepted without one."""
    guards: ClassVar[Sequence["Guard"]] = ()
    """Asked in turn before :meth:`on_connect`; see :mod:`django_ws.guards`."""

    def __init__(self, request: "HttpRequest", connection: "Connection", options: "Options") -> None:
        self.request: HttpRequest = request
        """The handshake as Django's request."""
        self.subprotocol: str | None = None
        """The subprotocol that the handshake was accepted with."""
        self.ws_phase: Phase = RECEIVING
        """What the socket is at; for the ticker."""
        self.ws_received: int = 0
        """How many messages have come."""
        # The number of messages up to which nobody need look at the clock.
        self._allowed: int = options.first_lease
        self._bucket: TokenBucket | None = None
        # Whether a message waits for the bucket to fill up: then no hook runs, though the phase says so.
        self._throttled: bool = False
        self._opened_at: float = 0.0
        self._opening: bool = False
        self._accept_headers: Headers = ()
        self._guards: tuple[Guard, ...] = options.guards
        self._connection: Connection = connection
        self._options: Options = options
        self._runtime: Runtime = runtime()
        orders = self._runtime.orders
        self.ws_orders: int = 0 if orders is None else orders.count
        """How many orders to close had come to this event loop before it."""
        # What its middleware and on_connect have set; kept from the opening on.
        self._context: Context | None = None
        self._lane: LaneUse = enter_lanes(options.settings.sync_lanes)
        # The task that runs the socket, of whatever result the server gave it.
        self._task: asyncio.Task[Any] | None = None
        # Where the socket's code runs in a task besides: that one.
        self._helper: asyncio.Task[Any] | None = None
        self._tasks: BackgroundTasks | None = None
        self._inbox: Inbox | None = None
        self._outbox: Outbox | None = None
        # What it has subscribed to, and what it has heard and not yet looked at.
        self._memberships: list[Membership] | dict[Membership, None] | None = None
        self._pump: EventPump | None = None
        self.ws_outlet: Outlet | None = None
        """Where events go out at once; ``None`` while others wait before them, or the socket looks at each."""
        self._grace: asyncio.TimerHandle | None = None
        self._close_code: CloseCode | None = None
        self._dropped: int = 0
        self._interrupted: bool = False
        self._closing: bool = False
        self._closer: asyncio.Future[None] | None = None
        self._finishing: bool = False

    # --- what a subclass says ---------------------------------------------------------------------

    async def on_connect(self) -> "HttpResponseBase | None":
        """Asked before the handshake is answered."""
        return None

    def select_subprotocol(self, offered: "Sequence[str]", /) -> str | None:
        """Choose one of those that the client offers (RFC 6455 section 4.2.2).

        Returns:
            By default the first of :attr:`subprotocols` that is among them; ``None``: none.
        """
        if not offered:
            return None
        return next((name for name in self.subprotocols if name in offered), None)

    async def on_error(self, error: Exception) -> None:
        """Told of a fault, before it passes up."""

    async def on_task_error(self, error: Exception) -> None:
        """Told of an exception in a background task."""

    def _on_close_hook(self) -> "Coroutine[object, None, None] | None":
        """Give the hook for the end; ``None`` where there is none."""
        return None

    def ws_deliver(self, delivery: "TopicDelivery", /) -> None:
        """Take an event of a topic."""

    # A topic of any events.
    def ws_gap(self, topic: Any, /) -> None:
        """Take note that events of a topic may have been lost."""

    # --- what a route says ------------------------------------------------------------------------

    def add_guards(self, guards: "Sequence[Guard]", /) -> None:
        """Ask these, too, before those of the class; for what makes the socket."""
        self._guards = (*guards, *self._guards)

    @property
    def _sender(self) -> object:
        """What the signals are sent by."""
        return type(self)

    # --- tasks ------------------------------------------------------------------------------------

    async def _task_failed(self, error: Exception) -> None:
        """Log a fault in a background task and tell the hook; the connection lives on."""
        if isinstance(error, ConnectionClosed) and not self._connection.is_open:
            return
        self._log(logging.ERROR, "a background task failed", error=error)
        try:
            await self.on_task_error(error)
        except Exception as failure:  # noqa: BLE001 - the hook of a hook: there is nobody left to tell
            self._log(logging.ERROR, "on_task_error failed", error=failure)

    def _task_group(self) -> BackgroundTasks:
        """Give the background tasks; they, and their manager, are made when they are first needed."""
        if self._tasks is None:
            manager = self._options.task_manager()
            self._tasks = BackgroundTasks(manager, self._task_failed, self._name, self._fields)
            if self._finishing:
                self._tasks.cancel_all()
        return self._tasks

    def _interrupt(self) -> None:
        """Break into what the socket's task awaits. Never called by that task itself."""
        if self._task is not None and not self._finishing and not self._interrupted:
            self._interrupted = True
            self._task.cancel()

    # --- send -------------------------------------------------------------------------------------

    def _send_data(self, data: "Data", /) -> "Awaitable[bool]":
        """Send one message, in order of call."""
        if self._outbox is not None:
            return self._outbox.put(data)
        try:
            rest = self._connection.send(data)
        except ConnectionClosed:
            return self._runtime.lost
        if rest is None:
            return self._runtime.taken
        return self._open_outbox().begin(rest)

    def _open_outbox(self) -> Outbox:
        options = self._options
        self._close_outlet()
        self._outbox = Outbox(
            self._connection,
            max_messages=options.outbox_messages,
            max_bytes=options.outbox_bytes,
            overflow=options.overflow,
            on_empty=self._forget_outbox,
            on_overflow=self._overflowed,
            extra=self._fields,
        )
        return self._outbox

    def _forget_outbox(self) -> None:
        self._outbox = None
        self._open_outlet()

    def _close_outlet(self) -> None:
        self.ws_outlet = None

    def _open_outlet(self) -> None:
        """Let events out at once, where there are any, nothing waits before them, and the connection can."""
        waits = self._outbox is not None or self._pump is not None
        if self._memberships and not waits and hasattr(self._connection, "begin_send"):
            self.ws_outlet = cast("Outlet", self._connection)

    def _overflowed(self) -> None:
        self._dropped += 1
        if self._options.overflow is Overflow.CLOSE:
            self._refused(
                Limit.OUTBOX,
                "the client reads too slowly, the outbox is full; closed with 1013. See WS_OUTBOX_MESSAGES, "
                "WS_OUTBOX_BYTES and overflow",
            )
            self._close_code = CloseCode.TRY_AGAIN_LATER
            # In the next turn: the task that called send may be the socket's own.
            asyncio.get_running_loop().call_soon(self._interrupt)
        elif self._dropped > 1:
            count_refusal(Limit.OUTBOX)
        else:
            policy = self._options.overflow.value
            self._refused(
                Limit.OUTBOX, f"the client reads too slowly, the outbox is full; messages are dropped ({policy})"
            )

    # --- log --------------------------------------------------------------------------------------

    @property
    def _name(self) -> str:
        """Name the socket in a log line: its class, without anything of the client."""
        return type(self).__qualname__

    @property
    def _end_code(self) -> int | None:
        code = self._connection.close_code
        return self._close_code if code is None else code

    def _fields(self) -> dict[str, object]:
        duration = self._runtime.time() - self._opened_at if self._opened_at else None
        return fields(self.request, self._name, code=self._end_code, duration=duration)

    def _log(self, level: int, text: str, *args: object, error: BaseException | None = None) -> None:
        if logger.isEnabledFor(level):
            logger.log(level, "%s: " + text, self._name, *args, exc_info=error, extra=self._fields())  # noqa: G003

    def _refused(self, limit: Limit, text: str) -> None:
        """Count what a limit has refused, and log it, but not each time."""
        log_refusal(logger, limit, self._name, f"{self._name}: {text}", extra=self._fields)
