"""handler/threads.py"""

import asyncio
import threading
from concurrent.futures import Future
from functools import wraps
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.http import HttpResponse
from typing_extensions import override

from django_ws.handler import Overflow, WebSocketHandler, threads
from django_ws.handler.threads import adopt_sync_hooks, is_sync_hook, runs_on_lane, thread_aware
from django_ws.testing import FakeConnection
from handler.support import Noted, make, messages, turns, until

# A plain «def» is no override of an «async def» to a type checker: here are the sockets of those who use none.
# mypy: disable-error-code="override,unused-coroutine,unused-awaitable"


class Echo(WebSocketHandler[str, str]):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.seen: list[Any] = []

    @override
    def on_message(self, data: str, /) -> None:
        self.seen.append((data, threading.current_thread().name))
        self.seen.append(self.send(data))


async def test_a_sync_hook_runs_in_one_thread_and_what_it_sends_goes_out_in_order() -> None:
    connection = FakeConnection(["a", "b", "c"])
    socket = make(Echo, connection)
    await socket.run()
    assert connection.sent == ["a", "b", "c"]
    assert [seen for seen in socket.seen if isinstance(seen, bool)] == [True, True, True]
    names = {seen[1] for seen in socket.seen if isinstance(seen, tuple)}
    assert len(names) == 1
    assert names.pop().startswith("websocket-lane-")


async def test_sync_and_async_hooks_go_together() -> None:
    class Mixed(Echo):
        @override
        async def on_open(self) -> None:
            self.seen.append(await self.send("opened"))

        @override
        def on_connect(self) -> HttpResponse | None:
            return None if self.kwargs else HttpResponse(status=402)

    connection = FakeConnection(["a"])
    response: Any = await make(Mixed, FakeConnection()).run()
    assert response.status_code == 402
    await make(Mixed, connection, room=1).run()
    assert connection.sent == ["opened", "a"]


async def test_a_sync_hook_may_close_and_go_on() -> None:
    class Closing(Noted):
        @override
        def on_message(self, data: str, /) -> None:
            self.close(4001, "enough")
            self.journal.append(str(self.send("too late")))

    connection = FakeConnection(["a", "b"], end=None)
    socket = make(Closing, connection)
    await socket.run()
    assert socket.journal == ["open", "False", "close 4001"]
    assert (connection.sent, connection.close_code) == ([], 4001)


async def test_a_sync_hook_may_start_and_cancel_background_tasks() -> None:
    class Busy(Noted):
        @override
        def on_open(self) -> None:
            self.start_task("one", self.linger, "one")
            self.start_task("two", self.linger, "two")

        @override
        def on_message(self, data: str, /) -> None:
            self.journal.append(str(self.cancel_task("two")))

    socket = make(Busy, FakeConnection(["x"]))
    await socket.run()
    # When a cancelled task is at its end depends on the turns of the loop.
    assert sorted(socket.journal) == ["True", "close 1000", "one ended", "two ended"]


async def test_what_a_sync_hook_raises_is_a_fault_and_so_is_what_it_cannot_send() -> None:
    class Failing(Noted):
        @override
        def on_message(self, data: str, /) -> None:
            self.send(data if data != "fail" else 1 / 0)  # type: ignore[arg-type]

    for data, error in (("fail", ZeroDivisionError), ("\ud800", UnicodeEncodeError)):
        connection = FakeConnection([data])
        socket = make(Failing, connection)
        with pytest.raises(error):
            await socket.run()
        assert [type(raised) for raised in socket.errors] == [error]


async def test_a_sync_hook_may_call_its_base_and_give_what_an_async_base_gives() -> None:
    class Base(Noted):
        @override
        def on_message(self, data: str, /) -> None:
            self.journal.append(f"base {data} {threading.current_thread().name.partition('-lane')[0]}")

    class Derived(Base):
        @override
        def on_message(self, data: str, /) -> None:
            super().on_message(data)
            self.send(data)

        @override
        def on_open(self) -> Any:
            return super().on_open()

        @override
        def on_close(self) -> None:
            async_to_sync(super().on_close)()

    class Async(Derived):
        @override
        async def on_message(self, data: str, /) -> None:
            base: Any = super()
            await base.on_message(f"{data}!")

    socket = make(Async, connection := FakeConnection(["a"]))
    await socket.run()
    assert socket.journal == ["open", "base a! websocket", "close 1000"]
    assert connection.sent == ["a!"]


async def test_a_sync_hook_of_a_mixin_that_is_no_socket_runs_on_the_lane() -> None:
    class Mixin:
        def on_message(self, data: str, /) -> None:
            socket: Any = self
            socket.send(f"mixed in {data}")

    class Room(Mixin, WebSocketHandler[str, str]): ...  # type: ignore[misc]

    connection = FakeConnection(["a"])
    await make(Room, connection).run()
    assert connection.sent == ["mixed in a"]


async def test_a_hook_whose_grace_is_over_goes_on_in_its_thread_and_on_close_comes_after_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    entered, go = threading.Event(), threading.Event()

    class Slow(Noted):
        disconnect_grace = 0
        cleanup_timeout = 5

        @override
        def on_message(self, data: str, /) -> None:
            entered.set()
            go.wait(10)
            self.journal.append(f"sent: {self.send(data)}")
            raise ZeroDivisionError

        @override
        def on_close(self) -> None:
            self.journal.append("close")

    connection = FakeConnection(["a"], end=None)
    socket = make(Slow, connection)
    task = asyncio.create_task(socket.run())
    await sync_to_async(entered.wait, thread_sensitive=False)(10)
    connection.disconnect()
    socket.ws_tick()
    socket.ws_tick()
    await until(lambda: socket._finishing)
    go.set()
    await task
    assert socket.journal == ["open", "sent: False", "close"]
    assert messages(caplog)[1:] == [
        "Slow: on_message failed in its thread, after it had been cancelled",
    ]


