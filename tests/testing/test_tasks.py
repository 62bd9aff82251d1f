"""testing/tasks.py: right managers pass, of whichever rules, and what is wrong with others is found."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from contextvars import Context
from typing import Any, TypeVar

import pytest
from typing_extensions import override

from django_ws.handler import TaskGroup
from django_ws.interfaces import TaskManager
from django_ws.testing.tasks import TaskManagerConformance

T = TypeVar("T")

# asyncio: what a coroutine yields and is sent is the event loop's affair.
Func = Callable[[], Coroutine[Any, Any, T]]


class InTurn:
    """Two at once; nothing else than the bound that the suite keeps to."""

    def __init__(self) -> None:
        self.group = TaskGroup()
        self.places = asyncio.Semaphore(2)

    def start(self, task_id: Hashable, func: Func[T], /) -> "asyncio.Task[T]":
        async def in_turn() -> T:
            async with self.places:
                return await func()

        return self.group.start(task_id, in_turn)

    def cancel(self, task_id: Hashable, message: str, /) -> bool:
        return self.group.cancel(task_id, message)

    def cancel_all(self, message: str, /) -> None:
        self.group.cancel_all(message)


class KeepsTheFirst(InTurn):
    def __init__(self) -> None:
        super().__init__()
        # Tasks of any result.
        self.tasks: dict[Hashable, asyncio.Task[Any]] = {}

    @override
    def start(self, task_id: Hashable, func: Func[T], /) -> "asyncio.Task[T]":
        if task_id in self.group:
            return self.tasks[task_id]
        task = super().start(task_id, func)
        self.tasks = {task_id: task}
        return task


class Refuses(InTurn):
    @override
    def start(self, task_id: Hashable, func: Func[T], /) -> "asyncio.Task[T]":
        if task_id in self.group:
            raise LookupError(task_id)
        return super().start(task_id, func)


class TestInTurn(TaskManagerConformance):
    @override
    def make_manager(self) -> TaskManager:
        return InTurn()


class TestKeepsTheFirst(TaskManagerConformance):
    @override
    def make_manager(self) -> TaskManager:
        return KeepsTheFirst()


class TestRefuses(TaskManagerConformance):
    @override
    def make_manager(self) -> TaskManager:
        return Refuses()


# --- what is wrong --------------------------------------------------------------------------------


class GivesAFuture(InTurn):
    # A future is no task.
    @override
    def start(self, task_id: Hashable, func: Func[T], /) -> Any:
        future = asyncio.get_running_loop().create_future()
        future.set_result("answer")
        return future


class LosesTheResult(InTurn):
    # It gives no result of the function.
    @override
    def start(self, task_id: Hashable, func: Func[T], /) -> Any:
        async def lose() -> None:
            await func()

        return super().start(task_id, lose)


class RunsElsewhere(InTurn):
    """As a pool of workers does."""

    @override
    def start(self, task_id: Hashable, func: Func[T], /) -> "asyncio.Task[T]":
        async def elsewhere() -> T:
            return await asyncio.create_task(func())

        return super().start(task_id, elsewhere)


class RunsTwice(InTurn):
    @override
    def start(self, task_id: Hashable, func: Func[T], /) -> "asyncio.Task[T]":
        async def twice() -> T:
            await func()
            return await func()

        return super().start(task_id, twice)


class RunsNever(InTurn):
    # It gives no result of the function.
    @override
    def start(self, task_id: Hashable, func: Func[T], /) -> Any:
        return super().start(task_id, lambda: asyncio.sleep(0))


class RunsInAContextOfItsOwn(InTurn):
    @override
    def start(self, task_id: Hashable, func: Func[T], /) -> "asyncio.Task[T]":
        return asyncio.get_running_loop().create_task(func(), context=Context())


class SwallowsFaults(InTurn):
    # It gives no result of the function.
    @override
    def start(self, task_id: Hashable, func: Func[T], /) -> Any:
        async def swallow() -> T | None:
            try:
                return await func()
            except LookupError:
                return None

        return super().start(task_id, swallow)


class EndsAnotherAtAFault(InTurn):
    @override
    def start(self, task_id: Hashable, func: Func[T], /) -> "asyncio.Task[T]":
        async def end_another() -> T:
            try:
                return await func()
            except LookupError:
                self.group.cancel("other")
                await asyncio.sleep(0)
                raise

        return super().start(task_id, end_another)


class Breaks(InTurn):
    """A fault leaves it unable to run anything."""

    broken: bool = False

    # It gives no result of the function.
    @override
    def start(self, task_id: Hashable, func: Func[T], /) -> Any:
        async def run() -> T | None:
            if self.broken:
                return None
            try:
                return await func()
            except LookupError:
                self.broken = True
                raise

        return super().start(task_id, run)


class Remembers(InTurn):
    def __init__(self) -> None:
        super().__init__()
        # Tasks of any result.
        self.all: list[asyncio.Task[Any]] = []

    @override
    def start(self, task_id: Hashable, func: Func[T], /) -> "asyncio.Task[T]":
        task = super().start(task_id, func)
        self.all.append(task)
        return task


class FindsAll(InTurn):
    @override
    def cancel(self, task_id: Hashable, message: str, /) -> bool:
        super().cancel(task_id, message)
        return True


class FindsNothing(InTurn):
    @override
    def cancel(self, task_id: Hashable, message: str, /) -> bool:
        super().cancel(task_id, message)
        return False


class HasItsOwnMessage(InTurn):
    @override
    def cancel(self, task_id: Hashable, message: str, /) -> bool:
        return super().cancel(task_id, "its own")

    @override
    def cancel_all(self, message: str, /) -> None:
        super().cancel_all("its own")


class CancelsAllForOne(InTurn):
    @override
    def cancel(self, task_id: Hashable, message: str, /) -> bool:
        found = super().cancel(task_id, message)
        if found:
            super().cancel_all(message)
        return found


class CancelsAgain(Remembers):
    @override
    def cancel_all(self, message: str, /) -> None:
        for task in self.all:
            task.cancel(message)


class CancelsNothing(InTurn):
    @override
    def cancel_all(self, message: str, /) -> None:
        """Leave it to others."""


everywhere = TaskGroup()


class OfAllSockets(InTurn):
    def __init__(self) -> None:
        super().__init__()
        self.group = everywhere


WRONG: list[tuple[type[InTurn], str, str]] = [
    (GivesAFuture, "a_task_gives_what_its_function_gives", "gave no asyncio.Task"),
    (LosesTheResult, "a_task_gives_what_its_function_gives", "did not give what its function gave"),
    (RunsElsewhere, "a_function_runs_once_in_the_task_that_was_given_for_it", "ran in another task"),
    (RunsTwice, "a_function_runs_once_in_the_task_that_was_given_for_it", "ran 2 times"),
    (RunsNever, "a_function_runs_once_in_the_task_that_was_given_for_it", "without having run the function"),
    (RunsInAContextOfItsOwn, "a_function_sees_the_context_of_who_started_it", "did not see the context variables"),
    (SwallowsFaults, "a_fault_is_raised_by_the_task_and_leaves_the_others_alone", "did not raise its function's fault"),
    (EndsAnotherAtAFault, "a_fault_is_raised_by_the_task_and_leaves_the_others_alone", "ended another"),
    (Breaks, "a_fault_is_raised_by_the_task_and_leaves_the_others_alone", "nothing else could run"),
    (Remembers, "what_has_ended_is_forgotten", "100 of 100 tasks that had ended are still kept"),
    (FindsAll, "what_has_ended_is_forgotten", "found a task that had ended"),
    (FindsAll, "a_task_is_cancelled_by_its_id_and_no_other", "of an id that was never started"),
    (FindsNothing, "a_task_is_cancelled_by_its_id_and_no_other", "did not find a task that ran"),
    (HasItsOwnMessage, "a_task_is_cancelled_by_its_id_and_no_other", r"\['its own'\], not with its message"),
    (CancelsAllForOne, "a_task_is_cancelled_by_its_id_and_no_other", "reached a task of another id"),
    (FindsNothing, "no_task_is_cancelled_twice", "did not find a task that ran"),
    (FindsAll, "no_task_is_cancelled_twice", "that it had cancelled before"),
    (CancelsAgain, "no_task_is_cancelled_twice", "was cancelled 2 times"),
    (CancelsNothing, "the_end_cancels_all", "2 of 2 tasks did not end within 0.05 s"),
    (HasItsOwnMessage, "the_end_cancels_all", "did not reach each task with its message"),
    (OfAllSockets, "the_end_cancels_all", "reached the tasks of another manager"),
    (FindsNothing, "what_has_not_begun_is_cancelled_too", "that was to begin"),
    (CancelsNothing, "of_one_id_all_are_reached_by_the_end", "did not end"),
    (CancelsAgain, "of_one_id_all_are_reached_by_the_end", "was cancelled twice"),
    (FindsAll, "a_manager_without_tasks_has_nothing_to_end", "of nothing did not give False"),
]


def suite(make: Callable[[], TaskManager]) -> TaskManagerConformance:
    class Suite(TaskManagerConformance):
        seconds = 0.05

        @override
        def make_manager(self) -> TaskManager:
            return make()

    return Suite()


@pytest.mark.parametrize(("make", "test", "fault"), WRONG)
async def test_the_kit_finds_what_is_wrong(make: type[InTurn], test: str, fault: str) -> None:
    run: Callable[[], Awaitable[None]] = getattr(suite(make), f"test_{test}")
    try:
        with pytest.raises(AssertionError, match=fault):
            await run()
    finally:
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


async def test_what_never_happens_is_not_waited_for() -> None:
    with pytest.raises(AssertionError, match=r"did not, within 0\.05 s"):
        await suite(InTurn)._until(asyncio.Event())


def test_the_manager_must_be_named() -> None:
    with pytest.raises(NotImplementedError):
        TaskManagerConformance().make_manager()
