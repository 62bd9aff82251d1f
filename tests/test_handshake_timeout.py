"""handshake_timeout.py"""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from django.test import override_settings
from typing_extensions import override

from django_ws import WebSocketHandler
from django_ws.handshake_timeout import HandshakeTimeout
from django_ws.testing import FakeConnection, Peer
from serving import Echo, denied, serving


class Loop:
    """An event loop whose time goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: list[tuple[float, Callable[..., None], tuple[Any, ...]]] = []
        self.closed = False

    def time(self) -> float:
        return self.now

    def is_closed(self) -> bool:
        return self.closed

    def call_later(self, seconds: float, callback: Callable[..., None], *args: Any) -> object:
        return self.call_at(self.now + seconds, callback, *args)

    def call_at(self, when: float, callback: Callable[..., None], *args: Any) -> object:
        self.timers.append((when, callback, args))
        return object()

    def go_to(self, now: float) -> None:
        self.now = now
        due = [timer for timer in self.timers if timer[0] <= now]
        self.timers = [timer for timer in self.timers if timer[0] > now]
        for _, callback, args in due:
            callback(*args)


class Task:
    def __init__(self, loop: Loop) -> None:
        self.loop = loop

    def get_loop(self) -> Loop:
        return self.loop


class Watched:
    """A watch over handshakes, with a loop and tasks of no substance."""

    def __init__(self) -> None:
        self.late: list[Any] = []
        self.loop = Loop()
        self.watch = HandshakeTimeout(self.late.append)

    def begin(self, seconds: float, connection: FakeConnection | None = None, loop: Loop | None = None) -> Any:
        task: Any = Task(loop or self.loop)
        self.watch.begin(task, connection or FakeConnection(), seconds)
        return task


def test_a_handshake_that_is_not_answered_in_time_is_given_up_once() -> None:
    watched = Watched()
    task = watched.begin(10)
    watched.loop.go_to(109.9)
    assert watched.late == []
    watched.loop.go_to(110)
    assert watched.late == [task]
    assert len(watched.watch) == len(watched.loop.timers) == 0


def test_one_timer_looks_after_all_and_ends_when_there_is_none() -> None:
    watched = Watched()
    tasks = [watched.begin(10) for _ in range(3)]
    assert len(watched.loop.timers) == 1
    for task in tasks:
        watched.watch.end(task)
    watched.loop.go_to(110)
    assert watched.loop.timers == watched.late == []


def test_the_next_look_is_when_the_next_can_be_late() -> None:
    watched = Watched()
    watched.begin(10)
    watched.loop.now = 105
    second, third = watched.begin(10), watched.begin(20)
    watched.loop.go_to(110)
    assert len(watched.late) == 1
    assert [when for when, _, _ in watched.loop.timers] == [115]
    watched.loop.go_to(115)
    assert watched.late[1:] == [second]
    watched.loop.go_to(125)
    assert watched.late[2:] == [third]


async def test_what_has_been_answered_is_forgotten_at_the_next_look() -> None:
    watched = Watched()
    answered = FakeConnection()
    watched.begin(10, answered)
    await answered.accept()
    watched.loop.go_to(110)
    assert watched.late == []
    assert len(watched.watch) == 0


def test_each_loop_has_its_own_time() -> None:
    watched, other = Watched(), Loop()
    other.now = 0.0
    mine, theirs = watched.begin(10), watched.begin(10, loop=other)
    watched.loop.go_to(110)
    assert watched.late == [mine]
    other.go_to(10)
    assert watched.late == [mine, theirs]


def test_a_loop_that_has_gone_is_forgotten() -> None:
    watched, gone = Watched(), Loop()
    watched.begin(10, loop=gone)
    gone.closed = True
    watched.begin(10)
    watched.loop.go_to(110)
    assert len(watched.late) == 1
    watched.begin(10, loop=gone)
    assert len(gone.timers) == 2


@override_settings(WS_HANDSHAKE_TIMEOUT=None)
async def test_without_a_bound_nothing_is_looked_after() -> None:
    application = serving(Echo)
    async with Peer(application) as peer:
        assert await peer.connect()
        assert len(application._handshakes) == 0


async def test_a_connection_that_has_ended_is_forgotten_at_once() -> None:
    application = serving(Echo)
    async with Peer(application) as peer:
        assert await peer.connect()
        assert len(application._handshakes) == 1
    assert len(application._handshakes) == 0


@override_settings(WS_HANDSHAKE_TIMEOUT=0.01)
async def test_the_code_that_took_too_long_is_cancelled_and_cleans_up() -> None:
    steps: list[str] = []

    class Slow(WebSocketHandler):
        @override
        async def on_connect(self) -> None:
            _ = self.start_task("task", self.task)
            try:
                await asyncio.Event().wait()
            finally:
                steps.append("on_connect")

        async def task(self) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                steps.append("task")

    assert (await denied(serving(Slow))).denied_status == 503
    assert sorted(steps) == ["on_connect", "task"]


@override_settings(WS_HANDSHAKE_TIMEOUT=0.01)
async def test_a_socket_that_is_open_is_not_at_its_handshake_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    application = serving(Echo)
    looks = asyncio.Event()
    look = HandshakeTimeout._look

    def noted(self: HandshakeTimeout, loop: asyncio.AbstractEventLoop) -> None:
        look(self, loop)
        looks.set()

    monkeypatch.setattr(HandshakeTimeout, "_look", noted)
    async with Peer(application) as peer:
        assert await peer.connect()
        await looks.wait()
        peer.text("still here")
        assert await peer.receive() == "still here"
