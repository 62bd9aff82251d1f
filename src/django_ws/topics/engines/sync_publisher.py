"""Publishing without an event loop through a library that needs one: a thread of its own, which runs a loop.

The thread is started by the first to publish in a process, and ends by :meth:`SyncPublisher.close` or with the
interpreter. A forked child has none, and starts one of its own; so it works in the workers of Celery and gunicorn.
"""

import asyncio
import atexit
import os
import sys
import threading
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol, final
from weakref import WeakSet

from django_ws.exceptions import BrokerError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from concurrent.futures import Future

    from django_ws.interfaces import ChannelMessage

__all__ = ["PublishingLink", "SyncPublisher"]

_FAREWELL: Final = 5.0
"""Seconds that the thread is waited for at its end."""
_LAST_TURN: Final = 1.0
"""Seconds of these for those who are just connecting."""


class PublishingLink(Protocol):
    """A link, as far as it publishes."""

    @property
    def is_lost(self) -> bool:
        """Whether it is of no more use."""
        ...

    async def publish(self, messages: "Sequence[ChannelMessage]", /) -> None:
        """Publish; return when the engine has them."""
        ...

    async def close(self) -> None:
        """Give everything back."""
        ...


@final
class SyncPublisher:
    """Publishes from any thread, over one link of this process.

    A link that has been lost is replaced by the next publishing; what was under way then is not repeated.

    Args:
        what: The engine, for people: the name of the thread, and in errors.
        connect: Makes a link of the running event loop.
        seconds: How long one publishing may take, connecting included.
    """

    def __init__(self, what: str, connect: "Callable[[], Awaitable[PublishingLink]]", seconds: float) -> None:
        self._what: str = what
        self._connect: Callable[[], Awaitable[PublishingLink]] = connect
        self._seconds: float = seconds
        self._lock: threading.Lock = threading.Lock()
        self._running: _Running | None = None
        _publishers.add(self)

    def publish(self, messages: "Sequence[ChannelMessage]", /) -> None:
        """Publish; return when the engine has them.

        Raises:
            BrokerError: The engine cannot be reached in time, or says so.
        """
        future = self._submit(messages)
        try:
            future.result(self._seconds)
        except TimeoutError as error:
            future.cancel()
            raise self._late() from error
        except CancelledError as error:
            raise BrokerError(f"{self._what}: it was closed while something was published") from error

    async def apublish(self, messages: "Sequence[ChannelMessage]", /) -> None:
        """Publish from any event loop, over the same link.

        Raises:
            BrokerError: The engine cannot be reached in time, or says so.
        """
        future = self._submit(messages)
        waiting = asyncio.wrap_future(future)
        done, _ = await asyncio.wait((waiting,), timeout=self._seconds)
        if not done:
            waiting.cancel()
            raise self._late()
        if waiting.cancelled():
            raise BrokerError(f"{self._what}: it was closed while something was published")
        waiting.result()

    def close(self) -> None:
        """End the thread and its link; the next publishing starts another."""
        with self._lock:
            running, self._running = self._running, None
        if running is not None:
            atexit.unregister(self.close)
            running.end()

    def forget(self) -> None:
        """Take note that this process is a child, without a thread yet; called after a fork, when nothing else runs."""
        if self._running is not None:
            # The parent's loop and socket are shared with it: closed here, they would be disturbed there.
            _inherited.append(self._running)
        self._running = None
        self._lock = threading.Lock()  # somebody in the parent may have held it

    def _submit(self, messages: "Sequence[ChannelMessage]") -> "Future[None]":
        with self._lock:
            if self._running is None:
                try:
                    self._running = _Running(self._what, self._connect)
                except RuntimeError as error:  # the interpreter is about to end
                    raise BrokerError(f"{self._what}: no thread can be started to publish ({error})") from error
                atexit.register(self.close)
            running = self._running
            return asyncio.run_coroutine_threadsafe(running.publish(messages), running.loop)

    def _late(self) -> BrokerError:
        return BrokerError(f"{self._what}: publishing was not done within {self._seconds:g} s")


@final
class _Running:
    """The thread, its loop, and the link that is used there."""

    def __init__(self, name: str, connect: "Callable[[], Awaitable[PublishingLink]]") -> None:
        # No other kind: uvloop, for one, does not bear a fork.
        self.loop: asyncio.AbstractEventLoop = asyncio.SelectorEventLoop()
        self._connect: Callable[[], Awaitable[PublishingLink]] = connect
        self._link: PublishingLink | None = None
        self._turn: asyncio.Lock = asyncio.Lock()
        self._stop: asyncio.Event = asyncio.Event()
        # A daemon: the interpreter does not wait for it, but tells it to end.
        self._thread: threading.Thread = threading.Thread(target=self._run, name=name, daemon=True)
        try:
            self._thread.start()
        except RuntimeError:
            self.loop.close()
            raise

    async def publish(self, messages: "Sequence[ChannelMessage]") -> None:
        async with self._turn:
            if self._link is None or self._link.is_lost:
                if self._link is not None:
                    await self._link.close()
                    self._link = None
                self._link = await self._connect()
            link = self._link
        await link.publish(messages)

    def end(self) -> None:
        self.loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(_FAREWELL)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self.loop) as runner:
            runner.run(self._live())

    async def _live(self) -> None:
        await self._stop.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_TURN):
                await self._turn.acquire()
        if self._link is not None:
            await self._link.close()


_publishers: Final[WeakSet[SyncPublisher]] = WeakSet()
_inherited: Final[list[_Running]] = []
"""What belongs to the parents of this process; it is kept, so that nothing of it is collected and thereby closed."""


def _forget() -> None:
    for publisher in _publishers:
        publisher.forget()


if sys.platform != "win32":  # pragma: no branch - there is no fork
    os.register_at_fork(after_in_child=_forget)
