"""When sockets are looked at again: one timer for all those of a loop that want it, and a bound on how many at once.

Nothing happens on the path of a message, and no socket has a task that sleeps.
"""

import contextvars
import random
from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol, cast, final

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterable

__all__ = ["Revalidated", "RevalidationWatch"]

_AT_ONCE: Final = 8
"""Sockets that are checked at once: a check makes queries, and sync code has few threads."""
_EARLIEST: Final = 0.75
_LATEST: Final = 0.95
"""When in its time a socket is due: a random moment between these, so that those which came together do not stay so."""
_LOOK: Final = 0.05
"""What of that time passes between two looks: together, no socket is looked at too late."""
_LOG_EVERY: Final = 60.0
"""Seconds between two lines about checks that failed."""


class Revalidated(Protocol):
    """What is looked at: a socket."""

    # The task's result is of no use.
    def ws_revalidate(self) -> "asyncio.Task[Any] | None":
        """Begin to check it; ``None`` where it has ended."""
        ...


@final
class RevalidationWatch:
    """Looks after the sockets of one event loop.

    Args:
        loop: The loop.
    """

    __slots__ = ("_context", "_interval", "_logged_at", "_loop", "_queue", "_running", "_timer", "_watched")

    def __init__(self, loop: "asyncio.AbstractEventLoop") -> None:
        self._loop: asyncio.AbstractEventLoop = loop
        # How often in seconds, and when it is due.
        self._watched: dict[Revalidated, tuple[float, float]] = {}
        # In order: who came first is looked at first. Of a plain dict, taking the first again and again is slow.
        self._queue: OrderedDict[Revalidated, None] = OrderedDict()
        self._running: set[Revalidated] = set()
        self._interval: float = 0.0
        self._timer: asyncio.TimerHandle | None = None
        # Of its own: the timer outlives the socket that happened to be the first to need it.
        self._context: contextvars.Context = contextvars.Context()
        self._logged_at: float | None = None

    def __len__(self) -> int:
        """Count the sockets that are looked at from time to time."""
        return len(self._watched)

    def add(self, socket: Revalidated, seconds: float, /) -> None:
        """Look at ``socket`` from now on, at least every so many seconds."""
        self._plan(socket, seconds)
        interval = seconds * _LOOK
        if self._timer is not None:
            if self._interval <= interval:
                return
            self._timer.cancel()
        self._interval = interval
        self._timer = self._loop.call_later(interval, self._look, context=self._context)

    def discard(self, socket: object, /) -> None:
        """Look at it no more."""
        self._watched.pop(cast("Revalidated", socket), None)
        self._queue.pop(cast("Revalidated", socket), None)

    def check(self, sockets: "Iterable[Revalidated]", /) -> None:
        """Look at these as soon as may be."""
        for socket in sockets:
            self._queue[socket] = None
        self._go_on()

    def may_log(self) -> bool:
        """Say whether a check that failed may be logged: the first, and then one a minute."""
        now = self._loop.time()
        if self._logged_at is not None and now - self._logged_at < _LOG_EVERY:
            return False
        self._logged_at = now
        return True

    def _plan(self, socket: Revalidated, seconds: float) -> None:
        # Not for secrets: this spreads load.
        share = random.uniform(_EARLIEST, _LATEST)  # noqa: S311
        self._watched[socket] = (seconds, self._loop.time() + share * seconds)

    def _look(self) -> None:
        if not self._watched:
            self._timer = None
            return
        self._timer = self._loop.call_later(self._interval, self._look, context=self._context)
        now = self._loop.time()
        due = [(socket, seconds) for socket, (seconds, at) in self._watched.items() if at <= now]
        for socket, seconds in due:
            self._plan(socket, seconds)
        if due:
            self.check(socket for socket, _ in due)

    def _go_on(self) -> None:
        while len(self._running) < _AT_ONCE:
            socket = next((socket for socket in self._queue if socket not in self._running), None)
            if socket is None:
                return
            del self._queue[socket]
            task = socket.ws_revalidate()
            if task is not None:
                self._running.add(socket)
                task.add_done_callback(partial(self._ended, socket))

    # The task's result is of no use.
    def _ended(self, socket: Revalidated, _: "asyncio.Task[Any]") -> None:
        self._running.discard(socket)
        if self._queue:
            self._go_on()
