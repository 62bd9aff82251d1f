"""testing/running.py"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from typing import Any, TypeVar

from typing_extensions import override

from django_ws import WebSocketHandler
from django_ws.interfaces import Endpoint, Next
from django_ws.testing import Peer
from django_ws.testing.running import socket_below, what_runs
from serving import Bare, serving

T = TypeVar("T")


class Busy(WebSocketHandler[str, str]):
    made: "Busy"
    gate: asyncio.Event

    @override
    async def on_connect(self) -> None:
        Busy.made = self

    @override
    async def on_message(self, data: str, /) -> None:
        if data == "task":
            _ = self.start_task("wait", self.wait)
            _ = self.start_task("later", self.sleep_loop, self.wait, 100)
            await asyncio.sleep(0)
        elif data == "find":
            assert socket_below(inspect.currentframe()) is self
        else:
            await self.wait()
        await self.send(data)

    async def wait(self) -> None:
        await asyncio.Event().wait()

    @override
    async def on_close(self) -> None:
        await self.closing()

    async def closing(self) -> None:
        await Busy.gate.wait()


async def turns(number: int = 20) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


async def opened(*middleware: object, cls: type[Busy] = Busy) -> tuple[Peer, "asyncio.Task[None]"]:
    Busy.gate = asyncio.Event()
    peer = Peer(serving(cls, *middleware))
    task = peer.start()
    assert await peer.connect()
    return peer, task


async def ended(peer: Peer) -> None:
    Busy.gate.set()
    peer.disconnect()
    await peer.wait()


async def test_a_hook_is_named_and_where_it_is_and_a_middleware_around_it_is_not() -> None:
    def around(next_: Next) -> Callable[[Endpoint], Awaitable[object]]:
        async def middleware(ws: Endpoint) -> object:
            return await next_(ws)

        return middleware

    peer, task = await opened(around)
    assert what_runs(task, Busy.made) == []
    peer.text("hook")
    await turns()
    (named,) = what_runs(task, Busy.made)
    assert named.startswith("Busy.on_message at test_running.py:")
    assert named.endswith(" in Busy.wait")
    Busy.gate.set()
    task.cancel()
    await asyncio.wait([task])


async def test_background_tasks_are_named() -> None:
    peer, task = await opened()
    peer.text("task")
    assert await peer.receive() == "task"
    waits, later = sorted(what_runs(task, Busy.made), key=len, reverse=True)
    assert waits.startswith("the background task Busy:wait (Busy.wait at test_running.py:")
    assert later == "the background task Busy:later (waits)"
    assert what_runs(task, None) == []
    await ended(peer)


async def test_tasks_of_a_manager_of_ones_own_are_named_even_those_that_wait_their_turn() -> None:
    class InTurn:
        def __init__(self) -> None:
            self.one = asyncio.Semaphore(1)

        # asyncio: what a coroutine yields and is sent is the event loop's affair.
        def start(self, task_id: Hashable, func: Callable[[], Coroutine[Any, Any, T]], /) -> "asyncio.Task[T]":
            async def in_turn() -> T:
                async with self.one:
                    return await func()

            return asyncio.create_task(in_turn(), name=str(task_id))

        def cancel(self, task_id: Hashable, message: str, /) -> bool:
            raise NotImplementedError(task_id, message)

        def cancel_all(self, message: str, /) -> None:
            """Leave it to the handler."""

    class Queued(Busy):
        task_manager = InTurn

    peer, task = await opened(cls=Queued)
    peer.text("task")
    assert await peer.receive() == "task"
    later, waits = sorted(what_runs(task, Busy.made))
    assert ":later (" in later
    assert later.endswith(".in_turn at test_running.py:" + later.rpartition(":")[2])
    assert ":wait (" in waits
    assert waits.endswith(" in Busy.wait)")
    await ended(peer)


async def test_the_hook_for_the_end_is_named() -> None:
    peer, task = await opened()
    peer.disconnect()
    await turns()
    (named,) = what_runs(task, Busy.made)
    assert named.startswith("Busy.on_close at test_running.py:")
    assert named.endswith(" in Busy.closing")
    await ended(peer)


async def test_a_socket_is_found_among_the_callers_of_its_code() -> None:
    peer, _ = await opened()
    peer.text("find")
    assert await peer.receive() == "find"
    await ended(peer)


async def test_what_is_no_socket_of_ours_is_none() -> None:
    assert socket_below(None) is None
    assert socket_below(inspect.currentframe()) is None
    async with Peer(serving(Bare)) as peer:
        assert await peer.connect()


async def test_a_task_without_a_coroutine_of_python_is_nobodys() -> None:
    peer, task = await opened()
    # The type of what a task may run is wider than a coroutine's.
    stranger = asyncio.ensure_future(anything())
    assert what_runs(task, Busy.made) == []
    await stranger
    await ended(peer)


async def anything() -> None: ...