# --- the client reads slowly ------------------------------------------------------------------------


class Flooding(Noted):
    outbox_messages = 4
    cleanup_timeout = 0.05
    sends = 4

    @override
    def on_message(self, data: str, /) -> None:
        self.sent = "".join("+" if self.take(str(number)) else "-" for number in range(self.sends))

    def take(self, data: str) -> Any:
        return self.send(data)

    sent = ""


async def flooded(**attributes: object) -> tuple[Flooding, FakeConnection]:
    """One whose client does not read at all."""
    cls: Any = type("Flooding", (Flooding,), attributes)
    connection = FakeConnection(["x"], end=None)
    connection.stall()
    socket: Flooding = make(cls, connection)
    task = asyncio.create_task(socket.run())
    # The close has so little time that the thread, on a busy machine, may come to its end too late for it.
    await until(lambda: socket.sent or socket._close_code)
    connection.resume()
    await until(lambda: socket.sent)
    if socket._close_code is not None:
        await until(lambda: not connection.is_open)  # it closes by itself
    connection.disconnect()
    await task
    return socket, connection


async def test_a_sync_hook_does_not_wait_for_the_client_while_the_outbox_has_room() -> None:
    # One is at the server, one waits behind it; the third would make it half full.
    socket, _ = await flooded(sends=2)
    assert socket.sent == "++"


async def test_past_that_it_waits_for_a_while_and_then_the_client_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    socket, connection = await flooded()
    assert socket.sent == "++--"
    assert connection.close_code == 1013
    assert "outbox is full; closed with 1013" in messages(caplog)[0]


async def test_a_client_that_reads_on_lets_the_hook_go_on() -> None:
    cls: Any = type("Patient", (Flooding,), {"cleanup_timeout": 10})
    connection = FakeConnection(["x"], end=None)
    connection.stall()
    socket: Flooding = make(cls, connection)
    task = asyncio.create_task(socket.run())
    await until(lambda: socket._outbox is not None and len(socket._outbox) == 2)
    connection.resume()
    await until(lambda: socket.sent)
    connection.disconnect()
    await task
    assert socket.sent == "++++"
    assert connection.sent == ["0", "1", "2", "3"]


async def test_where_messages_may_be_dropped_nobody_waits() -> None:
    socket, _ = await flooded(overflow=Overflow.DROP_NEWEST, cleanup_timeout=5, sends=7)
    assert socket.sent == "+++++--"


# --- the loop is gone -------------------------------------------------------------------------------


def closed_loop_socket() -> Any:
    async def main() -> Echo:
        return make(Echo)

    return asyncio.run(main())


def test_after_the_loop_is_closed_a_send_is_answered_with_false() -> None:
    assert closed_loop_socket().send("x") is False


def test_a_loop_that_is_closed_while_a_thread_waits_lets_it_go(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(call: Any, _loop: object) -> "Future[object]":
        call.close()
        return Future()

    monkeypatch.setattr(asyncio, "run_coroutine_threadsafe", never)
    monkeypatch.setattr(threads, "_LOOK", 0)
    assert closed_loop_socket().send("x") is False


async def test_a_thread_waits_as_long_as_the_loop_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_LOOK", 0.001)

    class Slow(Echo):
        async def later(self, data: str) -> bool:
            await asyncio.sleep(0.02)
            return await WebSocketHandler.send(self, data)

        @override
        def send(self, message: str, /) -> Any:
            return self.later(message)

        @override
        def on_message(self, data: str, /) -> None:
            self.seen.append(self.send(data))

    connection = FakeConnection(["a"])
    socket = make(Slow, connection)
    await socket.run()
    assert (socket.seen, connection.sent) == ([True], ["a"])


# --- what is made when the class is -----------------------------------------------------------------


async def test_a_close_from_a_thread_of_ones_own_interrupts_the_wait_for_a_message() -> None:
    connection = FakeConnection(end=None)
    socket = make(Echo, connection)
    task = asyncio.create_task(socket.run())
    await turns()
    await sync_to_async(socket.close, thread_sensitive=False)(4005)
    await task
    assert connection.close_code == 4005


def test_a_class_of_async_hooks_is_left_as_it_is() -> None:
    class Plain(WebSocketHandler[str, str]):
        @override
        async def on_message(self, data: str, /) -> None: ...

    assert set(vars(Plain)) & {"send", "close", "start_task"} == set()
    assert Plain.send is WebSocketHandler.send


def test_what_knows_of_threads_is_put_around_once() -> None:
    class Derived(Echo):
        @override
        def on_open(self) -> None: ...

    assert Derived.send is Echo.send
    assert thread_aware(Echo.send) is Echo.send
    assert runs_on_lane(Derived.on_open)
    assert not runs_on_lane(Derived.send)
    assert not runs_on_lane(Derived.on_close)


def test_which_hooks_are_ordinary_functions() -> None:
    def decorator(hook: Any) -> Any:
        @wraps(hook)
        def wrapper(*args: Any) -> Any:
            return hook(*args)

        return wrapper

    async def asynchronous() -> None: ...

    assert is_sync_hook(lambda self: None)
    assert not is_sync_hook(asynchronous)
    assert not is_sync_hook(decorator(asynchronous))
    assert not is_sync_hook(Echo.on_message)
    assert not is_sync_hook("no function at all")


def test_a_method_that_is_no_function_is_left_alone() -> None:
    class Odd:
        send = "no function"

        def on_open(self) -> None: ...

    adopt_sync_hooks(Odd, ("on_open", "on_close"))
    assert Odd.send == "no function"
    assert runs_on_lane(Odd.on_open)
