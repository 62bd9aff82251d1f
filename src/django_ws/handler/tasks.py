"""The background tasks of one socket, each under an id of its own: the task manager that ships.

How long they live, what becomes of a fault, and on which thread their sync code runs is not its affair but that of
:mod:`django_ws.handler.background`.
"""

import asyncio
from typing import TYPE_CHECKING, Any, Final, TypeVar, final

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Hashable

__all__ = ["TASK_CANCELLED", "TASK_DUPLICATE_STARTED", "TASK_WS_CLOSED", "TaskGroup"]

T = TypeVar("T")

TASK_DUPLICATE_STARTED: Final = "TASK_DUPLICATE_STARTED"
"""The message of the ``CancelledError`` in a task whose id was started again."""
TASK_WS_CLOSED: Final = "TASK_WS_CLOSED"
"""The message of the ``CancelledError`` in a task whose socket has ended."""
TASK_CANCELLED: Final = "TASK_CANCELLED"
"""The message of the ``CancelledError`` in a task that was ended by ``cancel_task``."""


@final
class TaskGroup:
    """Starts what it is asked to at once; the same id again cancels the task that runs.

    It is the :class:`~django_ws.interfaces.TaskManager` of every socket that names no other. A task that ends, by
    itself or by a fault, is forgotten; a fault in one leaves the others alone (unlike :class:`asyncio.TaskGroup`, where
    it ends all).
    """

    __slots__ = ("_tasks",)

    def __init__(self) -> None:
        # Tasks of any result live side by side.
        self._tasks: dict[Hashable, asyncio.Task[Any]] = {}

    def __len__(self) -> int:
        """Count the tasks that run, less those that were cancelled."""
        return len(self._tasks)

    def __contains__(self, task_id: object) -> bool:
        """Say whether a task of that id runs."""
        return task_id in self._tasks

    # asyncio: what a coroutine yields and is sent is the event loop's affair.
    def start(self, task_id: "Hashable", func: "Callable[[], Coroutine[Any, Any, T]]", /) -> "asyncio.Task[T]":
        """Run ``func()`` in a task.

        A task of the same id that still runs is cancelled with :data:`TASK_DUPLICATE_STARTED`.

        Returns:
            The task; awaiting it gives what ``func`` gives or raises.
        """
        self.cancel(task_id, TASK_DUPLICATE_STARTED)
        task = asyncio.get_running_loop().create_task(func())
        self._tasks[task_id] = task

        # A task of any result.
        def forget(ended: "asyncio.Task[Any]") -> None:
            if self._tasks.get(task_id) is ended:
                del self._tasks[task_id]

        task.add_done_callback(forget)
        return task

    def cancel(self, task_id: "Hashable", message: str = TASK_CANCELLED, /) -> bool:
        """Cancel the task of that id.

        Returns:
            Whether one was running.
        """
        # Forgotten at once: a second cancellation would break into its finally block.
        task = self._tasks.pop(task_id, None)
        return task is not None and task.cancel(message)

    def cancel_all(self, message: str = TASK_CANCELLED, /) -> None:
        """Cancel every task, without waiting; each once, however often this is called."""
        tasks, self._tasks = self._tasks, {}
        for task in tasks.values():
            task.cancel(message)
