"""The bound in time on handshakes: one timer for all of them, and none where nobody is connecting."""

import asyncio
from typing import TYPE_CHECKING, Any, final

if TYPE_CHECKING:
    from collections.abc import Callable

    from django_ws.interfaces import Connection

__all__ = ["HandshakeTimeout"]


@final
class HandshakeTimeout:
    """Knows who is at a handshake, and since when.

    Args:
        on_timeout: Called with the task of a handshake that took too long.
    """

    __slots__ = ("_on_timeout", "_pending", "_timers")

    # The server's tasks have results of any type.
    def __init__(self, on_timeout: "Callable[[asyncio.Task[Any]], None]") -> None:
        self._on_timeout: Callable[[asyncio.Task[Any]], None] = on_timeout
        self._pending: dict[asyncio.Task[Any], tuple[float, Connection]] = {}
        # A process has one event loop, but for tests, which have many.
        self._timers: dict[asyncio.AbstractEventLoop, asyncio.TimerHandle] = {}

    def __len__(self) -> int:
        """Count the connections that are looked after."""
        return len(self._pending)

    # See __init__.
    def begin(self, task: "asyncio.Task[Any]", connection: "Connection", seconds: float) -> None:
        """Look after a handshake from now on.

        Args:
            task: What runs it.
            connection: Tells when it has been answered.
            seconds: How long it may take.
        """
        loop = task.get_loop()
        self._pending[task] = (loop.time() + seconds, connection)
        if loop not in self._timers:
            self._timers[loop] = loop.call_later(seconds, self._look, loop)

    # See __init__.
    def end(self, task: "asyncio.Task[Any]") -> None:
        """Forget it."""
        self._pending.pop(task, None)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """Give up on those that are late; the next look is when the next one can be."""
        del self._timers[loop]
        for closed in [other for other in self._timers if other.is_closed()]:
            del self._timers[closed]
        now, due = loop.time(), None
        for task, (deadline, connection) in list(self._pending.items()):
            if task.get_loop() is not loop:
                continue
            if connection.is_answered:
                del self._pending[task]
            elif deadline <= now:
                del self._pending[task]
                self._on_timeout(task)
            elif due is None or deadline < due:
                due = deadline
        if due is not None:
            self._timers[loop] = loop.call_at(due, self._look, loop)
