"""What waits to be sent while the client reads slowly: in order of call, bounded, with a declared overflow policy.

An outbox is made when a send first has to wait, and dropped when nothing waits any more: a socket whose client keeps
up has none.
"""

import asyncio
import logging
from collections import deque
from enum import Enum, unique
from typing import TYPE_CHECKING, Any, Final, final

from django_ws.exceptions import ConnectionClosed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from django_ws.interfaces import Connection, Data

__all__ = ["Outbox", "Overflow"]

logger: Final = logging.getLogger("django_ws")

_CANCEL_SECONDS: Final = 1.0
"""How long the server's ``send`` may take over its own cancellation."""


@unique
class Overflow(Enum):
    """What is done with a message for which the outbox has no room."""

    CLOSE = "close"
    """Give up the client: nothing more is sent, and the connection is closed with 1013."""
    DROP_OLDEST = "drop_oldest"
    """Drop what has waited longest: for a feed in which the newest value is what counts."""
    DROP_NEWEST = "drop_newest"
    """Drop the message itself."""


def _do_nothing() -> None:
    """Stand for a callback that is called no more."""


@final
class _Waiting:
    """One message that waits for its turn."""

    __slots__ = ("data", "future", "size")

    def __init__(self, data: "Data", size: int, future: "asyncio.Future[bool]") -> None:
        self.data: Data = data
        self.size: int = size
        self.future: asyncio.Future[bool] = future

    def resolve(self, taken: bool, /) -> None:  # noqa: FBT001 - the one thing it says
        if not self.future.done():
            self.future.set_result(taken)


