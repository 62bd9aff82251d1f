"""The life of a socket's background tasks, whoever manages them: the handler's side of the joint.

Theory of operation. Which task runs when, and what an id means, is the :class:`~django_ws.interfaces.TaskManager`'s to
say. What must hold for every socket is done here, around it: each function is run so that a fault is told and its lane
given back; each task is known until it has ended, so that the end waits for it; and the end cancels what the manager
has missed. What the library itself runs (events, a close by order) no manager of a user's may put off: it has a
:class:`~django_ws.handler.tasks.TaskGroup` of its own, which is the manager where that is one.
"""

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar, final

from django_ws.handler.lanes import enter_background_task
from django_ws.handler.tasks import TASK_CANCELLED, TASK_WS_CLOSED, TaskGroup
from django_ws.handler.waiting import wait_out

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable

    from django_ws.interfaces import TaskManager

__all__ = ["BackgroundTasks"]

P = ParamSpec("P")
T = TypeVar("T")

logger: Final = logging.getLogger("django_ws")


@final
class BackgroundTasks:
    """Owns the background tasks of one connection, until the last has ended.

    Args:
        manager: Starts and cancels those of the socket's user.
        on_error: Told of an exception in a task.
        name: Stands before a task's id in its name, for logs and debuggers.
        extra: Gives the fields of a log line.
    """

    __slots__ = ("_closed", "_extra", "_manager", "_name", "_on_error", "_own", "_running")

    def __init__(
        self,
        manager: "TaskManager",
        on_error: "Callable[[Exception], Awaitable[None]]",
        name: str,
        extra: "Callable[[], dict[str, object]]",
    ) -> None:
        self._manager: TaskManager = manager
        self._own: TaskGroup = manager if isinstance(manager, TaskGroup) else TaskGroup()
        self._on_error: Callable[[Exception], Awaitable[None]] = on_error
        self._name: str = name
        self._extra: Callable[[], dict[str, object]] = extra
        # Those too that were cancelled under their id and are at their finally blocks; of any result.
        self._running: set[asyncio.Task[Any]] = set()
        self._closed: bool = False

    def __len__(self) -> int:
        """Count the tasks that have not ended."""
        return len(self._running)

    def __contains__(self, task: object) -> bool:
        """Say whether ``task`` is one of these, and has not ended."""
        return task in self._running

    def start(
        self, task_id: "Hashable", func: "Callable[P, Awaitable[T]]", /, *args: P.args, **kwargs: P.kwargs
    ) -> "asyncio.Task[T]":
        """Run ``func(*args, **kwargs)`` for the library itself, at once; the same id again cancels the one that runs.

        After the end the new task is cancelled before it begins, so a race with the end leaks nothing and raises
        nothing.
        """
        return self._start(self._own, task_id, func, *args, **kwargs)

    def start_for_user(
        self, task_id: "Hashable", func: "Callable[P, Awaitable[T]]", /, *args: P.args, **kwargs: P.kwargs
    ) -> "asyncio.Task[T]":
        """Run ``func(*args, **kwargs)`` as the manager sees fit; after the end, as :meth:`start` does.

        Raises:
            Exception: What the manager raises to refuse.
        """
        return self._start(self._manager, task_id, func, *args, **kwargs)

    def _start(
        self,
        manager: "TaskManager",
        task_id: "Hashable",
        func: "Callable[P, Awaitable[T]]",
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> "asyncio.Task[T]":
        name = f"{self._name}:{task_id}"
        if self._closed:
            late = asyncio.get_running_loop().create_task(self._run(func, *args, **kwargs), name=name)
            late.cancel(TASK_WS_CLOSED)
            return late
        task = manager.start(task_id, lambda: self._run(func, *args, **kwargs))
        # A manager may give a task that it has given before, and that may even have ended.
        if task not in self._running:
            task.set_name(name)
            self._running.add(task)
            task.add_done_callback(self._forget)
        return task

    # A task of any result.
    def _forget(self, ended: "asyncio.Task[Any]") -> None:
        self._running.discard(ended)
        if not ended.cancelled():
            ended.exception()  # it was told to on_error, so asyncio need not warn that nobody looked

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

    def cancel(self, task_id: "Hashable", /) -> bool:
        """Cancel the user's task of that id, with :data:`~django_ws.handler.tasks.TASK_CANCELLED`.

        Returns:
            Whether one was running.
        """
        # After the end all were, and a second time would break into a finally block.
        return not self._closed and self._manager.cancel(task_id, TASK_CANCELLED)

    def cancel_all(self) -> None:
        """Cancel every task with :data:`~django_ws.handler.tasks.TASK_WS_CLOSED`, without waiting; none starts after.

        Each is cancelled once, however often this is called: a second cancellation would break into its ``finally``.
        """
        if self._closed:
            return
        self._closed = True
        self._own.cancel_all(TASK_WS_CLOSED)
        if self._manager is self._own:
            return
        try:
            self._manager.cancel_all(TASK_WS_CLOSED)
        except Exception:
            logger.exception("%s: cancel_all of its task manager failed", self._name, extra=self._extra())
        for task in self._running:
            if not task.cancelling():
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
