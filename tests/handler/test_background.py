"""handler/background.py"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, TypeVar

import pytest
from asgiref.sync import sync_to_async

from django_ws.handler.background import BackgroundTasks
from django_ws.handler.lanes import enter_lanes
from django_ws.handler.tasks import TASK_CANCELLED, TASK_DUPLICATE_STARTED, TASK_WS_CLOSED, TaskGroup
from handler.support import turns, until

T = TypeVar("T")


class Life:
    """Background work that notes what becomes of it."""

    def __init__(self) -> None:
        self.journal: list[str] = []
        self.errors: list[Exception] = []
        self.group = BackgroundTasks(TaskGroup(), self.on_error, "Chat", dict)

    async def on_error(self, error: Exception) -> None:
        self.errors.append(error)

    async def work(self, name: str = "work", clean_up: Callable[[], asyncio.Future[object]] | None = None) -> None:
        self.journal.append(f"{name} begun")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError as error:
            self.journal.append(f"{name} {error}")
            raise
        finally:
            if clean_up is not None:
                await clean_up()
            self.journal.append(f"{name} ended")


@pytest.fixture
def life() -> Life:
    return Life()


async def test_a_task_gives_what_its_function_gives(life: Life) -> None:
    async def add(a: int, *, b: int) -> int:
        return a + b

    task = life.group.start("sum", add, 1, b=2)
    assert task.get_name() == "Chat:sum"
    assert task in life.group
    assert await task == 3
    assert task not in life.group
    assert len(life.group) == 0


async def test_any_awaitable_will_do(life: Life) -> None:
    def later() -> "asyncio.Future[str]":
        future = asyncio.get_running_loop().create_future()
        future.set_result("now")
        return future

    assert await life.group.start(1, later) == "now"


async def test_a_fault_is_told_and_leaves_the_others_alone(life: Life) -> None:
    async def fail() -> None:
        raise ValueError("no")

    work = life.group.start("work", life.work)
    task = life.group.start("fail", fail)
    await until(lambda: task not in life.group)
    assert [str(error) for error in life.errors] == ["no"]
    assert work in life.group
    with pytest.raises(ValueError, match="no"):
        await task
    await life.group.close(1)


async def test_the_same_id_again_cancels_the_one_that_runs(life: Life) -> None:
    first = life.group.start("work", life.work, "first")
    await turns()
    second = life.group.start("work", life.work, "second")
    await until(first.done)
    assert life.journal == ["first begun", f"first {TASK_DUPLICATE_STARTED}", "first ended", "second begun"]
    assert first.cancelled()
    await until(lambda: len(life.group) == 1)
    assert second in life.group
    await life.group.close(1)
    assert second.cancelled()


async def test_a_task_is_cancelled_by_its_id(life: Life) -> None:
    task = life.group.start("work", life.work)
    await turns()
    assert life.group.cancel("work") is True
    assert life.group.cancel("work") is False
    assert life.group.cancel("other") is False
    await until(task.done)
    assert life.journal[1:] == [f"work {TASK_CANCELLED}", "work ended"]


async def test_the_end_cancels_all_and_waits_for_their_finally(life: Life) -> None:
    async def clean_up() -> None:
        await turns(5)

    for name in ("a", "b"):
        _ = life.group.start(name, life.work, name, lambda: asyncio.ensure_future(clean_up()))
    await turns()
    assert await life.group.close(1) is False
    assert sorted(life.journal[2:]) == [f"a {TASK_WS_CLOSED}", "a ended", f"b {TASK_WS_CLOSED}", "b ended"]
    assert len(life.group) == 0


async def test_the_end_waits_for_those_too_that_were_cancelled_by_their_id(life: Life) -> None:
    go = asyncio.Event()
    for name in ("again", "cancelled"):
        _ = life.group.start(name, life.work, name, lambda: asyncio.ensure_future(go.wait()))
    await turns()
    _ = life.group.start("again", life.work, "second")
    life.group.cancel("cancelled")
    end = asyncio.create_task(life.group.close(10))
    await turns()
    assert not end.done()
    go.set()
    await end
    assert {"again ended", "cancelled ended"} <= set(life.journal)


async def test_each_is_cancelled_once_so_that_its_finally_is_not_broken_into(life: Life) -> None:
    go = asyncio.Event()
    _ = life.group.start("work", life.work, "work", lambda: asyncio.ensure_future(go.wait()))
    await turns()
    life.group.cancel_all()
    await turns()
    end = asyncio.create_task(life.group.close(10))
    await turns()
    assert not end.done()
    go.set()
    assert await end is False
    assert life.journal[-1] == "work ended"


async def test_after_the_end_a_new_task_is_cancelled_before_it_begins(life: Life) -> None:
    await life.group.close(1)
    task = life.group.start("work", life.work)
    with pytest.raises(asyncio.CancelledError, match=TASK_WS_CLOSED):
        await task
    assert life.journal == []
    assert task not in life.group


async def test_a_task_that_swallows_its_cancellation_is_abandoned_and_logged(
    life: Life, caplog: pytest.LogCaptureFixture
) -> None:
    go = asyncio.Event()

    async def stubborn() -> None:
        while not go.is_set():
            try:
                await go.wait()
            except asyncio.CancelledError:
                continue

    task = life.group.start("stubborn", stubborn)
    await turns()
    with caplog.at_level(logging.ERROR, "django_ws"):
        await life.group.close(0.001)
    assert [record.getMessage() for record in caplog.records] == [
        "The task Chat:stubborn ignored its cancellation for 0.001 s and is abandoned"
    ]
    assert not task.done()
    go.set()
    await task


async def test_the_wait_survives_a_cancellation_and_reports_it(life: Life) -> None:
    go = asyncio.Event()
    _ = life.group.start("work", life.work, "work", lambda: asyncio.ensure_future(go.wait()))
    await turns()
    end = asyncio.create_task(life.group.close(10))
    await turns()
    end.cancel()
    await turns()
    go.set()
    assert await end is True
    assert life.journal[-1] == "work ended"


async def test_a_thousand_tasks_that_ended_leave_nothing(life: Life) -> None:
    async def nothing() -> None: ...

    for number in range(1000):
        _ = life.group.start(number, nothing)
    await until(lambda: not len(life.group))


async def test_a_task_uses_its_sockets_lane_for_itself_until_it_ends(life: Life) -> None:
    went_on = asyncio.Event()

    async def background() -> None:
        await sync_to_async(int)()
        await went_on.wait()

    async def socket() -> tuple[int, int]:
        use = enter_lanes(1)
        task = life.group.start("background", background)
        await until(lambda: use.lane is not None and use.lane.busy == 1)
        assert use.lane is not None
        busy = use.lane.busy, int(use.used)
        went_on.set()
        await task
        assert use.lane.busy == 0
        return busy

    assert await asyncio.create_task(socket()) == (1, 0)


async def test_after_the_end_nothing_breaks_into_a_finally_block() -> None:
    """Neither a task of the same id that is started then, nor a cancellation by its id."""
    ended: list[str] = []
    begun = asyncio.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await turns(5)
            ended.append("ended")

    async def nobody(error: Exception) -> None:
        raise AssertionError(error)

    group = BackgroundTasks(TaskGroup(), nobody, "Chat", dict)
    _ = group.start("id", work)
    await begun.wait()
    group.cancel_all()
    await asyncio.sleep(0)
    _ = group.start("id", work)
    assert not group.cancel("id")
    await group.close(5)
    assert ended == ["ended"]


class Manager:
    """One of a user's, with a rule of its own: an id that runs is not started again."""

    def __init__(self) -> None:
        # Tasks of any result.
        self.tasks: dict[Hashable, asyncio.Task[Any]] = {}
        self.messages: list[str] = []
        self.fault: Exception | None = None

    # asyncio: what a coroutine yields and is sent is the event loop's affair.
    def start(self, task_id: Hashable, func: Callable[[], Coroutine[Any, Any, T]], /) -> "asyncio.Task[T]":
        if self.fault is not None:
            raise self.fault
        if task_id not in self.tasks:
            self.tasks[task_id] = asyncio.create_task(func())
        return self.tasks[task_id]

    def cancel(self, task_id: Hashable, message: str, /) -> bool:
        task = self.tasks.pop(task_id, None)
        return task is not None and task.cancel(message)

    def cancel_all(self, message: str, /) -> None:
        self.messages.append(message)
        for task_id in list(self.tasks):
            self.cancel(task_id, message)
        if self.fault is not None:
            raise self.fault


