"""Several ``on_message`` of one socket at once, up to a bound; one at a time is WebSocketHandler.run's own loop.

Theory of operation. The socket's task goes on receiving and starts a task for each message, in order of arrival; while
as many run as may, it receives nothing, which the client feels as back-pressure. Whatever ends the receiving, the
running hooks are seen to their end first: after the end of the connection they have the same grace as a single hook;
at a fault, a shutdown, or where that grace is over, they are cancelled and waited for, within the bound of every
clean-up.
"""

import asyncio
import logging
from typing import TYPE_CHECKING, ClassVar, NoReturn, final

from typing_extensions import TypeVar, override

from django_ws.codecs.json import JSON, JSONEncodable
from django_ws.exceptions import ConnectionClosed, InvalidMessageError
from django_ws.handler.lanes import enter_background_task, rest_lane
from django_ws.handler.waiting import wait_out
from django_ws.handler.websocket import WebSocket

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

__all__ = ["ConcurrentSocket", "MessageTasks"]

InT = TypeVar("InT", default=JSON)
OutT = TypeVar("OutT", default=JSONEncodable)


@final
class MessageTasks:
    """The hooks of one socket that run at once.

    Args:
        limit: How many may.
        on_fault: Called at the first that fails; not for those that fail as they are cancelled.
    """

    __slots__ = ("_limit", "_on_fault", "_running", "_stopping", "fault", "more_faults")

    def __init__(self, limit: int, on_fault: "Callable[[], None]") -> None:
        self._limit: int = limit
        self._on_fault: Callable[[], None] = on_fault
        self._running: set[asyncio.Task[None]] = set()
        self._stopping: bool = False
        self.fault: BaseException | None = None
        """What the first one failed with."""
        self.more_faults: list[BaseException] = []
        """What others failed with after that."""

    def __len__(self) -> int:
        """Count those that run."""
        return len(self._running)

    def start(self, hook: "Coroutine[object, None, None]", /) -> None:
        """Run one."""
        # Not eagerly: what fails at once would know our frame, and that the task.
        task = asyncio.get_running_loop().create_task(hook)
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if task not in self._running:
            return
        self._running.remove(task)
        fault = asyncio.CancelledError() if task.cancelled() else task.exception()
        if fault is None or (self._stopping and task.cancelled()):
            return
        if self.fault is not None or self._stopping:
            self.more_faults.append(fault)
            return
        self.fault = fault
        self._on_fault()

    async def room(self) -> None:
        """Wait until one more may be started."""
        await self._fewer_than(self._limit)

    async def finish(self) -> None:
        """Wait until none runs."""
        await self._fewer_than(1)

    async def _fewer_than(self, count: int) -> None:
        while len(self._running) >= count:
            await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)

    async def cancel(self, seconds: float, /) -> bool:
        """Cancel all that run and wait for their ends; those that take longer than ``seconds`` are abandoned.

        Returns:
            Whether the caller was cancelled meanwhile.
        """
        self._stopping = True
        running = list(self._running)
        for task in running:
            task.cancel()
        cancelled = await wait_out(running, seconds)
        for task in running:
            # Of one that was done before we looked, nobody has been told yet.
            if task.done():
                self._ended(task)
        return cancelled


class ConcurrentSocket(WebSocket[InT, OutT]):
    """The part of a handler that is at several messages at once, where its class says so."""

    max_concurrent_messages: ClassVar[int] = 1
    """How many messages of one connection may be in ``on_message`` at once.

    1: one after the other, in order of arrival. More: each in a task of its own, begun in order of arrival; what they
    send comes in the order in which they send it. A fault in one cancels the others.
    """

    async def on_message(self, data: InT, /) -> None:
        """Called for each message."""

    @override
    def _grace_over(self) -> None:
        self._patience: bool = False
        super()._grace_over()

    @override
    def ws_idle(self) -> None:
        """End the connection, unless hooks run: as long as one does, a socket is not idle."""
        seconds = self._options.idle_timeout
        if getattr(self, "_messages", None) and seconds is not None:
            self._runtime.idle.add(self, seconds)
        else:
            super().ws_idle()

    async def _serve_concurrently(self) -> NoReturn:
        """Take messages until the end.

        Raises:
            BaseException: What ended it, as from a loop that takes one after the other.
        """
        messages = MessageTasks(self._options.max_concurrent_messages, self._interrupt)
        self._messages: MessageTasks | None = messages
        self._patience = True
        ended: BaseException
        try:
            await self._take(messages)
        except GeneratorExit:
            raise  # the loop is gone: nothing can be awaited
        except BaseException as error:  # noqa: BLE001 - it is raised again
            ended = error
        try:
            if self._is_gentle(ended, messages):
                ended = await self._let_finish(ended, messages)
            seconds = self._options.cleanup_timeout
            owed = await messages.cancel(seconds)
            if messages:
                text = "%d calls of on_message ignored their cancellation for %g s and are abandoned"
                self._log(logging.ERROR, text, len(messages), seconds)
            if messages.fault is not None:
                # It looks as if it had been raised in the socket's own task.
                self._take_back()
                ended = messages.fault
            elif owed:
                ended = asyncio.CancelledError()
            while messages.more_faults:
                self._log(logging.ERROR, "another on_message failed", error=messages.more_faults.pop(0))
            raise ended
        finally:
            # See WebSocketHandler.run: nothing that an exception knows may know it.
            self._messages = None
            del ended, messages

    async def _take(self, messages: MessageTasks) -> NoReturn:
        while True:
            await messages.room()
            data = await self._next()
            self.ws_received: int = self.ws_received + 1
            if self.ws_received > self._allowed:
                await self._throttle()
            try:
                message = self._decode(data)
            except InvalidMessageError as error:
                # Here: what it is answered with, a close as a rule, comes before the next message.
                await self._refuse(error, data)
            else:
                messages.start(self._on_message(message))

    async def _on_message(self, message: InT) -> None:
        _ = enter_background_task()
        try:
            await self.on_message(message)
        finally:
            rest_lane()

    def _is_gentle(self, ended: BaseException, messages: MessageTasks) -> bool:
        """Say whether the connection has simply ended, so that the hooks have their grace."""
        if messages.fault is not None or not self._patience:
            return False
        if isinstance(ended, ConnectionClosed):
            return not self._connection.is_open
        # close() was called elsewhere, and has interrupted the receive; nobody else has cancelled us.
        if self._task is None or not self._interrupted or self._task.cancelling() != 1:
            return False
        return isinstance(ended, asyncio.CancelledError) and self._closing and self._close_code is None

    async def _let_finish(self, ended: BaseException, messages: MessageTasks) -> BaseException:
        """Wait for the hooks, as long as their grace lasts."""
        interrupted = self._take_back()
        self._end_noticed()
        try:
            await messages.finish()
        except asyncio.CancelledError as error:
            return error
        self._interrupted |= interrupted
        return ended

    def _take_back(self) -> bool:
        """Take back our interruption, if there was one, so that there can be another.

        Returns:
            Whether there was.
        """
        interrupted, self._interrupted = self._interrupted, False
        return interrupted and self._task is not None and self._task.uncancel() >= 0
