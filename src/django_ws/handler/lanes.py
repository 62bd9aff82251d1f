"""The lanes: a bounded set of threads for the sync code of all sockets.

asgiref runs thread-sensitive code (``sync_to_async``, so the whole async ORM) of every task on one thread, unless its
context variable ``SyncToAsync.thread_sensitive_context`` names a context: then on that context's own executor. One
thread for all queues every socket behind every other; one for each holds a database connection for each. So every
socket names a context of ours, and all of these lead to one executor, which sends the work to the socket's lane: one
of ``WS_SYNC_LANES`` threads, taken at the first use and kept for the socket's life. Under Django's ``TestCase`` the
outer ``async_to_sync`` has the thread, and no lane is used.

Django gives a view's database connections back when the request ends. A hook or a background task gives them back when
it ends, but only if it used its lane, and only when no other one on that lane is in the middle of its work (it may hold
a cursor); when the last socket leaves a lane, its connections are closed. No message waits for any of this.

A transaction may not outlast the call that opened it: the next call on the lane may be another socket's.
"""

import asyncio
import contextlib
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, ClassVar, Final, ParamSpec, TypeVar, cast, final
from weakref import ref

from asgiref.sync import SyncToAsync
from django.db import close_old_connections, connections
from django.db.transaction import TransactionManagementError
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from contextvars import ContextVar

    from asgiref.sync import ThreadSensitiveContext

__all__ = ["Lane", "LaneUse", "enter_background_task", "enter_lanes", "rest_lane", "run_on_lanes"]

P = ParamSpec("P")
T = TypeVar("T")


def _no_task() -> None:
    """Stand for the task of a socket that was made outside of one."""


@final
class LaneUse:
    """What uses a lane: a socket's hooks, or one of its background tasks; the context by which asgiref finds us.

    All are equal to each other, so asgiref finds the one executor by any of them.

    Args:
        count: ``WS_SYNC_LANES``: how many lanes there may be.
        task: The socket's task; the lane is left when it has ended, its middleware included.
        socket: Whose background task it is, for it has the socket's lane; ``None``: the socket itself.
    """

    __slots__ = ("__weakref__", "_count", "_socket", "_task", "lane", "used")

    _exited: ClassVar[bool] = False
    """asgiref asks this of a context."""

    # The task has whatever result the server gave it.
    def __init__(self, count: int, task: "asyncio.Task[Any] | None", socket: "LaneUse | None" = None) -> None:
        self._count: int = count
        # Weakly, for the task's context holds this.
        self._task: Callable[[], asyncio.Task[Any] | None] = _no_task if task is None else ref(task)
        self._socket: LaneUse | None = socket
        self.lane: Lane | None = None
        """The lane, from the first use on."""
        self.used: bool = False
        """Whether sync code has run since the last :meth:`give_back`."""

    def take(self) -> "Lane":
        """Note that sync code is about to run, and give the socket's lane: at first, the one with the fewest."""
        lane = self.lane
        if lane is None:
            lane = self.lane = self._enter() if self._socket is None else self._socket.place()
        if not self.used:
            self.used = True
            lane.busy += 1
        return lane

    def place(self) -> "Lane":
        """Give the socket's lane, for one of its background tasks."""
        if self.lane is None:
            self.lane = self._enter()
        return self.lane

    def _enter(self) -> "Lane":
        lane = _least_taken(self._count)
        lane.sockets += 1
        task = self._task()
        if task is not None:
            task.add_done_callback(self.leave)
        return lane

    def of_background_task(self) -> "LaneUse":
        """Make the use of the same lane by a background task of the socket."""
        return LaneUse(self._count, None, self._socket or self)

    def give_back(self) -> None:
        """The hook or the task has ended that used the lane; no-op if it did not."""
        if self.used and self.lane is not None:
            self.used = False
            self.lane.busy -= 1
            if not self.lane.busy:
                # A task that was abandoned may end after the last socket.
                self.lane.run(close_old_connections if self.lane.sockets else connections.close_all)

    # asyncio: the ended task, of any result, is passed to a done callback.
    def leave(self, _task: "asyncio.Task[Any] | None" = None, /) -> None:
        """The socket has ended, its middleware included; no-op if it has no lane."""
        if self.lane is not None:
            self.give_back()
            self.lane.sockets -= 1
            if not self.lane.sockets and not self.lane.busy:
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
        """How many of their hooks and background tasks have used the lane and not ended."""

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
        return _context.get().take().submit(_leave_tidy(fn), *args, **kwargs)


def _leave_tidy(fn: "Callable[P, T]", /) -> "Callable[P, T]":
    """Make ``fn`` leave no open transaction, and no broken database connection: under load a lane is seldom at rest."""

    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            result = fn(*args, **kwargs)
        except BaseException:
            _end_transactions()
            for connection in connections.all(initialized_only=True):
                if connection.errors_occurred and not connection.is_usable():
                    connection.close()
            raise
        if _end_transactions():
            raise TransactionManagementError(
                "A transaction was left open at the end of a call of sync_to_async, and has been rolled back: the next "
                "call on this thread may be another socket's. Do all of a transaction in one function, and give that "
                "one to sync_to_async"
            )
        return result

    return run


def _end_transactions() -> bool:
    """Roll back what is left open on this thread.

    Returns:
        Whether anything was.
    """
    left = False
    for connection in connections.all(initialized_only=True):
        manual = connection.connection is not None and connection.autocommit < connection.settings_dict["AUTOCOMMIT"]
        # One that threads share, as those of a live server in a test do, may be in the transaction of another thread.
        if (connection.in_atomic_block or manual) and not connection.allow_thread_sharing:
            left = True
            # The database rolls back as the connection is closed; Django's wrapper, which remembers its atomic blocks,
            # is made anew at the next use.
            connection.close()
            del connections[connection.alias]
    return left


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


def enter_background_task() -> LaneUse | None:
    """Let the sync code of the current background task be a use of its own of its socket's lane.

    Returns:
        To be given back when the task ends; ``None`` outside of a socket.
    """
    use: object = _context.get(None)
    if not isinstance(use, LaneUse):
        return None
    own = use.of_background_task()
    _context.set(own)
    return own


def rest_lane() -> None:
    """Let go of the database between two rounds of what goes on for ever; no-op where none was used."""
    use: object = _context.get(None)
    if isinstance(use, LaneUse):
        use.give_back()


def run_on_lanes(function: "Callable[[], None]", /) -> None:
    """Run housekeeping on every lane that there is, after what it has to do, and without waiting for it."""
    for lane in _lanes:
        lane.run(function)
