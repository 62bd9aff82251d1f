"""Hooks that are ordinary functions: they run on the socket's lane, and reach back to the event loop from there.

A plain ``def`` hook is put, when its class is made, into an ``async def`` that runs it on the lane
(:mod:`django_ws.handler.lanes`): one thread for the life of a socket, so its hooks still run one at a time and in
order. The methods of such a class know where they are called from. On the event loop they are what they always are; in
a thread they hand themselves over to the loop and wait for it. The loop never waits for a thread without awaiting it,
so that cannot lock up. A class whose hooks are all ``async def`` is left as it is.
"""

import asyncio
import inspect
import logging
from concurrent.futures import wait
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from asgiref.sync import sync_to_async

from django_ws.handler.ending import EndingSocket
from django_ws.handler.outbox import Overflow
from django_ws.handler.runtime import RECEIVING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["METHODS", "ThreadedSocket", "adopt_sync_hooks", "is_sync_hook", "runs_on_lane", "thread_aware"]

T = TypeVar("T")

METHODS: Final = ("accept", "cancel_task", "close", "send", "start_ping", "start_task", "subscribe", "unsubscribe")
"""What a sync hook may call and what belongs on the event loop."""

_LOOK: Final = 1.0
"""Seconds after which a thread that waits for the loop looks whether there still is one."""

_KNOWN: Final = "_ws_thread_aware"
"""Marks what has been made by :func:`thread_aware`, with ``False``, and by :func:`_on_lane`, with ``True``."""


class ThreadedSocket(EndingSocket):
    """A socket whose code may run in a thread."""

    __slots__ = ()

    @property
    def ws_is_on_loop(self) -> bool:
        """Whether this is the thread of the socket's event loop."""
        try:
            return asyncio.get_running_loop() is self._runtime.loop
        except RuntimeError:
            return False

    # What a method takes and gives is its own affair.
    def ws_call_from_thread(self, method: "Callable[..., Any]", args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call a method on the event loop and wait for what it gives."""
        call = self._on_behalf(method, args, kwargs)
        loop = self._runtime.loop
        try:
            future = asyncio.run_coroutine_threadsafe(call, loop)
        except RuntimeError:  # the loop is closed, and with it the connection
            call.close()
            return False
        try:
            while not wait([future], _LOOK).done:
                if loop.is_closed():
                    return False
            return future.result()
        finally:
            # What it raises knows this frame.
            del future

    def ws_failed_late(self, hook: str, error: Exception) -> None:
        """Log what a hook raised for which nobody waits any more."""
        self._log(logging.ERROR, "%s failed in its thread, after it had been cancelled", hook, error=error)

    # The same.
    async def _on_behalf(self, method: "Callable[..., Any]", args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call a method for a hook that waits in its thread."""
        if self.ws_phase is not RECEIVING:
            self._helper = asyncio.current_task()
        try:
            result: object = method(self, *args, **kwargs)
            if inspect.iscoroutine(result):
                return await result
            is_sending = inspect.isawaitable(result) and not isinstance(result, asyncio.Task)
            return await self._sent(cast("Awaitable[bool]", result)) if is_sending else result
        finally:
            self._helper = None

    async def _sent(self, sending: "Awaitable[bool]") -> bool:
        """Let the hook go on as soon as the outbox has room, for others wait for its lane; but not for ever."""
        if isinstance(sending, asyncio.Future) and sending.done():
            return bool(sending.result())
        options, outbox = self._options, self._outbox
        if options.overflow is not Overflow.CLOSE or outbox is None:
            return True
        if 2 * len(outbox) < options.outbox_messages and 2 * outbox.waiting_bytes < options.outbox_bytes:
            return True
        try:
            async with asyncio.timeout(options.cleanup_timeout):
                return await sending
        except TimeoutError:
            outbox.drop()
            self._overflowed()
            return False


def thread_aware(method: "Callable[..., T]", /) -> "Callable[..., T]":
    """Make of a socket's method, or of an async hook, one that may be called in a thread as well.

    On the event loop it gives what it always gives; in a thread, what that comes to when it is awaited.
    """
    if hasattr(method, _KNOWN):
        return method

    @wraps(method)
    # What a method takes is its own affair.
    def call(self: ThreadedSocket, /, *args: Any, **kwargs: Any) -> T:
        if self.ws_is_on_loop:
            return method(self, *args, **kwargs)
        result: T = self.ws_call_from_thread(method, args, kwargs)
        return result

    setattr(call, _KNOWN, False)
    return call


def _on_lane(hook: "Callable[..., T]", /) -> "Callable[..., Awaitable[T] | T]":
    """Make of an ordinary function a hook: awaited on the event loop, it runs on the lane."""

    # What a hook takes is its own affair.
    def in_thread(given_up: list[bool], self: ThreadedSocket, *args: Any) -> T:
        try:
            return hook(self, *args)
        except Exception as error:
            if given_up:
                self.ws_failed_late(hook.__name__, error)
            raise

    on_lane = sync_to_async(in_thread)

    # The same.
    async def run(self: ThreadedSocket, *args: Any) -> T:
        given_up: list[bool] = []
        try:
            result = await on_lane(given_up, self, *args)
        except asyncio.CancelledError:
            # A thread cannot be cancelled.
            given_up.append(True)
            raise
        except Exception as error:
            _open_ring(error)
            raise
        # As where it ends in «return super().on_open()», whose hook is async.
        return await cast("Awaitable[T]", result) if inspect.isawaitable(result) else result

    @wraps(hook)
    def call(self: ThreadedSocket, /, *args: Any) -> "Awaitable[T] | T":
        # By super() from another sync hook it is called on the lane already.
        return run(self, *args) if self.ws_is_on_loop else hook(self, *args)

    setattr(call, _KNOWN, True)
    return call


def _open_ring(error: Exception) -> None:
    """Let asgiref's frame forget the future, which knows the error, which knows the frame."""
    traceback = error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_globals.get("__name__") == sync_to_async.__module__:
            traceback.tb_frame.clear()
        traceback = traceback.tb_next


def is_sync_hook(hook: object, /) -> bool:
    """Say whether a hook is an ordinary function, of which its class has not been told yet."""
    if not inspect.isfunction(hook) or hasattr(hook, _KNOWN):
        return False
    return not inspect.iscoroutinefunction(inspect.unwrap(hook))


def runs_on_lane(hook: object, /) -> bool:
    """Say whether a hook of a class is an ordinary function that runs on the lane."""
    return getattr(hook, _KNOWN, False) is True


def adopt_sync_hooks(cls: type, names: tuple[str, ...], /) -> None:
    """Run those hooks of a class on the lane that are ordinary functions; called once, when the class is made."""
    found = False
    for name in names:
        hook: object = inspect.getattr_static(cls, name, None)
        if is_sync_hook(hook):
            found = True
            # Looked at just above.
            setattr(cls, name, _on_lane(cast("Callable[..., Any]", hook)))
    if found:
        for name in METHODS:
            method: object = inspect.getattr_static(cls, name, None)
            if inspect.isfunction(method):
                setattr(cls, name, thread_aware(method))
