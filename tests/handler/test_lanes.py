"""handler/lanes.py"""

import asyncio
import sqlite3
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

import pytest
from asgiref.sync import SyncToAsync, ThreadSensitiveContext, sync_to_async
from django.db import OperationalError, connections
from django.db.transaction import TransactionManagementError, atomic

from django_ws.handler import lanes
from django_ws.handler.lanes import Lane, LaneUse, enter_background_task, enter_lanes, rest_lane, run_on_lanes

pytestmark = pytest.mark.usefixtures("fresh_lanes")


def in_socket_task(body: Callable[[LaneUse], Awaitable[object]], count: int = 2) -> asyncio.Task[object]:
    async def socket() -> object:
        return await body(enter_lanes(count))

    return asyncio.get_running_loop().create_task(socket())


async def thread_of(_use: LaneUse) -> int:
    return await sync_to_async(threading.get_ident)()


async def settled(lane: Lane) -> None:
    """Wait until the lane has done all that was given to it."""
    await asyncio.wrap_future(lane.submit(int))


async def test_one_socket_stays_on_one_thread() -> None:
    async def body(use: LaneUse) -> set[int]:
        return {await thread_of(use) for _ in range(5)}

    threads = await in_socket_task(body)
    assert isinstance(threads, set)
    assert len(threads) == 1


async def test_a_task_of_a_socket_runs_on_its_lane() -> None:
    async def body(use: LaneUse) -> bool:
        other = await asyncio.create_task(thread_of(use))
        return other == await thread_of(use)

    assert await in_socket_task(body)


async def test_sockets_are_spread_over_so_many_threads_and_no_more() -> None:
    leave = asyncio.Event()
    arrived: asyncio.Queue[int] = asyncio.Queue()

    async def body(use: LaneUse) -> None:
        arrived.put_nowait(await thread_of(use))
        await leave.wait()

    tasks = [in_socket_task(body, 3) for _ in range(9)]
    assert len({await arrived.get() for _ in tasks}) == 3
    assert [lane.sockets for lane in lanes._lanes] == [3, 3, 3]
    leave.set()
    await asyncio.gather(*tasks)


async def test_a_socket_that_ends_leaves_its_lane() -> None:
    await in_socket_task(thread_of, 1)
    await asyncio.sleep(0)
    (lane,) = lanes._lanes
    assert (lane.sockets, lane.busy) == (0, 0)


async def test_a_socket_without_sync_code_takes_no_lane() -> None:
    async def body(use: LaneUse) -> None:
        use.give_back()
        use.leave()
        assert use.lane is None

    await in_socket_task(body, 1)
    assert lanes._lanes == []


async def test_outside_of_a_task_a_lane_is_kept_until_it_is_left() -> None:
    use = LaneUse(1, None)
    lane = use.take()
    assert (lane.sockets, lane.busy) == (1, 1)
    use.leave()
    assert (lane.sockets, lane.busy, use.lane) == (0, 0, None)


def marks(use: LaneUse) -> tuple[bool, int]:
    return use.used, lanes._lanes[0].busy


async def test_the_socket_that_used_its_lane_is_marked_and_the_others_are_not() -> None:
    leave = asyncio.Event()
    uses: list[LaneUse] = []

    async def idle(use: LaneUse) -> None:
        uses.append(use)
        await leave.wait()

    bystander = in_socket_task(idle, 1)

    async def body(use: LaneUse) -> None:
        await thread_of(use)
        await thread_of(use)
        assert marks(use) == (True, 1)
        assert marks(uses[0]) == (False, 1)
        use.give_back()
        assert marks(use) == (False, 0)

    await asyncio.sleep(0)
    await in_socket_task(body, 1)
    leave.set()
    await bystander


def test_every_use_leads_to_the_one_executor() -> None:
    one, other = LaneUse(1, None), LaneUse(2, None)
    assert one == other
    assert one != "a use"
    executors = SyncToAsync.context_to_thread_executor
    assert executors[cast("ThreadSensitiveContext", one)] is executors[cast("ThreadSensitiveContext", other)]


def test_housekeeping_on_a_lane_that_is_shut_down_is_left_out() -> None:
    lane = Lane(0)
    lane.shutdown()
    lane.run(lambda: None)


