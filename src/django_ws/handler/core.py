"""The life of one socket: the handshake, the waits, the interruptions, and the clean-up that is never skipped.

Theory of operation. A socket runs in one task, the server's. It awaits a message, runs the hook, awaits the next:
no reader task, no queue. Three things may have to break into that: the end of the connection noticed while a hook
runs (:mod:`django_ws.handler.inbox`), our own ``close`` called by another task while the socket waits (some servers
never end that wait), and an outbox that overflows. Each *interrupts*: it cancels the socket's task and owns up to it,
as :func:`asyncio.timeout` does, so that a cancellation from outside is told from ours and passed on.

The clean-up awaits nothing directly: each step is a task that :func:`~django_ws.handler.waiting.wait_out` waits for
within a bound, so that a cancellation that comes in the middle neither stops it nor gets lost.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse

from django_ws.close_codes import CloseCode
from django_ws.exceptions import ConnectionClosed
from django_ws.handler.inbox import Inbox
from django_ws.handler.lanes import enter_lanes
from django_ws.handler.outbox import Outbox, Overflow
from django_ws.handler.runtime import RECEIVING, RUNNING, Phase, runtime
from django_ws.handler.tasks import TaskGroup
from django_ws.handler.waiting import start_eagerly, wait_out

if TYPE_CHECKING:
    from collections.abc import Awaitable, Coroutine

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from django_ws.handler.lanes import LaneUse
    from django_ws.handler.options import Options
    from django_ws.handler.runtime import Runtime
    from django_ws.interfaces import Connection, Data, Headers

__all__ = ["SocketCore"]

logger: Final = logging.getLogger("django_ws")

_CLOSE_SECONDS: Final = 2.0
"""How long the server may take over a close frame: a client that does not read holds it up."""

_HOOKS: Final = ("on_error", "on_close")
"""The steps of the clean-up that are user code."""


class SocketCore:
    """The part of a socket that its user does not see.

    Args:
        request: The handshake.
        connection: The frames.
        options: The limits and the codec of the class.
    """

    __slots__ = (
        "__weakref__",
        "_accept_headers",
        "_close_code",
        "_closer",
        "_closing",
        "_connection",
        "_dropped",
        "_finishing",
        "_grace",
        "_inbox",
        "_interrupted",
        "_lane",
        "_options",
        "_outbox",
        "_runtime",
        "_task",
        "_tasks",
        "request",
        "subprotocol",
        "ws_phase",
    )

    subprotocols: ClassVar[Sequence[str]] = ()
    """The subprotocols that the socket speaks, in its order of preference (RFC 6455 section 1.9)."""
    subprotocol_required: ClassVar[bool] = False
    """Whether a handshake that offers none of them is denied with 400; else it is accepted without one."""

    def __init__(self, request: "HttpRequest", connection: "Connection", options: "Options") -> None:
        self.request: HttpRequest = request
        """The handshake as Django's request."""
        self.subprotocol: str | None = None
        """The subprotocol that the handshake was accepted with."""
        self.ws_phase: Phase = RECEIVING
        """What the socket is at; for the ticker."""
        self._accept_headers: Headers = ()
        self._connection: Connection = connection
        self._options: Options = options
        self._runtime: Runtime = runtime()
        self._lane: LaneUse = enter_lanes(options.settings.sync_lanes)
        # The task that runs the socket, of whatever result the server gave it.
        self._task: asyncio.Task[Any] | None = None
        self._tasks: TaskGroup | None = None
        self._inbox: Inbox | None = None
        self._outbox: Outbox | None = None
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
        """Choose one of those that the client offers."""
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

    # --- begin ------------------------------------------------------------------------------------

    async def _handshake(self) -> "HttpResponseBase | None":
        """Ask :meth:`on_connect`, then accept.

        Returns:
            What the handshake is to be denied with; ``None`` if it was accepted, or the client has gone.
        """
        connection = self._connection
        try:
            response = await self.on_connect()
            if response is None and not connection.is_answered:
                subprotocol = self.select_subprotocol(connection.subprotocols)
                if subprotocol is None and self.subprotocol_required:
                    response = self._without_subprotocol()
                else:
                    await self.accept(subprotocol)
        except GeneratorExit:
            raise  # the loop is gone: nothing can be awaited
        except BaseException as error:
            owed = await self._give_up()
            if not isinstance(error, ConnectionClosed) or connection.is_open or not connection.is_answered:
                raise
            response = None
        else:
            owed = False if connection.is_open else await self._give_up()
        if owed:
            raise asyncio.CancelledError
        return response

    def _without_subprotocol(self) -> HttpResponse:
        spoken = ", ".join(self.subprotocols)
        logger.warning("%s: denied with 400: the client offers none of its subprotocols (%s)", self._name, spoken)
        text = f"Offer one of these in Sec-WebSocket-Protocol: {spoken}\n"
        return HttpResponse(text, status=400, content_type="text/plain; charset=utf-8")

    async def _give_up(self) -> bool:
        """Clean up after a handshake that came to nothing: there was no ``on_open``, so there is no ``on_close``.

        The connection may be open for all that: ``on_connect`` may accept by itself and then fail.

        Returns:
            Whether the socket's task was cancelled during the clean-up.
        """
        self._finishing = True
        owed = await self._stop_tasks()
        if self._outbox is not None:
            owed |= await self._run_logged(self._outbox.flush(0), "flush")
        return owed

    def _begin(self) -> None:
        """Enter the life after the handshake: from now on :meth:`_finish` must be awaited."""
        self._task = asyncio.current_task()
        self.ws_phase = RUNNING
        self._runtime.add(self)
        if self._close_code is not None:
            # It overflowed in on_connect, where there was no task to interrupt yet.
            asyncio.get_running_loop().call_soon(self._interrupt)

    async def accept(self, subprotocol: str | None = None, headers: "Headers" = ()) -> None:
        """Accept the handshake. Only for ``on_connect``, and only to say more than it would be accepted with.

        Args:
            subprotocol: One that the client offers, or ``None``.
            headers: More headers for the response (daphne and granian do not send them).

        Raises:
            ConnectionClosed: The client has gone.
            LocalProtocolError: The handshake was answered before.
            ValueError: A subprotocol that was not offered, or a header that HTTP cannot carry.
        """
        if self._accept_headers:
            headers = [*self._accept_headers, *headers]
        await self._connection.accept(subprotocol, headers)
        self.subprotocol = subprotocol

    def add_accept_headers(self, headers: "Headers", /) -> None:
        """Send these headers, too, as the handshake is accepted: for middleware. No-op after that.

        daphne and granian do not send them.
        """
        self._accept_headers = [*self._accept_headers, *headers]

    # --- receive ----------------------------------------------------------------------------------

    async def _next(self) -> "Data":
        """Wait for the next message, however it comes.

        Raises:
            ConnectionClosed: The connection has ended and nothing waits.
        """
        if self._lane.used:
            self._lane.give_back()
        self.ws_phase = RECEIVING
        try:
            if self._inbox is not None:
                if self._closing and not self._connection.is_open:
                    raise ConnectionClosed(self._connection.close_code or CloseCode.ABNORMAL_CLOSURE)
                data = await self._inbox.get()
                if data is not None:
                    return data
                self._inbox = None
            return await self._connection.receive()
        finally:
            # Also after a time-out, or where the end is read by another task than the socket's own: code runs again,
            # and the ticker must look after it.
            self.ws_phase = RUNNING
            self._runtime.active = True

    def ws_tick(self) -> None:
        """Take note that one hook has been running for a tick; read on at the second, to notice the end."""
        if self.ws_phase is RUNNING:
            self.ws_phase = Phase.LONG
            return
        if self._inbox is None:
            self._inbox = Inbox(self._connection, self._options.inbox_messages, self._end_noticed)
        self._inbox.read_on()

    def _end_noticed(self) -> None:
        """Act on the end of the connection while a hook runs: tasks stop now, the hook when its grace is over."""
        if self._finishing:
            return
        if self._tasks is not None:
            self._tasks.cancel_all()
        grace = self._options.disconnect_grace
        if grace is not None and self._grace is None:
            self._grace = asyncio.get_running_loop().call_later(grace, self._grace_over)

    def _grace_over(self) -> None:
        if self.ws_phase is not RECEIVING:
            unhandled = self._inbox.drop() if self._inbox is not None else 0
            logger.warning(
                "%s: a hook was still running %g s after the end of the connection and is cancelled; "
                "%d messages are not handled",
                self._name,
                self._options.disconnect_grace,
                unhandled,
            )
        self._interrupt()

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
        self._outbox = self._new_outbox()
        return self._outbox.begin(rest)

    def _new_outbox(self) -> Outbox:
        options = self._options
        return Outbox(
            self._connection,
            max_messages=options.outbox_messages,
            max_bytes=options.outbox_bytes,
            overflow=options.overflow,
            on_empty=self._forget_outbox,
            on_overflow=self._overflowed,
        )

    def _forget_outbox(self) -> None:
        self._outbox = None

    def _overflowed(self) -> None:
        self._dropped += 1
        if self._options.overflow is Overflow.CLOSE:
            logger.warning(
                "%s: the client reads too slowly, the outbox is full; closed with 1013. See WS_OUTBOX_MESSAGES, "
                "WS_OUTBOX_BYTES and overflow",
                self._name,
            )
            self._close_code = CloseCode.TRY_AGAIN_LATER
            # In the next turn: the task that called send may be the socket's own.
            asyncio.get_running_loop().call_soon(self._interrupt)
        elif self._dropped == 1:
            logger.warning(
                "%s: the client reads too slowly, the outbox is full; messages are dropped (%s)",
                self._name,
                self._options.overflow.value,
            )

    # --- end --------------------------------------------------------------------------------------

    async def _close(self, code: int, reason: str) -> None:
        """Send what waits, then the close frame, each within a bound."""
        self._closing = True
        try:
            if self._outbox is not None:
                overflowed = self._close_code is CloseCode.TRY_AGAIN_LATER
                await self._outbox.flush(0 if overflowed else self._options.cleanup_timeout)
        except asyncio.CancelledError:
            self._closing = False  # no frame is on its way: close() may be called again
            raise
        self._end_receive()
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._connection.close(code, reason)
        except TimeoutError:
            logger.debug("%s: the client took no close frame within %g s", self._name, _CLOSE_SECONDS)
        finally:
            if self._closer is not None and not self._closer.done():
                self._closer.set_result(None)
            # A socket that waits for a message has been interrupted, or is about to be told by its next receive.
            if asyncio.current_task() is not self._task and self.ws_phase is not RECEIVING:
                self._end_noticed()

    def _end_receive(self) -> None:
        """Let nothing wait for a message while a close goes out: granian holds the frame back until then."""
        if self._finishing:
            return
        if self._inbox is not None:
            self._inbox.stop()
        if self._task is not None and asyncio.current_task() is not self._task:
            loop = asyncio.get_running_loop()
            self._closer = loop.create_future()
            # In the next turn: the close has begun by then, and the socket's task waits until it is done.
            loop.call_soon(self._interrupt_receive)

    def _interrupt_receive(self) -> None:
        if self.ws_phase is RECEIVING:
            self._interrupt()

    async def _finish(self, error: BaseException | None) -> bool:
        """Clean up: tasks, what waits to be sent, the close frame, ``on_close``.

        Args:
            error: What ended the socket's code; ``None`` if it came to its own end.

        Returns:
            Whether ``error`` is an end like any other; if not, it must be raised again.

        Raises:
            CancelledError: The socket's task was cancelled during the clean-up, which went on all the same.
            Exception: What ``on_close`` raised.
        """
        self._finishing = True
        self.ws_phase = RECEIVING
        self._runtime.discard(self)
        if self._grace is not None:
            self._grace.cancel()
        if isinstance(error, GeneratorExit):
            return False  # the loop is gone: nothing can be awaited
        ended = self._is_end(error)
        fault = error if isinstance(error, Exception) and not ended else None
        owed = False
        if self._closer is not None:
            owed |= await wait_out([self._closer], _CLOSE_SECONDS)
        if fault is not None:
            self._close_code = (
                CloseCode.POLICY_VIOLATION if isinstance(fault, PermissionDenied) else CloseCode.INTERNAL_ERROR
            )
            owed |= await self._run_logged(self.on_error(fault), "on_error")
        elif not ended and self._is_stray(error):
            logger.error("%s: a hook was cancelled by something that it awaited", self._name, exc_info=error)
            self._close_code = CloseCode.INTERNAL_ERROR
            ended = True
        if self._tasks is not None or self._inbox is not None:
            owed |= await self._stop_tasks()
        if fault is None and self._connection.is_open:
            code = self._close_code or (CloseCode.NORMAL_CLOSURE if ended else CloseCode.SERVICE_RESTART)
            owed |= await self._run_logged(self._close(code, ""), "close")
        elif self._outbox is not None:
            seconds = self._options.cleanup_timeout if self._connection.is_open else 0
            owed |= await self._run_logged(self._outbox.flush(seconds), "flush")
        hook = self._on_close_hook()
        if hook is not None:
            task = start_eagerly(hook)
            owed |= await self._wait_for(task, "on_close")
            self._raise_or_log(task, may_raise=ended and not owed)
        if self._connection.is_open:
            owed |= await self._seal()
        # They know this socket, and it should not take the garbage collector to free it.
        self._tasks = self._inbox = None
        if owed and ended:
            raise asyncio.CancelledError
        return ended

    async def _seal(self) -> bool:
        """Leave nothing on its way, and let nothing begin, before the application closes for a fault."""
        if self._outbox is None:
            self._outbox = self._new_outbox()
            self._outbox.seal()
            return False
        return await self._run_logged(self._outbox.flush(self._options.cleanup_timeout), "flush")

    def _raise_or_log(self, on_close: "asyncio.Task[None]", *, may_raise: bool) -> None:
        """Pass on what ``on_close`` raised; only log it where something else is being raised already."""
        failure = None if not on_close.done() or on_close.cancelled() else on_close.exception()
        if failure is None:
            return
        if may_raise:
            self._close_code = CloseCode.INTERNAL_ERROR
            raise failure
        logger.error("%s: on_close failed", self._name, exc_info=failure)

    def _is_end(self, error: BaseException | None) -> bool:
        """Say whether ``error`` is no fault but the end of the connection; settle what our interruption owes."""
        interrupted, self._interrupted = self._interrupted, False
        others = 0
        if interrupted and self._task is not None:
            others = self._task.uncancel()
        if error is None:
            return True
        if isinstance(error, asyncio.CancelledError):
            return interrupted and not others
        return isinstance(error, ConnectionClosed) and not self._connection.is_open

    def _is_stray(self, error: BaseException | None) -> bool:
        """Say whether ``error`` is a ``CancelledError`` although nobody cancelled the socket's task."""
        return isinstance(error, asyncio.CancelledError) and self._task is not None and not self._task.cancelling()

    async def _stop_tasks(self) -> bool:
        """Cancel and await the background tasks and the reader."""
        owed = False
        seconds = self._options.cleanup_timeout
        if self._tasks is not None:
            owed |= await self._tasks.close(seconds)
        if self._inbox is not None:
            owed |= await wait_out(self._inbox.stop(), seconds)
        return owed

    async def _run_logged(self, coroutine: "Coroutine[Any, Any, None]", what: str) -> bool:
        """Run a step of the clean-up; log what it raises, for the fault that led here counts more."""
        task = start_eagerly(coroutine)
        owed = await self._wait_for(task, what)
        if task.done() and not task.cancelled() and (failure := task.exception()) is not None:
            logger.error("%s: %s failed", self._name, what, exc_info=failure)
        return owed

    async def _wait_for(self, task: "asyncio.Task[None]", what: str) -> bool:
        """Wait for a step of the clean-up, within the bound; past it, cancel the step, and at last abandon it."""
        # A flush and a close have bounds of their own, which must be the first to strike.
        seconds = self._options.cleanup_timeout + (0 if what in _HOOKS else 2 * _CLOSE_SECONDS)
        owed = await wait_out([task], seconds)
        if not task.done():
            logger.error("%s: %s took longer than %g s and is cancelled", self._name, what, seconds)
            task.cancel()
            owed |= await wait_out([task], seconds)
        elif task.cancelled():
            logger.error("%s: %s was cancelled by something that it awaited", self._name, what)
        return owed

    async def _task_failed(self, error: Exception) -> None:
        """Log a fault in a background task and tell the hook; the connection lives on."""
        if isinstance(error, ConnectionClosed) and not self._connection.is_open:
            return
        logger.error("%s: a background task failed", self._name, exc_info=error)
        try:
            await self.on_task_error(error)
        except Exception:
            logger.exception("%s: on_task_error failed", self._name)

    def _task_group(self) -> TaskGroup:
        """Give the group of background tasks, made when it is first needed."""
        if self._tasks is None:
            self._tasks = TaskGroup(self._task_failed, self._name)
            if self._finishing:
                self._tasks.cancel_all()
        return self._tasks

    @property
    def _name(self) -> str:
        """Name the socket in a log line: its class, without anything of the client."""
        return type(self).__qualname__
