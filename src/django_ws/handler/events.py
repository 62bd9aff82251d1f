"""The events of topics on their way through ``on_event``: one after the other, in a task that lives while any wait."""

import contextvars
from collections import deque
from typing import TYPE_CHECKING, Final, final

from django_ws.handler.outbox import Overflow

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable, Coroutine

    from django_ws.interfaces import TopicDelivery

__all__ = ["EVENTS_TASK", "EventPump", "Gap"]

EVENTS_TASK: Final = "django_ws.events"
"""The task id under which ``on_event`` and ``on_gap`` run."""


@final
class Gap:
    """Stands among the events where some of a topic may have been lost.

    Args:
        topic: Which.
    """

    __slots__ = ("topic",)

    def __init__(self, topic: object) -> None:
        self.topic: Final = topic


@final
class EventPump:
    """What a socket has heard and not yet looked at.

    It remembers the context in which it was made, a hook's of the socket: what the request has activated there, a
    language, say, is active in ``on_event`` too.

    Args:
        max_waiting: How many events may wait.
        overflow: What is done past that.
        start: Starts a background task of the socket.
        handle: Awaited for each event and each gap.
        on_overflow: Called for each event that is dropped; for :attr:`Overflow.CLOSE` once.
    """

    __slots__ = ("_context", "_handle", "_is_closed", "_max_waiting", "_on_overflow", "_overflow", "_start", "_waiting")

    def __init__(
        self,
        *,
        max_waiting: int,
        overflow: Overflow,
        start: "Callable[[Callable[[], Coroutine[object, None, None]]], asyncio.Task[None]]",
        handle: "Callable[[TopicDelivery | Gap], Awaitable[None]]",
        on_overflow: "Callable[[], None]",
    ) -> None:
        self._max_waiting: int = max_waiting
        self._overflow: Overflow = overflow
        self._start: Callable[[Callable[[], Coroutine[object, None, None]]], asyncio.Task[None]] = start
        self._handle: Callable[[TopicDelivery | Gap], Awaitable[None]] = handle
        self._on_overflow: Callable[[], None] = on_overflow
        self._waiting: deque[TopicDelivery | Gap] = deque()
        self._context: contextvars.Context = contextvars.copy_context()
        self._is_closed: bool = False

    def __len__(self) -> int:
        """Count what waits, with the one that is being looked at."""
        return len(self._waiting)

    def put(self, item: "TopicDelivery | Gap", /) -> None:
        """Queue an event or a gap; a gap always finds room."""
        if self._is_closed:
            return
        if len(self._waiting) >= self._max_waiting and not isinstance(item, Gap):
            self._on_overflow()
            if self._overflow is Overflow.CLOSE:
                self._is_closed = True
                return
            if self._overflow is Overflow.DROP_NEWEST or len(self._waiting) < 2:  # noqa: PLR2004 - the first is at work
                return
            del self._waiting[1]
        self._waiting.append(item)
        if len(self._waiting) == 1:
            _ = self._context.run(self._start, self._run)

    def close(self) -> None:
        """Take nothing more, and forget what waits."""
        self._is_closed = True
        self._waiting.clear()

    async def _run(self) -> None:
        """Look at what waits until nothing does."""
        while self._waiting:
            await self._handle(self._waiting[0])
            if self._waiting:  # it may have been closed
                self._waiting.popleft()
