"""handler/tasks.py"""

import asyncio
import logging
from collections.abc import Callable

import pytest
from asgiref.sync import sync_to_async

from django_ws.handler.lanes import enter_lanes
from django_ws.handler.tasks import TASK_CANCELLED, TASK_DUPLICATE_STARTED, TASK_WS_CLOSED, TaskGroup
from handler.support import turns, until


class Life:
    """Background work that notes what becomes of it."""

    def __init__(self) -> None:
        self.journal: list[str] = []
        self.errors: list[Exception] = []
        self.group = TaskGroup(self.on_error, "Chat")

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
    assert "sum" in life.group
    assert await task == 3
    assert "sum" not in life.group
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

    life.group.start("work", life.work)
    task = life.group.start("fail", fail)
    await until(lambda: "fail" not in life.group)
    assert [str(error) for error in life.errors] == ["no"]
    assert "work" in life.group
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
    assert len(life.group) == 1
    await life.group.close(1)
    assert second.cancelled()


async def test_a_task_that_ended_is_no_duplicate(life: Life) -> None:
    async def nothing() -> None: ...

    for _ in range(2):
        task = life.group.start("nothing", nothing)
        await task
        assert not task.cancelled()


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
        life.group.start(name, life.work, name, lambda: asyncio.ensure_future(clean_up()))
    await turns()
    assert await life.group.close(1) is False
    assert sorted(life.journal[2:]) == [f"a {TASK_WS_CLOSED}", "a ended", f"b {TASK_WS_CLOSED}", "b ended"]
    assert len(life.group) == 0


async def test_the_end_waits_for_those_too_that_were_cancelled_by_their_id(life: Life) -> None:
    go = asyncio.Event()
    for name in ("again", "cancelled"):
        life.group.start(name, life.work, name, lambda: asyncio.ensure_future(go.wait()))
    await turns()
    life.group.start("again", life.work, "second")
    life.group.cancel("cancelled")
    end = asyncio.create_task(life.group.close(10))
    await turns()
    assert not end.done()
    go.set()
    await end
    assert {"again ended", "cancelled ended"} <= set(life.journal)


async def test_each_is_cancelled_once_so_that_its_finally_is_not_broken_into(life: Life) -> None:
    go = asyncio.Event()
    life.group.start("work", life.work, "work", lambda: asyncio.ensure_future(go.wait()))
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
    assert "work" not in life.group


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
    life.group.start("work", life.work, "work", lambda: asyncio.ensure_future(go.wait()))
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
        life.group.start(number, nothing)
    await until(lambda: not len(life.group))
    assert not life.group._running


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

    group = TaskGroup(nobody)
    _ = group.start("id", work)
    await begun.wait()
    group.cancel_all()
    await asyncio.sleep(0)
    _ = group.start("id", work)
    assert not group.cancel("id")
    await group.close(5)
    assert ended == ["ended"]
