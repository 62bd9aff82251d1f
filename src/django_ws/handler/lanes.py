"""The lanes: a bounded set of threads for the sync code of all sockets.

asgiref runs thread-sensitive code (``sync_to_async``, so the whole async ORM) of every task on one thread, unless its
context variable ``SyncToAsync.thread_sensitive_context`` names a context: then on that context's own thread. One
thread for all queues every socket behind every other; one for each holds a database connection for each. So the
contexts are shared: ``WS_SYNC_LANES`` threads, each socket on one of them for its whole life. Under Django's
``TestCase`` the outer ``async_to_sync`` has the thread, and no lane is used.

Django gives a view's database connections back when the request ends. A socket gives them back when a hook ends, but
only if the hook used its lane, and only when no other hook on that lane is in the middle of its work (it may hold a
cursor); when the last socket leaves a lane, its connections are closed. No message waits for any of this.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar, final

from asgiref.sync import SyncToAsync, ThreadSensitiveContext
from django.db import close_old_connections, connections
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

__all__ = ["Lane", "LaneUse", "take_lane"]

P = ParamSpec("P")
T = TypeVar("T")


@final
class LaneUse(ThreadSensitiveContext):
    """One socket's place on a lane: the context that asgiref looks the lane's thread up by.

    All places on one lane are equal, so asgiref finds the lane's executor by any of them.

    Args:
        lane: The lane.
    """

    def __init__(self, lane: "Lane") -> None:
        super().__init__()
        self.lane: Lane = lane
        """The lane."""
        self.used: bool = False
        """Whether sync code of the socket has run since the last :meth:`give_back`."""

    def note(self) -> None:
        """Sync code of this socket is about to run."""
        if not self.used:
            self.used = True
            self.lane.busy += 1

    def give_back(self) -> None:
        """A hook has ended that used the lane; called only if :attr:`used`."""
        self.used = False
        self.lane.busy -= 1
        if not self.lane.busy:
            self.lane.run(close_old_connections)

    # asyncio: the ended task, of any result, is passed to a done callback.
    def leave(self, _task: "asyncio.Task[Any] | None" = None, /) -> None:
        """The socket has ended, its middleware included."""
        if self.used:
            self.give_back()
        self.lane.sockets -= 1
        if not self.lane.sockets:
            self.lane.run(_close_connections)

    @override
    def __eq__(self, other: object) -> bool:
        return isinstance(other, LaneUse) and other.lane is self.lane

    @override
    def __hash__(self) -> int:
        return hash(self.lane)


@final
class Lane(ThreadPoolExecutor):
    """One thread for the sync code of some sockets."""

    def __init__(self, number: int) -> None:
        super().__init__(max_workers=1, thread_name_prefix=f"websocket-lane-{number}")
        self.sockets: int = 0
        """How many sockets have their place here."""
        self.busy: int = 0
        """How many of them are in the middle of a hook that used the lane."""
        self._used: bool = False
        self._key: LaneUse = LaneUse(self)
        SyncToAsync.context_to_thread_executor[self._key] = self

    @override
    def submit(self, fn: "Callable[P, T]", /, *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        """Run ``fn`` on the lane's thread; called by asgiref in the context of the socket that wants it."""
        self._used = True
        use: object = SyncToAsync.thread_sensitive_context.get(None)
        if isinstance(use, LaneUse) and use.lane is self:
            use.note()
        return super().submit(_close_broken_after(fn), *args, **kwargs)

    def run(self, function: "Callable[[], None]") -> None:
        """Run housekeeping on the lane's thread, without waiting for it; no-op where the thread was never used."""
        if self._used:
            super().submit(function)


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


def _close_connections() -> None:
    """Close the database connections of this thread, as no socket is left that could use them."""
    connections.close_all()


_lanes: Final[list[Lane]] = []


def take_lane(count: int, /) -> LaneUse:
    """Give the socket that is being made a place on the lane with the fewest, and set it for the current task.

    Args:
        count: ``WS_SYNC_LANES``: how many lanes there may be. A lane's thread is started at its first use.
    """
    while len(_lanes) < count:
        _lanes.append(Lane(len(_lanes)))
    lane = min(_lanes[:count], key=_load)
    lane.sockets += 1
    use = LaneUse(lane)
    SyncToAsync.thread_sensitive_context.set(use)
    task = asyncio.current_task()
    if task is not None:
        task.add_done_callback(use.leave)
    return use


def _load(lane: Lane) -> int:
    return lane.sockets
