"""handler/handler.py"""

import asyncio
from threading import current_thread
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.exceptions import ImproperlyConfigured
from django.test import RequestFactory
from typing_extensions import override

from django_ws.exceptions import InvalidMessageError
from django_ws.handler import WebSocketHandler
from django_ws.interfaces import Data
from django_ws.refusals import refusals
from django_ws.signals import websocket_opened
from django_ws.testing import FakeConnection
from handler.support import Noted, make, turns, until


async def test_the_hooks_run_in_order_one_message_at_a_time() -> None:
    class Slow(Noted):
        @override
        async def on_message(self, data: str, /) -> None:
            await turns(10 - len(self.journal))
            await super().on_message(data)

    connection = FakeConnection(list("abc"))
    socket = make(Slow, connection)
    assert await socket.run() is None
    assert connection.accepted == (None, [])
    assert socket.journal == ["open", "a", "b", "c", "close 1000"]


async def test_a_handler_without_hooks_takes_what_comes() -> None:
    connection = FakeConnection(["{}", "[]"])
    assert await make(WebSocketHandler, connection).run() is None
    assert connection.accepted == (None, [])


async def test_a_handshake_that_is_not_accepted_runs_no_hook() -> None:
    connection = FakeConnection()
    connection.disconnect()
    socket = make(Noted, connection)
    assert await socket.run() is None
    assert socket.journal == []


async def test_a_handler_echoes() -> None:
    class Echo(WebSocketHandler[str, str]):
        @override
        async def on_message(self, data: str, /) -> None:
            await self.send(data)

    connection = FakeConnection(["a", "b"])
    await make(Echo, connection).run()
    assert connection.sent == ["a", "b"]


async def test_a_message_that_cannot_be_taken_is_refused_and_the_next_is_handled_if_on_invalid_likes() -> None:
    class Patient(WebSocketHandler[str, str]):
        max_message_size = 4

        @override
        async def on_message(self, data: str, /) -> None:
            await self.send(data)

        @override
        async def on_invalid(self, error: InvalidMessageError, message: Data) -> None:
            await self.send(str(int(error.code)))

    connection = FakeConnection(["a", b"b", "toolong", "abcd", "c"])
    await make(Patient, connection).run()
    assert connection.sent == ["a", "1003", "1009", "abcd", "c"]


async def test_a_fault_in_on_invalid_is_a_fault() -> None:
    class Worse(Noted):
        @override
        async def on_invalid(self, error: InvalidMessageError, message: Data) -> None:
            raise ZeroDivisionError

    socket = make(Worse, FakeConnection([b"x"]))
    with pytest.raises(ZeroDivisionError):
        await socket.run()
    assert [type(error) for error in socket.errors] == [ZeroDivisionError]


async def test_the_lane_of_a_hook_is_given_back_before_the_next_message() -> None:
    used = asyncio.Event()

    class Syncing(Noted):
        @override
        async def on_message(self, data: str, /) -> None:
            await sync_to_async(self.journal.append)("sync")
            assert self._lane.used
            used.set()

    connection = FakeConnection(["x"], end=None)
    socket = make(Syncing, connection)
    task = asyncio.create_task(socket.run())
    # A thread takes as long as it likes: turns of the loop say nothing of it.
    await used.wait()
    await until(lambda: not socket._lane.used)
    connection.disconnect()
    await task


async def test_a_message_read_ahead_comes_from_the_inbox() -> None:
    entered, go = asyncio.Event(), asyncio.Event()

    class Slow(Noted):
        @override
        async def on_message(self, data: str, /) -> None:
            await super().on_message(data)
            entered.set()
            await go.wait()

    connection = FakeConnection(["a", "b"], end=None)
    socket = make(Slow, connection)
    task = asyncio.create_task(socket.run())
    await entered.wait()
    socket.ws_tick()
    socket.ws_tick()
    await turns()
    go.set()
    connection.disconnect()
    await task
    assert socket.journal == ["open", "a", "b", "close 1000"]


@pytest.mark.parametrize("name", ["on_open", "on_message", "on_close"])
async def test_a_hook_that_is_not_async_runs_in_a_thread(name: str) -> None:
    threads: list[str] = []

    def hook(self: object, *args: object) -> None:
        threads.append(current_thread().name)

    plain: Any = type("Plain", (WebSocketHandler,), {name: hook})
    await make(plain, FakeConnection(["1"])).run()
    assert [thread.partition("-lane")[0] for thread in threads] == ["websocket"]


@pytest.mark.parametrize(("name", "value"), [("run", lambda self: None), ("max_concurrent_messages", 0)])
def test_a_class_that_could_serve_nobody_is_refused_when_it_is_made(name: str, value: object) -> None:
    with pytest.raises(ImproperlyConfigured, match=rf"Wrong\.{name} "):
        type("Wrong", (WebSocketHandler,), {name: value})


def test_hooks_that_share_a_thread_cannot_run_at_once() -> None:
    with pytest.raises(
        ImproperlyConfigured, match=r"Wrong\.max_concurrent_messages is 2, but its on_message is an ord"
    ):
        type("Wrong", (WebSocketHandler,), {"max_concurrent_messages": 2, "on_message": lambda self, data: None})


async def test_where_several_messages_may_be_handled_at_once_they_are() -> None:
    both = asyncio.Barrier(2)

    class Two(WebSocketHandler[str, str]):
        max_concurrent_messages = 2

        @override
        async def on_message(self, data: str, /) -> None:
            await both.wait()
            await self.send(data)

    connection = FakeConnection(["a", "b"], end=None)
    task = asyncio.create_task(make(Two, connection).run())
    await until(lambda: len(connection.sent) == 2)
    connection.disconnect()
    await task


async def test_its_view_stands_for_the_class_and_answers_plain_http_with_426() -> None:
    class Chat(WebSocketHandler[str, str]):
        """A chat."""

    view: Any = Chat.as_view()
    assert view.view_class is Chat
    assert (view.__name__, view.__qualname__, view.__module__, view.__doc__) == (
        "Chat",
        Chat.__qualname__,
        __name__,
        "A chat.",
    )
    response = await view(RequestFactory().get("/ws/"), 1, room="x")
    assert response.status_code == 426
    assert (response["Upgrade"], response["Connection"]) == ("websocket", "Upgrade")
    assert b"WebSocket" in response.content


async def test_what_is_over_the_limit_waits_before_it_is_decoded() -> None:
    class Rated(Noted):
        messages_per_second = 0.001
        messages_burst = 8

    connection = FakeConnection(list("abcdefghijk"), end=None)
    socket = make(Rated, connection)
    task = asyncio.create_task(socket.run())
    await until(refusals)
    await turns()
    assert socket.journal == ["open", *"abcdefgh"]
    assert socket.ws_received == 9
    await socket.close(4000)
    await task
    assert socket.journal[-1] == "close 4000"


async def test_on_open_waits_for_who_is_told_that_it_opens() -> None:
    async def told(sender: object, websocket: Noted, **_: object) -> None:
        await turns()
        websocket.journal.append("told")

    websocket_opened.connect(told)
    try:
        socket = make(Noted)
        await socket.run()
    finally:
        websocket_opened.disconnect(told)
    assert socket.journal == ["told", "open", "close 1000"]