@final
class Outbox:
    """The messages of one connection that the server has not taken yet.

    The first is the one that the server is at; it is finished by the task that awaits it, or, from the next turn of
    the loop on, by a task made for it. One task at a time sends what waits behind it.

    Args:
        connection: Where they go.
        max_messages: How many may wait.
        max_bytes: How many bytes of UTF-8 may wait; one message alone may be larger.
        overflow: What is done past a bound.
        on_empty: Called when nothing waits any more.
        on_overflow: Called for each message that is dropped; for :attr:`Overflow.CLOSE` once.
        extra: Gives the fields of a log line.
    """

    __slots__ = (
        "_bytes",
        "_closed",
        "_connection",
        "_extra",
        "_idle",
        "_max_bytes",
        "_max_messages",
        "_on_empty",
        "_on_overflow",
        "_overflow",
        "_task",
        "_waiting",
    )

    def __init__(
        self,
        connection: "Connection",
        *,
        max_messages: int,
        max_bytes: int,
        overflow: Overflow,
        on_empty: "Callable[[], None]",
        on_overflow: "Callable[[], None]",
        extra: "Callable[[], dict[str, object]]" = dict,
    ) -> None:
        self._connection: Connection = connection
        self._max_messages: int = max_messages
        self._max_bytes: int = max_bytes
        self._overflow: Overflow = overflow
        self._on_empty: Callable[[], None] = on_empty
        self._on_overflow: Callable[[], None] = on_overflow
        self._extra: Callable[[], dict[str, object]] = extra
        self._waiting: deque[_Waiting] = deque()
        self._bytes: int = 0
        self._closed: bool = False
        self._idle: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        """Count what waits behind the message that the server is at."""
        return len(self._waiting)

    @property
    def waiting_bytes(self) -> int:
        """Bytes of UTF-8 that wait behind the message that the server is at."""
        return self._bytes

    def begin(self, rest: "Awaitable[None]", /) -> "Awaitable[bool]":
        """Take over a send that did not end at its call.

        Args:
            rest: What ``Connection.send`` gave, or ``Outlet.rest_of_send``.

        Returns:
            An awaitable of ``True``, or ``False`` if the connection ended first.
        """
        loop = asyncio.get_running_loop()
        head = _Head(self, rest, loop.create_future())
        loop.call_soon(head.adopt)
        return head

    def put(self, data: "Data", /) -> "asyncio.Future[bool]":
        """Queue one message behind those that wait.

        Returns:
            A future of ``True``, or of ``False`` if it was dropped or the connection ended first. Cancelling it does
            not take the message back.
        """
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        size = len(data.encode()) if isinstance(data, str) and not data.isascii() else len(data)
        message = _Waiting(data, size, future)
        if self._closed or not self._make_room(size):
            message.resolve(False)
        else:
            self._waiting.append(message)
            self._bytes += size
        return future

    def _make_room(self, size: int) -> bool:
        while self._waiting and (len(self._waiting) >= self._max_messages or self._bytes + size > self._max_bytes):
            if self._overflow is Overflow.CLOSE:
                self.drop()
            elif self._overflow is Overflow.DROP_OLDEST:
                self._pop().resolve(False)
            self._on_overflow()
            if self._overflow is not Overflow.DROP_OLDEST:
                return False
        return True

    def _pop(self) -> _Waiting:
        message = self._waiting.popleft()
        self._bytes -= message.size
        return message

    def drop(self) -> None:
        """Give up all that waits; every send answers ``False`` from now on."""
        self._closed = True
        while self._waiting:
            self._pop().resolve(False)

    def seal(self) -> None:
        """Take nothing at all, of an outbox in which nothing waits: every send answers ``False`` from now on."""
        self._closed = True
        self._report_empty()
        self._let_go()

    async def flush(self, seconds: float, /) -> None:
        """Take no more, and wait until all that waits has been sent; give up what has not been after ``seconds``."""
        self._closed = True
        await asyncio.wait([self._idle], timeout=seconds)
        self.drop()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task], timeout=_CANCEL_SECONDS)
        # A task that was cancelled does not say so; a second flush must not wait for it.
        if not self._idle.done():
            self._idle.set_result(None)
        self._let_go()

    def _let_go(self) -> None:
        """Know no more of the socket, which knows this: it should not take the garbage collector to free them."""
        self._on_empty = self._on_overflow = _do_nothing
        self._extra = dict

    async def finish(self, head: "_Head", /) -> None:
        """Send the head's rest, then all that waits."""
        try:
            await head.run()
        except Exception:
            logger.exception("The server's send failed; a message is lost", extra=self._extra())
        finally:
            # Also when this task is cancelled: the outbox must not look busy for ever.
            self._task = None
        self.advance()

    async def _send_waiting(self) -> None:
        try:
            while self._waiting:
                message = self._pop()
                try:
                    rest = self._connection.send(message.data)
                    if rest is not None:
                        await rest
                except ConnectionClosed:
                    message.resolve(False)
                    self.drop()
                except Exception:
                    logger.exception("The server's send failed; a queued message is lost", extra=self._extra())
                    message.resolve(False)
                except BaseException:
                    message.resolve(False)
                    raise
                else:
                    message.resolve(True)
        finally:
            self._task = None
        self._report_empty()

    def start(self, head: "_Head | None" = None, /) -> None:
        """Go on in a task of our own: with the head if nobody awaits it, else with what waits behind it."""
        self._task = asyncio.get_running_loop().create_task(
            self._send_waiting() if head is None else self.finish(head), name="websocket:outbox"
        )

    def advance(self) -> None:
        """The head is done, in the task that awaited it: send what waits behind it, if anything does."""
        if self._waiting:
            self.start()
        else:
            self._report_empty()

    def _report_empty(self) -> None:
        if not self._idle.done():
            self._idle.set_result(None)
        # A closed outbox stays in its place, and answers False to every later send.
        if not self._closed:
            self._on_empty()


@final
class _Head:
    """The send that the server is at.

    Awaited at once, it is finished in the task that awaits it, so that a time-out or a cancel scope that some ASGI
    middleware opened in its ``send`` is closed in the task in which it was opened. Not awaited by the next turn of
    the loop, it is finished by a task of the outbox.
    """

    __slots__ = ("_future", "_outbox", "_rest", "_taken_over")

    def __init__(self, outbox: Outbox, rest: "Awaitable[None]", future: "asyncio.Future[bool]") -> None:
        self._outbox: Outbox = outbox
        self._rest: Awaitable[None] = rest
        self._future: asyncio.Future[bool] = future
        self._taken_over: bool = False

    def adopt(self) -> None:
        """Finish it in a task of the outbox, if nobody has begun to await it."""
        if not self._taken_over:
            self._taken_over = True
            self._outbox.start(self)

    async def run(self) -> None:
        """Finish the send."""
        taken = False
        try:
            await self._rest
            taken = True
        except ConnectionClosed:
            self._outbox.drop()
        finally:
            if not self._future.done():
                self._future.set_result(taken)

    async def _run_here(self) -> bool:
        try:
            await self.run()
        finally:
            self._outbox.advance()
        return self._future.result()

    def __await__(self) -> "Generator[Any, Any, bool]":
        """Give ``True`` when the server has taken it, ``False`` when the connection ended first."""
        if self._taken_over:
            return self._future.__await__()
        self._taken_over = True
        return self._run_here().__await__()
