"""The background tasks of one socket."""

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar, final

from django_ws.handler.lanes import enter_background_task
from django_ws.handler.waiting import wait_out

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable

__all__ = ["TASK_CANCELLED", "TASK_DUPLICATE_STARTED", "TASK_WS_CLOSED", "TaskGroup"]

P = ParamSpec("P")
T = TypeVar("T")

logger: Final = logging.getLogger("django_ws")

TASK_DUPLICATE_STARTED: Final = "TASK_DUPLICATE_STARTED"
"""The message of the ``CancelledError`` in a task whose id was started again."""
TASK_WS_CLOSED: Final = "TASK_WS_CLOSED"
"""The message of the ``CancelledError`` in a task whose socket has ended."""
TASK_CANCELLED: Final = "TASK_CANCELLED"
"""The message of the ``CancelledError`` in a task that was ended by ``cancel_task``."""


@final
class TaskGroup:
    """Owns the background tasks of one connection, each under an id of its own.

    A task that ends, by itself or by a fault, is forgotten; a fault in one leaves the others and the connection
    alone (unlike :class:`asyncio.TaskGroup`, where it ends all).

    Args:
        on_error: Told of an exception in a task.
        name: Stands before a task's id in its name, for logs and debuggers.
    """

    __slots__ = ("_closed", "_extra", "_name", "_on_error", "_running", "_tasks")

    def __init__(
        self,
        on_error: "Callable[[Exception], Awaitable[None]]",
        name: str = "websocket",
        extra: "Callable[[], dict[str, object]]" = dict,
    ) -> None:
        self._on_error: Callable[[Exception], Awaitable[None]] = on_error
        self._name: str = name
        self._extra: Callable[[], dict[str, object]] = extra
        # Tasks of any result live side by side.
        self._tasks: dict[Hashable, asyncio.Task[Any]] = {}
        # Those too that were cancelled under their id and are at their finally blocks.
        self._running: set[asyncio.Task[Any]] = set()
        self._closed: bool = False

    def __len__(self) -> int:
        """Count the tasks that run, less those that were cancelled."""
        return len(self._tasks)

    def __contains__(self, task_id: object) -> bool:
        """Say whether a task of that id runs."""
        return task_id in self._tasks

    def start(
        self, task_id: "Hashable", func: "Callable[P, Awaitable[T]]", /, *args: P.args, **kwargs: P.kwargs
    ) -> "asyncio.Task[T]":
        """Run ``func(*args, **kwargs)`` in the background.

        A task of the same id that still runs is cancelled with :data:`TASK_DUPLICATE_STARTED`. After the end of the
        connection the new task is cancelled before it begins, so a race with the end leaks nothing and raises nothing.

        Returns:
            The task; awaiting it gives what ``func`` gives or raises.
        """
        self.cancel(task_id, TASK_DUPLICATE_STARTED)
        task = asyncio.get_running_loop().create_task(self._run(func, *args, **kwargs), name=f"{self._name}:{task_id}")
        if self._closed:
            task.cancel(TASK_WS_CLOSED)
            return task
        self._tasks[task_id] = task
        self._running.add(task)

        # A task of any result.
        def forget(ended: "asyncio.Task[Any]") -> None:
            self._running.discard(ended)
            if self._tasks.get(task_id) is ended:
                del self._tasks[task_id]
            if not ended.cancelled():
                ended.exception()  # it was told to on_error, so asyncio need not warn that nobody looked

        task.add_done_callback(forget)
        return task

    async def _run(self, func: "Callable[P, Awaitable[T]]", /, *args: P.args, **kwargs: P.kwargs) -> T:
        lane = enter_background_task()
        try:
            return await func(*args, **kwargs)
        except Exception as error:
            await self._on_error(error)
            raise
        finally:
            if lane is not None:
                lane.give_back()

    def cancel(self, task_id: "Hashable", message: str = TASK_CANCELLED, /) -> bool:
        """Cancel the task of that id.

        Returns:
            Whether one was running.
        """
        if self._closed:
            return False  # all were, and a second time would break into a finally block
        task = self._tasks.pop(task_id, None)
        return task is not None and task.cancel(message)

    def cancel_all(self) -> None:
        """Cancel every task with :data:`TASK_WS_CLOSED`, without waiting; none can be started after.

        Each is cancelled once, however often this is called: a second cancellation would break into its ``finally``.
        """
        if self._closed:
            return
        self._closed = True
        for task in list(self._tasks.values()):
            task.cancel(TASK_WS_CLOSED)

    async def close(self, seconds: float, /) -> bool:
        """Cancel every task and wait until their ``finally`` blocks have run.

        Args:
            seconds: How long to wait for them; a task that swallows its cancellation is then abandoned and logged.

        Returns:
            Whether the caller was cancelled meanwhile; the wait goes on all the same.
        """
        self.cancel_all()
        tasks = list(self._running)
        cancelled = await wait_out(tasks, seconds)
        for task in tasks:
            if not task.done():
                text = "The task %s ignored its cancellation for %g s and is abandoned"
                logger.error(text, task.get_name(), seconds, extra=self._extra())
        return cancelled
