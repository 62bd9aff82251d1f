"""handler/tasks.py"""

import asyncio

import pytest
from typing_extensions import override

from django_ws.handler.tasks import TASK_CANCELLED, TASK_DUPLICATE_STARTED, TaskGroup
from django_ws.interfaces import TaskManager
from django_ws.testing import TaskManagerConformance
from handler.support import turns, until


class TestTaskGroup(TaskManagerConformance):
    @override
    def make_manager(self) -> TaskManager:
        return TaskGroup()


async def for_ever() -> None:
    await asyncio.Event().wait()


async def message_of(task: "asyncio.Task[None]") -> str:
    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    return str(caught.value)


async def test_it_knows_what_runs() -> None:
    group = TaskGroup()
    task = group.start("work", for_ever)
    assert "work" in group
    assert len(group) == 1
    assert group.cancel("work")
    assert "work" not in group
    assert len(group) == 0
    assert await message_of(task) == TASK_CANCELLED


async def test_the_same_id_again_cancels_the_one_that_runs() -> None:
    group = TaskGroup()
    first = group.start("work", for_ever)
    await turns()
    second = group.start("work", for_ever)
    assert await message_of(first) == TASK_DUPLICATE_STARTED
    await turns()
    assert "work" in group
    group.cancel_all()
    assert await message_of(second) == TASK_CANCELLED


async def test_a_task_that_ended_is_no_duplicate() -> None:
    async def nothing() -> None: ...

    group = TaskGroup()
    for _ in range(2):
        task = group.start("nothing", nothing)
        await task
        assert not task.cancelled()
    await until(lambda: not len(group))
