"""Sockets that use the database in every way that Django knows, and in a few that it forbids.

What the process counts of it: how many database connections were open at once, how often a socket's code went to
another thread, and how many threads the sync code of one socket has seen.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ClassVar, Final, ParamSpec, TypeVar
from weakref import WeakSet

from asgiref.sync import SyncToAsync, async_to_sync, sync_to_async
from django.db import Error, close_old_connections, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from typing_extensions import override

from django_ws import JSON
from django_ws.handler.lanes import LaneUse
from django_ws.urls import path
from resilience.site.ledger import Counted, count
from resilience.site.models import Entry, threads

P = ParamSpec("P")
T = TypeVar("T")

HANDSHAKE: Final = -1
"""The number of the row that ``on_connect`` writes."""
TASK: Final = -2
"""The number of the row that the background task writes."""


class Fault(Exception):
    """What a socket raises where it is told to."""


# --- what the process counts ----------------------------------------------------------------------

_lock: Final = threading.Lock()
_wrappers: Final[dict[str, WeakSet[BaseDatabaseWrapper]]] = {}
_peaks: Final[dict[str, int]] = {}
_submit: Final = ThreadPoolExecutor.submit


# Django: a signal's arguments are of any type.
def note_connection(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Count the open connections of an alias: there are never more of them than when one has just been opened."""
    with _lock:
        wrappers = _wrappers.setdefault(connection.alias, WeakSet())
        wrappers.add(connection)
        # django-stubs does not know that it is None while closed.
        number = sum(bool(wrapper.connection) for wrapper in wrappers)
        peak = _peaks.get(connection.alias, 0)
        if number > peak:
            _peaks[connection.alias] = number
            count(f"peak {connection.alias}", number - peak)


