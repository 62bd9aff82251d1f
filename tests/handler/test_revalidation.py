"""handler/revalidation.py"""

import asyncio
from collections.abc import Callable
from contextvars import Context, ContextVar
from typing import Any

from typing_extensions import override

from django_ws.handler.revalidation import RevalidationWatch


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

    def call_later(self, delay: float, callback: Callable[[], object], *, context: Context) -> Timer:
        timer = Timer(self.now + delay, lambda: context.run(callback))
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


class Check:
    """What the watch needs of a task."""

    def __init__(self) -> None:
        self.callbacks: list[Callable[[Any], object]] = []

    def add_done_callback(self, callback: Callable[[Any], object]) -> None:
        self.callbacks.append(callback)

    def end(self) -> None:
        for callback in self.callbacks:
            callback(self)


class Socket:
    def __init__(self, clock: Clock, *, ended: bool = False) -> None:
        self.clock = clock
        self.ended = ended
        self.at: list[float] = []
        self.checks: list[Check] = []

    def ws_revalidate(self) -> "asyncio.Task[Any] | None":
        self.at.append(self.clock.now - 100)
        if self.ended:
            return None
        self.checks.append(Check())
        check: Any = self.checks[-1]
        return check  # type: ignore[no-any-return]

    def end(self) -> None:
        self.checks.pop(0).end()


def watch_of(clock: Clock) -> RevalidationWatch:
    loop: Any = clock
    return RevalidationWatch(loop)


def test_a_socket_is_checked_again_and_again_never_later_than_it_wants() -> None:
    clock = Clock()
    # Its checks take no time.
    watch, socket = watch_of(clock), Socket(clock, ended=True)
    watch.add(socket, 60)
    clock.go_on(1200)
    assert len(socket.at) >= 20
    gaps = [later - earlier for earlier, later in zip([0.0, *socket.at], socket.at, strict=False)]
    assert all(44.9 < gap < 60.1 for gap in gaps)
    assert len({round(gap) for gap in gaps}) > 1


def test_the_timer_ends_with_the_last_socket_and_follows_the_most_impatient() -> None:
    clock = Clock()
    watch = watch_of(clock)
    patient, impatient, between = Socket(clock), Socket(clock), Socket(clock)
    watch.add(patient, 600)
    watch.add(impatient, 60)
    watch.add(between, 300)
    assert len(watch) == 3
    assert [timer.at - clock.now for timer in clock.timers] == [3.0]
    for socket in (patient, impatient, between):
        watch.discard(socket)
    assert len(watch) == 0
    clock.go_on(3)
    assert clock.timers == []
    watch.add(patient, 600)
    assert [timer.at - clock.now for timer in clock.timers] == [30.0]


def test_the_timer_is_of_no_sockets_context() -> None:
    var: ContextVar[str] = ContextVar("var")
    seen: list[object] = []

    class Looking(Socket):
        @override
        def ws_revalidate(self) -> "asyncio.Task[Any] | None":
            seen.append(var.get("nothing"))
            return None

    clock = Clock()
    watch = watch_of(clock)
    var.set("a socket's")
    watch.add(Looking(clock), 60)
    clock.go_on(120)
    assert seen
    assert set(seen) == {"nothing"}


def test_so_many_are_checked_at_once_and_the_others_follow_in_order() -> None:
    clock = Clock()
    watch = watch_of(clock)
    sockets = [Socket(clock) for _ in range(20)]
    watch.check(sockets)
    assert [len(socket.at) for socket in sockets] == [1] * 8 + [0] * 12
    sockets[3].end()
    assert [len(socket.at) for socket in sockets] == [1] * 9 + [0] * 11
    watch.discard(sockets[9])
    sockets[10].ended = True
    sockets[0].end()
    assert [len(socket.at) for socket in sockets] == [1] * 9 + [0, 1, 1] + [0] * 8
    while running := [socket for socket in sockets if socket.checks]:
        running[0].end()
    assert [len(socket.at) for socket in sockets] == [1] * 9 + [0] + [1] * 10


def test_one_socket_is_checked_by_one_task_at_a_time() -> None:
    clock = Clock()
    watch, socket, other = watch_of(clock), Socket(clock), Socket(clock)
    watch.check([socket])
    watch.check([socket, other])
    assert (len(socket.at), len(other.at)) == (1, 1)
    socket.end()
    assert len(socket.at) == 2
    socket.end()
    assert (len(socket.at), len(other.at)) == (2, 1)


def test_checks_that_fail_are_logged_once_a_minute() -> None:
    clock = Clock()
    watch = watch_of(clock)
    assert watch.may_log()
    assert not watch.may_log()
    clock.now += 59
    assert not watch.may_log()
    clock.now += 1
    assert watch.may_log()
