"""What every task manager must do, as tests: :class:`TaskManagerConformance`, for whoever writes one."""

import asyncio
import gc
from contextlib import suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakSet

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from django_ws.interfaces import TaskManager

__all__ = ["TaskManagerConformance"]

_variable: Final = ContextVar("django_ws conformance", default="")

_MESSAGE: Final = "the message"
_MANY: Final = 100


class TaskManagerConformance:
    """The whole suite; it has at most two tasks at once, so that a manager may have a bound of two and over.

    With pytest (and a plugin that runs ``async def`` tests)::

        class TestMyManager(TaskManagerConformance):
            def make_manager(self) -> TaskManager:
                return MyManager()

    and with unittest, or Django's test runner::

        class MyManagerTests(TaskManagerConformance, unittest.IsolatedAsyncioTestCase):
            def make_manager(self) -> TaskManager:
                return MyManager()

    What becomes of a task whose id is started again is not tried: that is for the manager to say.
    """

    seconds: float = 10.0
    """The bound of every wait, in seconds."""

    def make_manager(self) -> "TaskManager":
        """Make the manager of another socket. To be overridden.

        Raises:
            NotImplementedError: It is not overridden.
        """
        raise NotImplementedError

    # --- what is started --------------------------------------------------------------------------

    async def test_a_task_gives_what_its_function_gives(self) -> None:
        """Whatever the id is, so long as it can be hashed."""
        manager = self.make_manager()
        ids: list[Hashable] = ["text", 1, ("weather", 1), None]
        for task_id in ids:
            task = manager.start(task_id, _answer)
            _must(_is_task(task), f"start() gave no asyncio.Task but {task!r}")
            _must(await self._soon(task) == "answer", "a task did not give what its function gave")

    async def test_a_function_runs_once_in_the_task_that_was_given_for_it(self) -> None:
        """Else a cancellation of that task would not reach it."""
        ran: list[object] = []

        async def look() -> None:
            ran.append(asyncio.current_task())

        task = self.make_manager().start("look", look)
        await self._soon(task)
        _must(ran, "start() gave a task that ended without having run the function")
        _must(ran[0] is task, "the function ran in another task than the one that start() gave")
        _must(len(ran) == 1, f"the function ran {len(ran)} times")

    async def test_a_function_sees_the_context_of_who_started_it(self) -> None:
        """The lanes of sync code go by it, and what middleware has set."""
        manager = self.make_manager()

        async def look() -> str:
            return _variable.get()

        async def start(value: str) -> "asyncio.Task[str]":
            _variable.set(value)
            return manager.start(value, look)

        for value in ("one", "two"):
            task = await asyncio.create_task(start(value))
            found = await self._soon(task)
            _must(found == value, f"a function did not see the context variables of who started it, but {found!r}")

    async def test_a_fault_is_raised_by_the_task_and_leaves_the_others_alone(self) -> None:
        """Before and after it."""
        manager = self.make_manager()
        work = _Work()
        other = manager.start("other", work)
        await self._until(work.begun)
        failing = manager.start("failing", _fail)
        await self._ended(failing)
        _must(_fault(failing) == "LookupError('a fault')", f"a task did not raise its function's fault: {failing!r}")
        _must(not other.done(), "a fault in one task ended another")
        _must(await self._soon(manager.start("next", _answer)) == "answer", "after a fault nothing else could run")
        await self._end(manager, other)

    async def test_what_has_ended_is_forgotten(self) -> None:
        """A socket may live for weeks, and start a task for each message."""
        manager = self.make_manager()
        started: WeakSet[Any] = WeakSet()  # tasks of any result
        for number in range(_MANY):
            task = manager.start(number, _answer if number % 2 else _fail)
            await self._ended(task)
            started.add(task)
            _ = _fault(task)
            del task
        await asyncio.sleep(0)
        await asyncio.to_thread(gc.collect)  # it takes a while, which asyncio in its debug mode would complain of
        _must(len(started) < _MANY // 2, f"{len(started)} of {_MANY} tasks that had ended are still kept")
        _must(not manager.cancel(_MANY - 1, _MESSAGE), "cancel() found a task that had ended")

    # --- what is cancelled ------------------------------------------------------------------------

    async def test_a_task_is_cancelled_by_its_id_and_no_other(self) -> None:
        """With the message."""
        manager = self.make_manager()
        works = [_Work(), _Work()]
        tasks = [manager.start(number, work) for number, work in enumerate(works)]
        for work in works:
            await self._until(work.begun)
        _must(not manager.cancel("unknown", _MESSAGE), "cancel() found a task of an id that was never started")
        _must(manager.cancel(0, _MESSAGE) is True, "cancel() did not find a task that ran")
        await self._ended(tasks[0])
        _must(works[0].messages == [_MESSAGE], f"a task was cancelled with {works[0].messages}, not with its message")
        _must(tasks[0].cancelled(), "a task that let its cancellation pass was not cancelled")
        _must(not tasks[1].done() and not works[1].messages, "cancel() reached a task of another id")
        await self._end(manager, tasks[1])

    async def test_no_task_is_cancelled_twice(self) -> None:
        """A second cancellation would break into the ``finally`` block."""

        def twice(manager: "TaskManager") -> None:
            _must(manager.cancel("work", _MESSAGE), "cancel() did not find a task that ran")
            _must(not manager.cancel("work", _MESSAGE), "cancel() found a task that it had cancelled before")

        def by_id_and_at_the_end(manager: "TaskManager") -> None:
            manager.cancel("work", _MESSAGE)
            manager.cancel_all(_MESSAGE)

        def at_the_end_twice(manager: "TaskManager") -> None:
            manager.cancel_all(_MESSAGE)
            manager.cancel_all(_MESSAGE)

        def at_the_end_and_by_id(manager: "TaskManager") -> None:
            manager.cancel_all(_MESSAGE)
            manager.cancel("work", _MESSAGE)

        ways: list[Callable[[TaskManager], None]] = [
            twice,
            by_id_and_at_the_end,
            at_the_end_twice,
            at_the_end_and_by_id,
        ]
        for way in ways:
            manager = self.make_manager()
            work = _Work(lingers=True)
            task = manager.start("work", work)
            await self._until(work.begun)
            try:
                way(manager)
                await self._until(work.cleaning)
                manager.cancel("work", _MESSAGE)
                manager.cancel_all(_MESSAGE)
                times = task.cancelling()
            finally:
                work.may_end.set()  # also where it fails: nothing is to be left
            await self._ended(task)
            _must(times == 1, f"a task was cancelled {times} times: {way.__name__.replace('_', ' ')}")

    async def test_the_end_cancels_all(self) -> None:
        """With the message, and those of no other socket."""
        manager, another = self.make_manager(), self.make_manager()
        works = [_Work(), _Work()]
        tasks = [manager.start(number, work) for number, work in enumerate(works)]
        for work in works:
            await self._until(work.begun)
        another.cancel_all(_MESSAGE)
        await asyncio.sleep(0)
        _must(not any(work.messages for work in works), "cancel_all() reached the tasks of another manager")
        await self._end(manager, *tasks)
        found = [work.messages for work in works]
        _must(found == [[_MESSAGE], [_MESSAGE]], f"cancel_all() did not reach each task with its message: {found}")

    async def test_what_has_not_begun_is_cancelled_too(self) -> None:
        """By its id, and at the end: neither begins any more."""
        manager = self.make_manager()
        works = [_Work(), _Work()]
        tasks = [manager.start(number, work) for number, work in enumerate(works)]
        begun = [work.begun.is_set() for work in works]  # as they have where tasks are eager
        _must(manager.cancel(0, _MESSAGE) is True, "cancel() did not find a task that was to begin")
        await self._end(manager, *tasks)
        _must([work.begun.is_set() for work in works] == begun, "a task began after its cancellation")

    async def test_of_one_id_all_are_reached_by_the_end(self) -> None:
        """Whatever the manager makes of an id that is started again, even of one that cleans up."""
        manager = self.make_manager()
        first = _Work(lingers=True)
        tasks = [manager.start("again", first)]
        await self._until(first.begun)
        with suppress(Exception):  # it may refuse
            tasks.append(manager.start("again", _Work()))
        await asyncio.sleep(0)
        manager.cancel_all(_MESSAGE)
        await asyncio.sleep(0)
        first.may_end.set()
        await self._ended(*tasks)
        _must(all(task.cancelling() <= 1 for task in tasks), "a task whose id was started again was cancelled twice")

    async def test_a_manager_without_tasks_has_nothing_to_end(self) -> None:
        """A socket may end before it has begun one."""
        manager = self.make_manager()
        _must(manager.cancel("work", _MESSAGE) is False, "cancel() of nothing did not give False")
        manager.cancel_all(_MESSAGE)

    # --- what the tests use -----------------------------------------------------------------------

    async def _soon(self, task: "asyncio.Task[str] | asyncio.Task[None]") -> str | None:
        await self._ended(task)
        return task.result()

    # Tasks have results of any type.
    async def _ended(self, *tasks: "asyncio.Task[Any]") -> None:
        _, running = await asyncio.wait(tasks, timeout=self.seconds)
        _must(not running, f"{len(running)} of {len(tasks)} tasks did not end within {self.seconds:g} s")

    async def _until(self, event: asyncio.Event) -> None:
        try:
            async with asyncio.timeout(self.seconds):
                await event.wait()
        except TimeoutError:
            raise AssertionError(f"what had to happen to a task did not, within {self.seconds:g} s") from None

    # The same.
    async def _end(self, manager: "TaskManager", *tasks: "asyncio.Task[Any]") -> None:
        """End the socket, as its handler does."""
        manager.cancel_all(_MESSAGE)
        await self._ended(*tasks)


class _Work:
    """Background work that goes on until it is cancelled, and notes by which messages it was.

    Args:
        lingers: Whether its ``finally`` block waits.
    """

    def __init__(self, *, lingers: bool = False) -> None:
        self.begun: asyncio.Event = asyncio.Event()
        self.cleaning: asyncio.Event = asyncio.Event()
        self.may_end: asyncio.Event = asyncio.Event()
        self.messages: list[str] = []
        if not lingers:
            self.may_end.set()

    async def __call__(self) -> None:
        self.begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError as error:
            self.messages.append(str(error))
            self.cleaning.set()
            await self.may_end.wait()
            raise


async def _answer() -> str:
    await asyncio.sleep(0)
    return "answer"


async def _fail() -> str:
    await asyncio.sleep(0)
    raise LookupError("a fault")


def _is_task(given: object) -> bool:
    """Say whether a manager gives what its type says."""
    return isinstance(given, asyncio.Task)


# The same.
def _fault(task: "asyncio.Task[Any]") -> str:
    """Give the fault of a task that has ended."""
    return "cancelled" if task.cancelled() else repr(task.exception())


def _must(fact: object, otherwise: str) -> None:
    """Hold the manager to something.

    Raises:
        AssertionError: It is not so.
    """
    if not fact:
        raise AssertionError(otherwise)