@pytest.fixture
def database(tmp_path: Path, fresh_lanes: list[Lane]) -> Iterator[None]:
    sqlite3.connect(tmp_path / "lanes.sqlite3").close()
    settings = {**connections.databases["default"], "NAME": str(tmp_path / "lanes.sqlite3")}
    connections.databases["lanes"] = settings
    yield
    for lane in fresh_lanes:
        lane.shutdown()  # what it still has to close goes by the name that is about to go
    del connections.databases["lanes"]


def query(sql: str = "SELECT 1") -> None:
    with connections["lanes"].cursor() as cursor:
        cursor.execute(sql)


def is_connected() -> bool:
    return connections["lanes"].connection is not None


@pytest.mark.usefixtures("database")
async def test_connections_are_given_back_when_no_hook_on_the_lane_is_busy() -> None:
    step, done = asyncio.Event(), asyncio.Event()

    async def long_hook(use: LaneUse) -> None:
        await sync_to_async(query)()
        step.set()
        await done.wait()
        assert await sync_to_async(is_connected)()
        use.give_back()
        assert not await sync_to_async(is_connected)()

    async def short_hook(use: LaneUse) -> None:
        await step.wait()
        await sync_to_async(query)()
        use.give_back()
        await settled(lanes._lanes[0])
        done.set()

    await asyncio.gather(in_socket_task(long_hook, 1), in_socket_task(short_hook, 1))


@pytest.mark.usefixtures("database")
async def test_the_last_socket_closes_the_connections_of_its_lane(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connections.databases["lanes"], "CONN_MAX_AGE", None)

    async def body(use: LaneUse) -> None:
        await sync_to_async(query)()
        use.give_back()
        assert await sync_to_async(is_connected)()

    await in_socket_task(body, 1)
    await asyncio.sleep(0)
    assert not await asyncio.wrap_future(lanes._lanes[0].submit(is_connected))


@pytest.mark.usefixtures("database")
async def test_a_broken_connection_is_dropped_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connections.databases["lanes"], "CONN_MAX_AGE", None)

    def break_it() -> None:
        query()
        monkeypatch.setattr(connections["lanes"], "is_usable", lambda: False)
        query("SELECT nonsense")

    async def body(use: LaneUse) -> None:
        with pytest.raises(OperationalError):
            await sync_to_async(break_it)()
        assert not await sync_to_async(is_connected)()

    await in_socket_task(body, 1)


@pytest.mark.usefixtures("database")
async def test_a_connection_that_an_error_did_not_break_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connections.databases["lanes"], "CONN_MAX_AGE", None)

    def mistake() -> None:
        query("SELECT nonsense")

    async def body(use: LaneUse) -> None:
        with pytest.raises(OperationalError):
            await sync_to_async(mistake)()
        assert await sync_to_async(is_connected)()

    await in_socket_task(body, 1)


# --- background tasks -----------------------------------------------------------------------------


async def hold_a_connection(step: asyncio.Event, done: asyncio.Event) -> None:
    """Be a background task that has used the database, until it is told to end; it still has its connection then."""
    use = enter_background_task()
    assert use is not None
    await sync_to_async(query)()
    step.set()
    await done.wait()
    assert await sync_to_async(is_connected)()
    use.give_back()


@pytest.mark.usefixtures("database")
async def test_what_a_background_task_holds_open_outlasts_the_hooks_and_ends_with_it() -> None:
    step, done = asyncio.Event(), asyncio.Event()

    async def background() -> None:
        await hold_a_connection(step, done)
        assert not await sync_to_async(is_connected)()

    async def socket(use: LaneUse) -> None:
        task = asyncio.create_task(background())
        await step.wait()
        await sync_to_async(query)()
        use.give_back()
        await settled(lanes._lanes[0])
        done.set()
        await task

    await in_socket_task(socket, 2)
    await asyncio.sleep(0)
    assert [lane.sockets for lane in lanes._lanes] == [0, 0]


async def test_a_background_task_takes_the_lane_for_its_socket() -> None:
    async def background() -> int:
        use = enter_background_task()
        assert use is not None
        # A task that a background task starts is the same socket's.
        inner = await asyncio.create_task(thread_of(use.of_background_task()))
        assert inner == await thread_of(use)
        return inner

    async def socket(use: LaneUse) -> bool:
        thread = await asyncio.create_task(background())
        assert thread == await thread_of(use) == await asyncio.create_task(background())
        return [lane.sockets for lane in lanes._lanes] == [1, 0]

    assert await in_socket_task(socket, 2)


async def test_outside_of_a_socket_there_is_no_lane_for_a_task() -> None:
    async def outside() -> None:
        assert enter_background_task() is None
        rest_lane()

    await asyncio.create_task(outside())