def submit(self: ThreadPoolExecutor, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
    """Count what a socket's code gives to any pool of threads, and do it."""
    if isinstance(SyncToAsync.thread_sensitive_context.get(None), LaneUse):
        # Bound methods are equal, not the same.
        is_housekeeping = fn in (close_old_connections, connections.close_all)
        count("housekeeping" if is_housekeeping else "hops")
    return _submit(self, fn, *args, **kwargs)


connection_created.connect(note_connection, dispatch_uid="resilience")
# Every pool is one of these, the lanes included. To mypy, its method is that of the base class.
ThreadPoolExecutor.submit = submit  # type: ignore[method-assign, assignment]


# --- the ways to use a database -------------------------------------------------------------------


class Using(Counted):
    """Uses the database in each hook and in a task; in ``on_message`` in the way that the message names."""

    disconnect_grace: ClassVar[float | None] = 0

    # The values of a route are of any type.
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.nudged: asyncio.Event = asyncio.Event()
        """Set by the first message that does not use the database."""

    @property
    def name(self) -> str:
        """The socket's name: the rows are its own."""
        name = self.request.GET["id"]
        assert isinstance(name, str)
        return name

    @property
    def alias(self) -> str:
        """The database."""
        return str(self.kwargs["alias"])

    @override
    async def on_connect(self) -> None:
        await Entry.objects.using(self.alias).acreate(socket=self.name, number=HANDSHAKE)

    @override
    async def on_open(self) -> None:
        await super().on_open()
        _ = self.start_task("opening", self.work)

    async def work(self) -> None:
        await Entry.objects.using(self.alias).acreate(socket=self.name, number=TASK)

    @override
    async def on_message(self, data: JSON) -> None:
        match data:
            case {"way": str(way), "number": int(number)}:
                await self.use(way, number)
            case _:
                raise AssertionError(data)

    async def use(self, way: str, number: int) -> None:
        """Write one row; a database that fails is told of, any other fault is one."""
        error = ""
        try:
            match way:
                case "async":
                    row = await Entry.objects.using(self.alias).acreate(socket=self.name, number=number)
                    await Entry.objects.using(self.alias).aget(pk=row.pk)
                case "one":
                    await Entry.objects.using(self.alias).acreate(socket=self.name, number=number)
                case "task":
                    await self.start_task("task", self.work_once, number)
                case "none":
                    self.nudged.set()
                case "iterate":
                    _ = self.start_task("iterating", self.iterate, number)
                case "late task":
                    _ = self.start_task("late", self.work_late, number)
                case _:
                    await sync_to_async(WAYS[way])(self.name, self.alias, number)
        except Error as raised:
            error = type(raised).__name__
            # Django keeps the last one that broke a transaction (rollback_exc), and with it every frame it passed.
            raised.with_traceback(None)
        await self.send({"number": number, "error": error})

    async def work_once(self, number: int) -> None:
        await Entry.objects.using(self.alias).acreate(socket=self.name, number=number)

    async def work_late(self, number: int) -> None:
        # By then the hook has ended: its answer has gone out.
        await asyncio.sleep(0.1)
        await self.work_once(number)
        await self.send({"number": number, "error": "", "late": True})

    async def iterate(self, number: int) -> None:
        """Read row after row over one cursor, while hooks come and go."""
        rows, error = 0, ""
        try:
            async for _ in Entry.objects.using(self.alias).filter(socket=self.name).aiterator(chunk_size=1):
                rows += 1
                if rows == 1:
                    await self.send({"number": number, "error": "", "late": True})
                    await self.nudged.wait()
        except Exception as raised:  # sqlite3's own, where Django does not wrap it
            error = type(raised).__name__
        await self.send({"number": rows, "error": error, "late": True})

    @override
    async def on_close(self) -> None:
        await Entry.objects.using(self.alias).aget(socket=self.name, number=HANDSHAKE)
        count("sockets on one thread" if len(threads.pop(self.name)) == 1 else "sockets on several threads")
        await super().on_close()


def write(name: str, alias: str, number: int) -> None:
    """Write a row and read it, as sync code does."""
    row = Entry.objects.using(alias).create(socket=name, number=number)
    assert Entry.objects.using(alias).get(pk=row.pk).number == number


def write_atomically(name: str, alias: str, number: int) -> None:
    with transaction.atomic(using=alias):
        row = Entry.objects.using(alias).create(socket=name, number=-number)
        row.number = number
        row.save(using=alias)


def write_nested(name: str, alias: str, number: int) -> None:
    """Write a row by async code that sync code calls."""

    async def write_it() -> None:
        await Entry.objects.using(alias).acreate(socket=name, number=number)

    async_to_sync(write_it)()


def fail_atomically(name: str, alias: str, number: int) -> None:
    with transaction.atomic(using=alias):
        Entry.objects.using(alias).create(socket=name, number=number)
        raise Fault("in atomic")


def write_two_slowly(name: str, alias: str, number: int) -> None:
    """Write two rows in one transaction, with time in between for the client to go."""
    with transaction.atomic(using=alias):
        Entry.objects.using(alias).create(socket=name, number=number)
        threading.Event().wait(0.2)
        Entry.objects.using(alias).create(socket=name, number=number)


def leave_uncommitted(name: str, alias: str, number: int) -> None:
    """Begin by hand what a later call should commit, but for the fault."""
    transaction.set_autocommit(False, using=alias)
    Entry.objects.using(alias).create(socket=name, number=number)
    raise Fault("before commit")


def leave_atomic(name: str, alias: str, number: int) -> None:
    """Enter a block that a later call should leave, but for the fault."""
    transaction.atomic(using=alias).__enter__()
    Entry.objects.using(alias).create(socket=name, number=number)
    raise Fault("inside of atomic")


def lose_connection(_name: str, alias: str, _number: int) -> None:
    """Have PostgreSQL break this very connection."""
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")


WAYS: Final[dict[str, Callable[[str, str, int], None]]] = {
    "sync": write,
    "atomic": write_atomically,
    "nested": write_nested,
    "fail atomically": fail_atomically,
    "slowly": write_two_slowly,
    "leave uncommitted": leave_uncommitted,
    "leave atomic": leave_atomic,
    "lose connection": lose_connection,
}


class Plain(Counted):
    """Echoes, and never asks a database."""

    @override
    async def on_message(self, data: JSON) -> None:
        await self.send(data)


urlpatterns = [path("database/plain/", Plain), path("database/<slug:alias>/", Using)]