class Managed(Life):
    def __init__(self) -> None:
        super().__init__()
        self.manager: Manager = Manager()
        self.group: BackgroundTasks = BackgroundTasks(self.manager, self.on_error, "Chat", dict)


@pytest.fixture
def managed() -> Managed:
    return Managed()


async def test_the_rules_are_the_managers(managed: Managed) -> None:
    first = managed.group.start_for_user("work", managed.work, "first")
    assert managed.group.start_for_user("work", managed.work, name="second") is first
    assert first.get_name() == "Chat:work"
    assert len(managed.group) == 1
    await turns()
    assert managed.group.cancel("other") is False
    assert managed.group.cancel("work") is True
    await until(lambda: not len(managed.group))
    assert managed.journal == ["first begun", f"first {TASK_CANCELLED}", "first ended"]
    assert await managed.group.close(1) is False
    assert managed.manager.messages == [TASK_WS_CLOSED]


async def test_a_fault_is_told_and_a_lane_given_back_whoever_manages(managed: Managed) -> None:
    async def fail() -> None:
        await sync_to_async(int)()
        raise ValueError("no")

    async def socket() -> int | None:
        use = enter_lanes(1)
        task = managed.group.start_for_user("fail", fail)
        await until(task.done)
        return None if use.lane is None else use.lane.busy

    assert await asyncio.create_task(socket()) == 0
    assert [str(error) for error in managed.errors] == ["no"]
    await until(lambda: not len(managed.group))


