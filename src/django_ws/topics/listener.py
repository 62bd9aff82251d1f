"""Events of a topic for any async code, as an async iterator."""

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, Final, Generic, Self, final

from typing_extensions import TypeVar

from django_ws.exceptions import TopicGapError, TopicOverflowError

if TYPE_CHECKING:
    from types import TracebackType

    from django_ws.interfaces import Member, Membership, TopicDelivery
    from django_ws.topics.topic import Topic

__all__ = ["Listener"]

EventT_co = TypeVar("EventT_co", covariant=True)


@final
class _Mark:
    """Stands in the queue where events were lost."""

    __slots__ = ("error",)

    def __init__(self, error: "TopicGapError | TopicOverflowError") -> None:
        self.error: Final = error


@final
class Listener(Generic[EventT_co]):
    """What :meth:`Topic.listen <django_ws.topics.Topic.listen>` gives: a context manager, then an iterator.

    From entering the block on, no event is missed without a word: where some were lost, the iterator raises in their
    place. It may be iterated again after that.

    Args:
        topic: What to hear of.
        max_pending: How many events may wait to be taken.

    Raises:
        ValueError: ``max_pending`` is not over 0.
    """

    # The topic's own type argument is that of the listener.
    def __init__(self, topic: "Topic[Any]", max_pending: int) -> None:
        if max_pending < 1:
            raise ValueError(f"max_pending is {max_pending!r}, but must be over 0")
        self._topic: Topic[Any] = topic
        self._max_pending: int = max_pending
        self._waiting: deque[TopicDelivery | _Mark] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._membership: Membership | None = None

    async def __aenter__(self) -> Self:
        """Subscribe.

        Raises:
            BrokerError: The engine could not be reached within ``WS_BROKER_TIMEOUT`` seconds.
            ImproperlyConfigured, ValueError: See :meth:`Topic.join <django_ws.topics.Topic.join>`.
        """
        member: Member = self
        self._membership = await self._topic.join(member)
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: "TracebackType | None"
    ) -> None:
        """Hear no more."""
        if self._membership is not None:
            self._membership.leave(self)
            self._membership = None
        self._waiting.clear()
        self._wake()

    def __aiter__(self) -> Self:
        """Give the events, for ever."""
        return self

    async def __anext__(self) -> EventT_co:
        """Wait for the next event.

        Raises:
            TopicGapError: The engine was away; events may have been lost here.
            TopicOverflowError: More came than may wait; those over were dropped here.
            RuntimeError: Outside of ``async with``; or another task is waiting for the next event.
        """
        while self._membership is None or not self._waiting:
            if self._membership is None:
                raise RuntimeError("a listener gives events within «async with topic.listen() as events» only")
            if self._waiter is not None:
                raise RuntimeError("two tasks take events from one listener: give each a listener of its own")
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        first = self._waiting.popleft()
        if isinstance(first, _Mark):
            raise first.error
        event: EventT_co = first.event
        return event

    # --- as a member of the topic -------------------------------------------------------------------

    def ws_deliver(self, delivery: "TopicDelivery", /) -> None:
        """Take an event in; called by the hub."""
        if len(self._waiting) < self._max_pending:
            self._put(delivery)
        elif not isinstance(self._waiting[-1], _Mark):
            self._put(_Mark(TopicOverflowError(f"more than {self._max_pending} events of {self._topic} wait")))

    def ws_gap(self, topic: object, /) -> None:
        """Take note of a gap; called by the hub."""
        self._put(_Mark(TopicGapError(f"events of {topic} may have been lost")))

    def _put(self, item: "TopicDelivery | _Mark") -> None:
        self._waiting.append(item)
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
