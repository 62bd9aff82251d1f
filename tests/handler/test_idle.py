"""handler/idle.py"""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from django.test import override_settings
from typing_extensions import override

from django_ws import signals
from django_ws.handler import WebSocket, as_factory
from django_ws.handler import runtime as runtime_module
from django_ws.handler.idle import IdleWatch
from django_ws.handler.runtime import Phase, runtime
from django_ws.refusals import Limit, refusals
from django_ws.routing import WebSocketRequest
from django_ws.testing import FakeConnection, websocket_scope
from handler.support import Noted, make, messages, opened, start, turns, until


class Timer:
    def __init__(self, at: float, callback: Callable[[], object]) -> None:
        self.at = at
        self.callback = callback
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Clock:
    """What the watch needs of an event loop; its time goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0
        self.made: list[Timer] = []

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[[], object]) -> Timer:
        timer = Timer(self.now + delay, callback)
        self.made.append(timer)
        return timer

    @property
    def timers(self) -> list[Timer]:
        return [timer for timer in self.made if not timer.cancelled]

    def go_on(self, seconds: float) -> None:
        end = self.now + seconds
        while due := [timer for timer in self.timers if timer.at <= end]:
            timer = min(due, key=lambda timer: timer.at)
            self.made.remove(timer)
            self.now = timer.at
            timer.callback()
        self.now = end


class Socket:
    def __init__(self, clock: Clock) -> None:
        self.ws_phase = Phase.RECEIVING
        self.ws_received = 0
        self.idle_at: list[float] = []
        self.clock = clock

    def ws_idle(self) -> None:
        self.idle_at.append(self.clock.now - 100)


def watch_of(clock: Clock) -> IdleWatch:
    loop: Any = clock
    return IdleWatch(loop)


# --- the watch ------------------------------------------------------------------------------------


def test_a_silent_socket_is_idle_once_its_time_is_over_and_is_told_once() -> None:
    clock = Clock()
    watch, socket = watch_of(clock), Socket(clock)
    watch.add(socket, 8)
    clock.go_on(7.9)
    assert socket.idle_at == []
    clock.go_on(100)
    assert socket.idle_at == [8]
    assert len(watch) == 0


def test_one_that_gets_messages_is_not_idle_and_its_time_begins_anew() -> None:
    clock = Clock()
    watch, socket = watch_of(clock), Socket(clock)
    watch.add(socket, 8)
    for _ in range(10):
        clock.go_on(5)
        socket.ws_received += 1
    clock.go_on(8)
    assert socket.idle_at == []
    clock.go_on(2)
    (at,) = socket.idle_at
    assert 58 <= at <= 59


@pytest.mark.parametrize("phase", [Phase.RUNNING, Phase.LONG])
def test_one_that_runs_a_hook_is_not_idle_however_long_that_takes(phase: Phase) -> None:
    clock = Clock()
    watch, socket = watch_of(clock), Socket(clock)
    watch.add(socket, 8)
    socket.ws_phase = phase
    clock.go_on(100)
    assert socket.idle_at == []
    socket.ws_phase = Phase.RECEIVING
    clock.go_on(7.5)
    assert socket.idle_at == []
    clock.go_on(1)
    assert len(socket.idle_at) == 1


def test_one_timer_serves_all_and_none_is_left_when_the_last_has_gone() -> None:
    clock = Clock()
    watch = watch_of(clock)
    sockets = [Socket(clock) for _ in range(50)]
    for socket in sockets:
        watch.add(socket, 8)
        clock.go_on(0.01)
        assert len(clock.timers) == 1
    for socket in sockets:
        watch.discard(socket)
    watch.discard(sockets[0])
    clock.go_on(2)
    assert clock.timers == []
    assert not any(socket.idle_at for socket in sockets)
    watch.add(sockets[0], 16)
    assert len(clock.timers) == 1
    clock.go_on(17)
    assert len(sockets[0].idle_at) == 1


@pytest.mark.parametrize("order", [(8, 80, 800), (800, 80, 8), (80, 800, 8)])
def test_each_socket_goes_by_its_own_bound(order: tuple[int, ...]) -> None:
    clock = Clock()
    watch = watch_of(clock)
    sockets = {seconds: Socket(clock) for seconds in order}
    for seconds, socket in sockets.items():
        watch.add(socket, seconds)
        assert len(clock.timers) == 1
    clock.go_on(1000)
    for seconds, socket in sockets.items():
        (at,) = socket.idle_at
        assert seconds <= at <= seconds * 9 / 8
    assert clock.timers == []


def test_one_that_ends_as_another_is_told_is_no_trouble() -> None:
    clock = Clock()
    watch = watch_of(clock)

    class Last(Socket):
        @override
        def ws_idle(self) -> None:
            super().ws_idle()
            watch.discard(self)

    sockets = [Last(clock) for _ in range(3)]
    for socket in sockets:
        watch.add(socket, 8)
    clock.go_on(9)
    assert [socket.idle_at for socket in sockets] == [[8]] * 3


# --- a socket -------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def no_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime_module, "TICK", 3600)


def let_time_pass(seconds: float) -> None:
    """Do what the watch of the running loop does when so much time has gone by."""
    watch = runtime().idle
    for socket, (bound, received, since) in watch._watched.items():
        watch._watched[socket] = (bound, received, since - seconds)
    timer = watch._timer
    assert timer is not None
    timer.cancel()
    watch._look()


async def test_a_silent_socket_is_closed_with_3008_counted_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    socket, connection, task = await opened(idle_timeout=60)
    let_time_pass(59)
    await turns()
    assert not task.done()
    let_time_pass(2)
    assert await task is None
    assert connection.close_code == 3008
    assert socket.journal == ["open", "close 3008"]
    assert task.cancelling() == 0
    assert messages(caplog) == ["Noted: no message came for 60 s; closed with 3008"]
    assert refusals() == {Limit.IDLE_TIME: 1}
    assert len(runtime().idle) == 0


async def test_a_message_keeps_a_socket_open_and_so_does_a_hook() -> None:
    entered, go = asyncio.Event(), asyncio.Event()

    class Slow(Noted):
        idle_timeout = 60

        @override
        async def on_message(self, data: str, /) -> None:
            await super().on_message(data)
            if data == "slow":
                entered.set()
                await go.wait()

    connection = FakeConnection(end=None)
    socket = make(Slow, connection)
    task = start(socket)
    await until(lambda: socket.journal)
    connection.feed("quick")
    await until(lambda: "quick" in socket.journal)
    await turns()
    let_time_pass(61)
    connection.feed("slow")
    await entered.wait()
    let_time_pass(61)
    go.set()
    await turns()
    assert socket.is_open
    let_time_pass(61)
    await task
    assert socket.journal == ["open", "quick", "slow", "close 3008"]


async def test_a_function_that_waits_for_a_message_is_idle_and_one_that_works_is_not() -> None:
    go = asyncio.Event()
    received: list[str] = []

    async def room(ws: WebSocket[str, str]) -> None:
        await go.wait()
        received.extend([text async for text in ws])

    connection = FakeConnection(["a"], end=None)
    with override_settings(WS_IDLE_TIMEOUT=60):
        socket = as_factory(room)(WebSocketRequest(websocket_scope()), connection)
    task = asyncio.ensure_future(socket.run())
    await turns()
    let_time_pass(61)
    go.set()
    await turns()
    assert connection.is_open
    let_time_pass(61)
    await turns()
    assert connection.is_open  # a message came since the last look
    let_time_pass(61)
    await task
    assert connection.close_code == 3008


async def test_a_socket_without_a_bound_is_not_watched_and_costs_no_timer() -> None:
    _, connection, task = await opened()
    assert runtime()._idle is None
    connection.disconnect()
    await task


async def test_a_socket_that_ends_by_itself_is_watched_no_more() -> None:
    _, connection, task = await opened(idle_timeout=60)
    assert len(runtime().idle) == 1
    connection.disconnect()
    await task
    assert len(runtime().idle) == 0


async def test_what_runs_as_a_socket_opens_counts_as_a_hook() -> None:
    go = asyncio.Event()

    async def slowly(**_: object) -> None:
        await go.wait()

    signals.websocket_opened.connect(slowly)
    try:
        connection = FakeConnection(end=None)
        socket: Noted = make(type("Noted", (Noted,), {"idle_timeout": 60}), connection)
        task = start(socket)
        await turns()
        let_time_pass(61)
        go.set()
        await until(lambda: socket.journal)
        assert connection.is_open
        connection.disconnect()
        await task
    finally:
        signals.websocket_opened.disconnect(slowly)