@pytest.mark.usefixtures("database")
async def test_an_abandoned_task_that_ends_after_the_last_socket_closes_what_it_held(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(connections.databases["lanes"], "CONN_MAX_AGE", None)
    step, done = asyncio.Event(), asyncio.Event()
    abandoned: list[asyncio.Task[None]] = []

    async def socket(_use: LaneUse) -> None:
        abandoned.append(asyncio.create_task(hold_a_connection(step, done)))
        await step.wait()

    await in_socket_task(socket, 1)
    await settled(lanes._lanes[0])
    done.set()
    await abandoned[0]
    assert not await asyncio.wrap_future(lanes._lanes[0].submit(is_connected))


@pytest.mark.usefixtures("database")
async def test_what_goes_on_for_ever_lets_go_between_its_rounds() -> None:
    async def background() -> None:
        enter_background_task()
        await sync_to_async(query)()
        rest_lane()
        assert not await sync_to_async(is_connected)()
        rest_lane()

    async def socket(_use: LaneUse) -> None:
        await asyncio.create_task(background())

    await in_socket_task(socket, 1)
    assert lanes._lanes[0].busy == 0


# --- transactions ---------------------------------------------------------------------------------


def begin() -> None:
    atomic("lanes").__enter__()


def write() -> None:
    query("CREATE TABLE kept (number)")


def tables() -> list[object]:
    with connections["lanes"].cursor() as cursor:
        return list(cursor.execute("SELECT name FROM sqlite_master"))


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("fault", [False, True])
async def test_a_transaction_that_outlasts_its_call_is_rolled_back_and_said(fault: bool) -> None:
    def leave_open() -> None:
        begin()
        write()
        if fault:
            raise LookupError

    async def careless(_use: LaneUse) -> None:
        with pytest.raises(LookupError if fault else TransactionManagementError):
            await sync_to_async(leave_open)()

    async def other(_use: LaneUse) -> object:
        assert await sync_to_async(tables)() == []
        await sync_to_async(write)()
        return await sync_to_async(tables)()

    await in_socket_task(careless, 1)
    assert await in_socket_task(other, 1) == [("kept",)]


@pytest.mark.usefixtures("database")
async def test_autocommit_that_was_switched_off_is_on_again_for_the_next() -> None:
    def switch_off() -> None:
        connections["lanes"].set_autocommit(False)
        query("INSERT INTO kept VALUES (1)")

    def count() -> object:
        with connections["lanes"].cursor() as cursor:
            return cursor.execute("SELECT count(*) FROM kept").fetchone()

    async def careless(_use: LaneUse) -> None:
        await sync_to_async(write)()
        with pytest.raises(TransactionManagementError, match="rolled back"):
            await sync_to_async(switch_off)()
        assert await sync_to_async(count)() == (0,)

    await in_socket_task(careless, 1)


@pytest.mark.usefixtures("database")
async def test_a_whole_transaction_in_one_call_is_kept() -> None:
    def whole() -> None:
        with atomic("lanes"):
            write()

    async def careful(_use: LaneUse) -> object:
        await sync_to_async(whole)()
        return await sync_to_async(tables)()

    assert await in_socket_task(careful, 1) == [("kept",)]


async def test_the_transaction_of_another_thread_on_a_shared_connection_is_left_alone() -> None:
    shared = connections.create_connection("default")
    shared.inc_thread_sharing()

    def use() -> bool:
        connections["default"] = shared
        return connections["default"].in_atomic_block

    async def body(_use: LaneUse) -> object:
        return await sync_to_async(use)()

    block = atomic()

    def begin() -> None:
        use()
        block.__enter__()

    with ThreadPoolExecutor(1) as other:
        await asyncio.wrap_future(other.submit(begin))
        assert await in_socket_task(body) is True
        assert not shared.needs_rollback
        await asyncio.wrap_future(other.submit(block.__exit__, None, None, None))
    shared.dec_thread_sharing()
    assert shared.connection is not None
    shared.connection.close()


async def test_housekeeping_is_done_on_every_lane() -> None:
    threads: set[int] = set()
    sockets = [in_socket_task(thread_of) for _ in range(2)]
    own = {await socket for socket in sockets}
    run_on_lanes(lambda: threads.add(threading.get_ident()))
    for lane in lanes._lanes:
        await settled(lane)
    assert threads >= own
