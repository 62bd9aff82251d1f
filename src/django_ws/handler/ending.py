"""The end of a socket: the close frame, and the clean-up that is never skipped.

The clean-up awaits nothing directly: each step is a task that :func:`~django_ws.handler.waiting.wait_out` waits for
within a bound, so that a cancellation that comes in the middle neither stops it nor gets lost.
"""

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import PermissionDenied, SuspiciousOperation

from django_ws.close_codes import CloseCode
from django_ws.exceptions import ConnectionClosed
from django_ws.handler.runtime import RECEIVING
from django_ws.handler.state import SocketState
from django_ws.handler.waiting import start_eagerly, wait_out
from django_ws.signals import announce, websocket_closed

if TYPE_CHECKING:
    from collections.abc import Coroutine

__all__ = ["EndingSocket"]

access_logger: Final = logging.getLogger("django_ws.access")

_CLOSE_SECONDS: Final = 2.0
"""How long the server may take over a close frame: a client that does not read holds it up."""

_HOOKS: Final = ("on_error", "on_close", "websocket_opened", "websocket_closed", "the generator")
"""The steps of the clean-up that are user code."""


class EndingSocket(SocketState):
    """A socket that knows how to end."""

    __slots__ = ()

    # --- the end comes ----------------------------------------------------------------------------

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
            text = "a hook was still running %g s after the end of the connection and is cancelled; "
            if self._throttled:
                text = "its messages still waited their turn %g s after the end of the connection; "
                unhandled += 1
            text += "%d messages are not handled"
            self._log(logging.WARNING, text, self._options.disconnect_grace, unhandled)
        self._interrupt()

    def _leave_topics(self) -> None:
        """Hear of no more events."""
        for membership in self._memberships or ():
            membership.leave(self)
        if self._pump is not None:
            self._pump.close()
        self._memberships = self._pump = None
        self._close_outlet()

    # --- our own close ----------------------------------------------------------------------------

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
            self._log(logging.DEBUG, "the client took no close frame within %g s", _CLOSE_SECONDS)
        finally:
            if self._closer is not None and not self._closer.done():
                self._closer.set_result(None)
            # A socket that waits for a message has been interrupted, or is about to be told by its next receive.
            if not self._runs_here() and self.ws_phase is not RECEIVING:
                self._end_noticed()

    def _runs_here(self) -> bool:
        """Say whether the current task is the one in which the socket's code runs."""
        task = asyncio.current_task()
        return task is self._task or (task is self._helper and task is not None)

    def _end_receive(self) -> None:
        """Let nothing wait for a message while a close goes out: granian holds the frame back until then."""
        if self._finishing:
            return
        if self._inbox is not None:
            self._inbox.stop()
        if self._task is not None and not self._runs_here():
            loop = asyncio.get_running_loop()
            self._closer = loop.create_future()
            # In the next turn: the close has begun by then, and the socket's task waits until it is done.
            loop.call_soon(self._interrupt_receive)

    def _interrupt_receive(self) -> None:
        if self.ws_phase is RECEIVING or self._throttled:
            self._interrupt()

    # --- clean-up ---------------------------------------------------------------------------------

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
        if self._memberships is not None:
            self._leave_topics()
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
            refused = isinstance(fault, PermissionDenied | SuspiciousOperation)
            self._close_code = CloseCode.POLICY_VIOLATION if refused else CloseCode.INTERNAL_ERROR
            owed |= await self._run_logged(self.on_error(fault), "on_error")
        elif not ended and self._is_stray(error):
            self._log(logging.ERROR, "a hook was cancelled by something that it awaited", error=error)
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
        owed |= await self._say_farewell(may_raise=ended and not owed)
        if owed and ended:
            raise asyncio.CancelledError
        return ended

    async def _say_farewell(self, *, may_raise: bool) -> bool:
        """Run ``on_close`` and send the signal, then let go of everything.

        Args:
            may_raise: Whether what ``on_close`` raises may pass up, for nothing else does.

        Returns:
            Whether the socket's task was cancelled meanwhile.
        """
        owed = False
        failure: BaseException | None = None
        hook = None if self._opening else self._on_close_hook()
        if hook is not None:
            task = start_eagerly(hook)
            owed = await self._wait_for(task, "on_close")
            failure = self._failure_of(task, may_raise=may_raise and not owed)
        if websocket_closed.receivers or access_logger.isEnabledFor(logging.INFO):
            owed |= await self._run_logged(self._announce_closed(), "websocket_closed")
        if self._connection.is_open:
            owed |= await self._seal()
        # They know this socket, and it should not take the garbage collector to free it.
        self._tasks = self._inbox = self._context = None
        if failure is not None:
            raise failure
        return owed

    async def _announce_closed(self) -> None:
        code = self._end_code or CloseCode.ABNORMAL_CLOSURE
        duration = self._runtime.time() - self._opened_at
        if access_logger.isEnabledFor(logging.INFO):
            access_logger.info("closed %s with %d after %.3f s", self._name, code, duration, extra=self._fields())
        reason = self._connection.close_reason
        await announce(websocket_closed, self._sender, websocket=self, code=code, reason=reason, duration=duration)

    async def _seal(self) -> bool:
        """Leave nothing on its way, and let nothing begin, before the application closes for a fault."""
        if self._outbox is None:
            self._open_outbox().seal()
            return False
        return await self._run_logged(self._outbox.flush(self._options.cleanup_timeout), "flush")

    def _failure_of(self, on_close: "asyncio.Task[None]", *, may_raise: bool) -> BaseException | None:
        """Give what ``on_close`` raised, to be raised; only log it where something else is being raised already."""
        failure = None if not on_close.done() or on_close.cancelled() else on_close.exception()
        if failure is None or may_raise:
            self._close_code = self._close_code if failure is None else CloseCode.INTERNAL_ERROR
            return failure
        self._log(logging.ERROR, "on_close failed", error=failure)
        return None

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
            self._log(logging.ERROR, "%s failed", what, error=failure)
        return owed

    async def _wait_for(self, task: "asyncio.Task[None]", what: str, *, may_be_cancelled: bool = False) -> bool:
        """Wait for a step of the clean-up, within the bound; past it, cancel the step, and at last abandon it."""
        # A flush and a close have bounds of their own, which must be the first to strike.
        seconds = self._options.cleanup_timeout + (0 if what in _HOOKS else 2 * _CLOSE_SECONDS)
        owed = await wait_out([task], seconds)
        if not task.done():
            self._log(logging.ERROR, "%s took longer than %g s and is cancelled", what, seconds)
            task.cancel()
            owed |= await wait_out([task], seconds)
        elif task.cancelled() and not may_be_cancelled:
            self._log(logging.ERROR, "%s was cancelled by something that it awaited", what)
        return owed
