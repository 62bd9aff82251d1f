"""The lanes: a bounded set of threads for the sync code of all sockets.

asgiref runs thread-sensitive code (``sync_to_async``, so the whole async ORM) of every task on one thread, unless its
context variable ``SyncToAsync.thread_sensitive_context`` names a context: then on that context's own executor. One
thread for all queues every socket behind every other; one for each holds a database connection for each. So every
socket names a context of ours, and all of these lead to one executor, which sends the work to the socket's lane: one
of ``WS_SYNC_LANES`` threads, taken at the first use and kept for the socket's life. Under Django's ``TestCase`` the
outer ``async_to_sync`` has the thread, and no lane is used.

Django gives a view's database connections back when the request ends. A socket gives them back when a hook ends, but
only if the hook used its lane, and only when no other hook on that lane is in the middle of its work (it may hold a
cursor); when the last socket leaves a lane, its connections are closed. No message waits for any of this.
"""

import asyncio
import contextlib
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, ClassVar, Final, ParamSpec, TypeVar, cast, final
from weakref import ref

from asgiref.sync import SyncToAsync
from django.db import close_old_connections, connections
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from contextvars import ContextVar

    from asgiref.sync import ThreadSensitiveContext

__all__ = ["Lane", "LaneUse", "enter_lanes"]

P = ParamSpec("P")
T = TypeVar("T")


def _no_task() -> None:
    """Stand for the task of a socket that was made outside of one."""


@final
class LaneUse:
    """One socket's use of the lanes: the context under which asgiref looks its executor up.

    All are equal to each other, so asgiref finds the one executor by any of them.

    Args:
        count: ``WS_SYNC_LANES``: how many lanes there may be.
        task: The socket's task; the lane is left when it has ended, its middleware included.
    """

    __slots__ = ("__weakref__", "_count", "lane", "task", "used")

    _exited: ClassVar[bool] = False
    """asgiref asks this of a context."""

    # The task has whatever result the server gave it.
    def __init__(self, count: int, task: "asyncio.Task[Any] | None") -> None:
        self._count: int = count
        # Weakly, for the task's context holds this.
        self.task: Callable[[], asyncio.Task[Any] | None] = _no_task if task is None else ref(task)
        """The socket's task, while it is there."""
        self.lane: Lane | None = None
        """The lane, from the first use on."""
        self.used: bool = False
        """Whether sync code of the socket has run since the last :meth:`give_back`."""

    def take(self) -> "Lane":
        """Note that sync code of this socket is about to run, and give its lane: at first, the one with the fewest."""
        lane = self.lane
        if lane is None:
            lane = self.lane = _least_taken(self._count)
            lane.sockets += 1
            task = self.task()
            if task is not None:
                task.add_done_callback(self.leave)
        if not self.used:
            self.used = True
            lane.busy += 1
        return lane

    def give_back(self) -> None:
        """A hook has ended that used the lane; no-op if none did."""
        if self.used and self.lane is not None:
            self.used = False
            self.lane.busy -= 1
            if not self.lane.busy:
                self.lane.run(close_old_connections)

    # asyncio: the ended task, of any result, is passed to a done callback.
    def leave(self, _task: "asyncio.Task[Any] | None" = None, /) -> None:
        """The socket has ended, its middleware included; no-op if it has no lane."""
        if self.lane is not None:
            self.give_back()
            self.lane.sockets -= 1
            if not self.lane.sockets:
                self.lane.run(connections.close_all)
            self.lane = None

    @override
    def __eq__(self, other: object) -> bool:
        return isinstance(other, LaneUse)

    @override
    def __hash__(self) -> int:
        return hash(LaneUse)


@final
class Lane(ThreadPoolExecutor):
    """One thread for the sync code of some sockets; started at its first use.

    Args:
        number: Stands in the thread's name.
    """

    def __init__(self, number: int) -> None:
        super().__init__(max_workers=1, thread_name_prefix=f"websocket-lane-{number}")
        self.sockets: int = 0
        """How many sockets have their place here."""
        self.busy: int = 0
        """How many of them are in the middle of a hook that used the lane."""

    def run(self, function: "Callable[[], None]") -> None:
        """Run housekeeping on the lane's thread, without waiting for it; no-op once the interpreter goes down."""
        with contextlib.suppress(RuntimeError):
            self.submit(function)


@final
class _Dispatcher(Executor):
    """The executor of every socket: sends the work to the lane of the socket that wants it."""

    @override
    def submit(self, fn: "Callable[P, T]", /, *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        """Run ``fn`` on the lane's thread; called by asgiref in the context of the socket."""
        return _context.get().take().submit(_close_broken_after(fn), *args, **kwargs)


def _close_broken_after(fn: "Callable[P, T]", /) -> "Callable[P, T]":
    """Make ``fn`` drop a database connection that it leaves broken: under load a lane is seldom at rest."""

    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return fn(*args, **kwargs)
        except BaseException:
            for connection in connections.all(initialized_only=True):
                if connection.errors_occurred and not connection.in_atomic_block and not connection.is_usable():
                    connection.close()
            raise

    return run


_lanes: Final[list[Lane]] = []

# asgiref's type for it is its own class, of which it asks no more than ours has.
_context: Final = cast("ContextVar[LaneUse]", SyncToAsync.thread_sensitive_context)

# Kept here, for asgiref's own dict has weak keys.
_KEY: Final = cast("ThreadSensitiveContext", LaneUse(0, None))
SyncToAsync.context_to_thread_executor[_KEY] = _Dispatcher()


def _least_taken(count: int) -> Lane:
    while len(_lanes) < count:
        _lanes.append(Lane(len(_lanes)))
    return min(_lanes[:count], key=_sockets_of)


def _sockets_of(lane: Lane) -> int:
    return lane.sockets


def enter_lanes(count: int, /) -> LaneUse:
    """Let the sync code of the current task, and of the tasks that it starts, run on a lane.

    Args:
        count: ``WS_SYNC_LANES``: how many lanes there may be.
    """
    use = LaneUse(count, asyncio.current_task())
    _context.set(use)
    return use