async def test_what_the_library_runs_is_not_the_managers(managed: Managed) -> None:
    managed.manager.fault = LookupError("full")
    task = managed.group.start("django_ws.disconnect", managed.work)
    with pytest.raises(LookupError, match="full"):
        _ = managed.group.start_for_user("work", managed.work)
    await turns()
    assert managed.journal == ["work begun"]
    assert len(managed.group) == 1
    assert managed.group.cancel("django_ws.disconnect") is False
    managed.manager.fault = None
    assert await managed.group.close(1) is False
    assert task.cancelled()


async def test_after_the_end_the_manager_is_not_asked(managed: Managed) -> None:
    await managed.group.close(1)
    task = managed.group.start_for_user("work", managed.work)
    assert task.get_name() == "Chat:work"
    assert managed.group.cancel("work") is False
    with pytest.raises(asyncio.CancelledError, match=TASK_WS_CLOSED):
        await task
    assert managed.manager.tasks == {}
    assert managed.journal == []


async def test_what_the_manager_forgets_is_cancelled_all_the_same(managed: Managed) -> None:
    forgotten = managed.group.start_for_user("forgotten", managed.work, "forgotten")
    known = managed.group.start_for_user("known", managed.work, "known")
    await turns()
    del managed.manager.tasks["forgotten"]
    await managed.group.close(1)
    assert sorted(managed.journal[2:]) == [
        f"forgotten {TASK_WS_CLOSED}",
        "forgotten ended",
        f"known {TASK_WS_CLOSED}",
        "known ended",
    ]
    assert forgotten.cancelling() == known.cancelling() == 1


async def test_a_manager_that_fails_at_the_end_keeps_nothing_from_it(
    managed: Managed, caplog: pytest.LogCaptureFixture
) -> None:
    task = managed.group.start_for_user("work", managed.work)
    await turns()
    managed.manager.tasks.clear()
    managed.manager.fault = LookupError("no")
    with caplog.at_level(logging.ERROR, "django_ws"):
        assert await managed.group.close(1) is False
    assert [record.getMessage() for record in caplog.records] == ["Chat: cancel_all of its task manager failed"]
    assert task.cancelled()
