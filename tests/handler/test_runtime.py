"""handler/runtime.py"""

import asyncio
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpRequest
from typing_extensions import override

from django_ws.handler import runtime as module
from django_ws.handler.orders import Order
from django_ws.handler.runtime import Phase, Runtime, runtime, runtimes


class Socket:
    def __init__(self, phase: Phase) -> None:
        self.ws_phase = phase
        self.ticks = 0
        self.ticked = asyncio.Event()

    def ws_tick(self) -> None:
        self.ticks += 1
        self.ticked.set()


@pytest.fixture(autouse=True)
def quick_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TICK", 0.001)


def test_each_loop_has_one_runtime_and_those_of_closed_loops_are_forgotten() -> None:
    async def both() -> tuple[Runtime, Runtime]:
        return runtime(), runtime()

    loops = [asyncio.new_event_loop() for _ in range(2)]
    found: list[Runtime] = []
    for loop in loops:
        one, other = loop.run_until_complete(both())
        assert one is other
        assert one.loop is loop
        found.append(one)
        loop.close()
    assert found[0] is not found[1]
    assert loops[0] not in module._runtimes
    last = asyncio.new_event_loop()
    last.run_until_complete(both())
    last.close()
    assert loops[1] not in module._runtimes


def test_without_a_loop_there_is_none() -> None:
    with pytest.raises(RuntimeError, match="no running event loop"):
        runtime()


async def test_its_two_futures_are_finished() -> None:
    shared = runtime()
    assert await shared.taken is True
    assert await shared.lost is False


async def test_a_socket_in_a_hook_is_ticked_until_it_is_discarded() -> None:
    shared = Runtime(asyncio.get_running_loop())
    socket, waiting = Socket(Phase.RUNNING), Socket(Phase.RECEIVING)
    shared.add(socket)
    shared.add(waiting)
    assert len(shared) == 2
    await socket.ticked.wait()
    socket.ticked.clear()
    await socket.ticked.wait()
    shared.discard(socket)
    shared.discard(socket)
    assert len(shared) == 1
    seen = socket.ticks
    waiting.ws_phase = Phase.LONG
    shared.active = True
    await waiting.ticked.wait()
    assert socket.ticks == seen
    assert waiting.ticks == 1
    shared.discard(waiting)


async def test_while_no_hook_has_begun_the_sockets_are_not_looked_at() -> None:
    shared = Runtime(asyncio.get_running_loop())
    socket = Socket(Phase.RECEIVING)
    shared.add(socket)
    while shared.active:
        await asyncio.sleep(0.001)
    socket.ws_phase = Phase.RUNNING
    await asyncio.sleep(0.01)
    assert socket.ticks == 0
    shared.active = True
    await socket.ticked.wait()
    shared.discard(socket)


async def test_with_no_socket_left_the_timer_ends_itself_and_the_next_socket_starts_it_again() -> None:
    shared = Runtime(asyncio.get_running_loop())
    socket = Socket(Phase.RUNNING)
    shared.add(socket)
    shared.discard(socket)
    while shared._handle is not None:
        await asyncio.sleep(0.001)
    assert socket.ticks == 0
    shared.add(socket)
    await socket.ticked.wait()
    shared.discard(socket)


async def test_a_socket_may_leave_during_the_tick() -> None:
    shared = Runtime(asyncio.get_running_loop())

    class Leaving(Socket):
        @override
        def ws_tick(self) -> None:
            super().ws_tick()
            shared.discard(self)

    sockets = [Leaving(Phase.RUNNING) for _ in range(3)]
    for socket in sockets:
        shared.add(socket)
    for socket in sockets:
        await socket.ticked.wait()
    assert len(shared) == 0
    assert [socket.ticks for socket in sockets] == [1, 1, 1]


async def test_the_watch_over_silence_is_made_when_it_is_first_needed_and_forgets_what_is_discarded() -> None:
    shared = Runtime(asyncio.get_running_loop())
    socket: Any = Socket(Phase.RECEIVING)
    socket.ws_received = 0
    shared.discard(socket)
    assert shared._idle is None
    shared.idle.add(socket, 60)
    assert shared.idle is shared.idle
    assert len(shared.idle) == 1
    shared.discard(socket)
    assert len(shared.idle) == 0
    timer = shared.idle._timer
    assert timer is not None
    timer.cancel()


async def test_a_socket_is_told_the_loops_time_as_it_is_added() -> None:
    loop = asyncio.get_running_loop()
    shared = Runtime(loop)
    socket = Socket(Phase.RECEIVING)
    before = loop.time()
    added = shared.add(socket)
    assert before <= added <= shared.time()
    shared.discard(socket)


async def test_orders_reach_the_sockets_and_are_made_room_for_when_the_first_comes() -> None:
    class Ordered(Socket):
        request = HttpRequest()
        ws_orders = 0

        def ws_disconnect(self, code: int, reason: str, /) -> None:
            closed.append((code, reason))

    closed: list[tuple[int, str]] = []
    request = HttpRequest()
    request.user = User(pk=7)
    here, socket = runtime(), Ordered(Phase.RECEIVING)
    socket.request = request
    here.add(socket)
    assert here.sockets() == [socket]
    here.obey(Order("1", "7", None, 4401, "banned"))
    here.obey(Order("2", "8", None, 4401, "banned"))
    assert here.orders is not None
    assert here.orders.count == 2
    assert closed == [(4401, "banned")]
    here.discard(socket)
    assert here.sockets() == []


async def test_sockets_are_checked_by_its_one_watch_which_forgets_those_that_end() -> None:
    class Checked(Socket):
        checks = 0

        def ws_revalidate(self) -> None:
            self.checks += 1

    here, socket = runtime(), Checked(Phase.RECEIVING)
    here.add(socket)
    # What is ticked is a socket, and can be checked as well.
    sockets: Any = [socket]
    here.check(sockets)
    assert socket.checks == 1
    assert here.revalidation is here.revalidation
    here.revalidation.add(socket, 60)
    here.discard(socket)
    assert len(here.revalidation) == 0


def test_those_of_closed_loops_are_left_out() -> None:
    async def here() -> Runtime:
        assert runtime() in runtimes()
        return runtime()

    loop = asyncio.new_event_loop()
    found = loop.run_until_complete(here())
    assert found in runtimes()
    loop.close()
    assert found not in runtimes()
