"""handler/waiting.py"""

import asyncio
import sys

import pytest

from django_ws.handler.waiting import start_eagerly, wait_out
from handler.support import turns


async def test_a_task_started_eagerly_runs_up_to_its_first_wait_where_python_can() -> None:
    journal: list[str] = []

    async def step() -> str:
        journal.append("begun")
        await asyncio.sleep(0)
        return "done"

    task = start_eagerly(step())
    assert bool(journal) is (sys.version_info >= (3, 12))
    assert await task == "done"


async def test_nothing_to_wait_for_is_no_wait() -> None:
    assert await wait_out([], 10) is False


async def test_tasks_that_are_done_are_no_wait() -> None:
    task = asyncio.create_task(asyncio.sleep(0))
    await task
    assert await wait_out([task], 10) is False


async def test_the_wait_ends_when_the_tasks_do() -> None:
    tasks = [asyncio.create_task(asyncio.sleep(0)) for _ in range(3)]
    assert await wait_out(tasks, 10) is False
    assert all(task.done() for task in tasks)


async def test_the_wait_ends_at_its_bound_and_leaves_the_tasks_alone() -> None:
    task = asyncio.create_task(asyncio.Event().wait())
    assert await wait_out([task], 0.001) is False
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_no_seconds_are_no_wait() -> None:
    task = asyncio.create_task(asyncio.sleep(0))
    assert await wait_out([task], 0) is False
    assert not task.done()
    await task


async def test_a_cancelled_waiter_waits_on_and_is_told_that_it_owes_a_cancellation() -> None:
    go = asyncio.Event()
    task = asyncio.create_task(go.wait())
    waiter = asyncio.create_task(wait_out([task], 10))
    for _ in range(3):
        await turns(3)
        waiter.cancel()
    await turns(3)
    assert not waiter.done()
    go.set()
    assert await waiter is True
    assert task.result() is True
