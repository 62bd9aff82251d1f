"""Waiting that keeps a promise: clean-up goes on although the one who waits is cancelled, and ends within a bound."""

import asyncio
import sys
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Collection, Coroutine

__all__ = ["start_eagerly", "wait_out"]

T = TypeVar("T")

# Keyword arguments of asyncio.Task: the type of each is its own.
_EAGER: Final[dict[str, Any]] = {"eager_start": True} if sys.version_info >= (3, 12) else {}


# asyncio: what a coroutine yields and is sent is the event loop's affair.
def start_eagerly(coroutine: "Coroutine[Any, Any, T]", /) -> "asyncio.Task[T]":
    """Make a task that runs at once up to its first wait, where Python can (3.12); else an ordinary one."""
    return asyncio.Task(coroutine, loop=asyncio.get_running_loop(), **_EAGER)


# Tasks of any result are waited for.
async def wait_out(tasks: "Collection[asyncio.Future[Any]]", seconds: float, /) -> bool:
    """Wait until ``tasks`` are done or ``seconds`` have passed, whatever cancels the caller meanwhile.

    Returns:
        Whether the caller was cancelled meanwhile; it owes a ``CancelledError`` to its own caller.
    """
    cancelled = False
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while (pending := [task for task in tasks if not task.done()]) and (remaining := deadline - loop.time()) > 0:
        try:
            await asyncio.wait(pending, timeout=remaining)
        except asyncio.CancelledError:
            cancelled = True
    return cancelled
