"""handler/sync_handler.py: threads are in test_threads; here it is about what users see"""

import ast
import asyncio
import inspect
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.http import HttpResponse
from typing_extensions import override

from django_ws.exceptions import InvalidMessageError
from django_ws.handler import SyncWebSocketHandler, WebSocketHandler, sync_handler
from django_ws.interfaces import Data
from django_ws.routing import WebSocketRequest
from django_ws.testing import FakeConnection, connect, websocket_scope

HIDDEN = {"receive", "max_concurrent_messages"}
"""What a socket of hooks that share a thread has no use for."""


def facade() -> dict[str, ast.AST]:
    """What a type checker sees of the class, by name."""
    tree = ast.parse(inspect.getsource(sync_handler))
    classes = (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    found: dict[str, ast.AST] = {}
    for node in next(classes).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found[node.name] = node
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found[node.target.id] = node
    return found


def test_what_a_type_checker_sees_is_what_there_is() -> None:
    there = {name for name in dir(SyncWebSocketHandler) if not name.startswith("_")}
    for base in WebSocketHandler.__mro__:
        there |= {name for name in vars(base).get("__annotations__", {}) if not name.startswith("_")}
    there |= {"args", "kwargs", "request", "subprotocol"}
    machinery = {name for name in there if name.startswith("ws_")}
    assert set(facade()) - {"__init__"} == there - HIDDEN - machinery


def test_its_methods_take_what_those_of_the_async_class_take() -> None:
    for name, node in facade().items():
        method: Any = getattr(WebSocketHandler, {"asend": "send", "aclose": "close"}.get(name, name), None)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and inspect.isfunction(method):
            given = node.args
            names = [each.arg for each in (*given.posonlyargs, *given.args, given.vararg, given.kwarg) if each]
            assert names == list(inspect.signature(method).parameters), name


class Room(SyncWebSocketHandler[str, str]):
    """Uses all that there is."""

    ping_interval = 0.001

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.journal: list[object] = []

    @override
    def on_connect(self) -> HttpResponse | None:
        if self.kwargs.get("closed"):
            return HttpResponse(status=402)
        self.accept(headers=[("X-Room", "1")])
        super().on_connect()
        return None

    @override
    def on_open(self) -> None:
        super().on_open()
        self.journal.append(self.send("hello"))
        self.start_task("feed", self.feed)

    async def feed(self) -> None:
        self.journal.append(await self.asend("fed"))

    @override
    def on_message(self, data: str, /) -> None:
        super().on_message(data)
        match data:
            case "fail":
                raise ValueError(data)
            case "bye":
                self.start_task("close", self.aclose, 4001)
            case "task":
                self.start_task("failing", self.fail)
            case "ping":
                self.start_ping()
            case _:
                self.send(data)

    async def fail(self) -> None:
        raise LookupError

    @override
    def on_invalid(self, error: InvalidMessageError, message: Data) -> None:
        self.journal.append(int(error.code))
        super().on_invalid(error, message)

    @override
    def on_error(self, error: Exception) -> None:
        super().on_error(error)
        self.journal.append(str(error))

    @override
    def on_task_error(self, error: Exception) -> None:
        super().on_task_error(error)
        self.journal.append(type(error))

    @override
    def on_close(self) -> None:
        super().on_close()
        self.journal.append(self.close_code)


async def lived(*messages: Data, **kwargs: object) -> tuple[Room, FakeConnection]:

    connection = FakeConnection(messages, end=None)
    room = Room(WebSocketRequest(websocket_scope()), connection, **kwargs)
    task = asyncio.create_task(room.run())
    if messages == ("a",):
        async with asyncio.timeout(10):
            while len(connection.sent) < 3:
                await asyncio.sleep(0.001)
        connection.disconnect()
    await asyncio.wait([task])
    if task.exception() is not None:
        assert isinstance(task.exception(), ValueError)
    return room, connection


async def test_all_hooks_run_and_their_bases_may_be_called() -> None:
    room, connection = await lived("a")
    assert connection.accepted == (None, [("X-Room", "1")])
    assert sorted(connection.sent, key=str) == ["a", "fed", "hello"]
    assert room.journal == [True, True, 1000]


async def test_the_base_of_on_invalid_closes() -> None:
    room, connection = await lived(b"x")
    assert connection.close_code == 1003
    assert room.journal[-2:] == [1003, 1003]


async def test_a_fault_is_told_to_on_error() -> None:
    room, _ = await lived("fail")
    assert room.journal[-2:] == ["fail", 1011]


async def test_a_background_task_may_fail_and_another_may_close() -> None:
    room, connection = await lived("task", "bye")
    assert LookupError in room.journal
    assert connection.close_code == 4001


async def test_it_may_deny_and_ping() -> None:
    async with connect(Room, closed=True) as ws:
        assert ws.denied is not None
        assert ws.denied.status == 402
    async with connect(Room) as ws:
        await ws.send("ping")
        texts = [await ws.receive() for _ in range(3)]
        assert any(text.startswith('{"ping":') for text in texts)


async def test_one_that_overrides_nothing_is_as_the_async_class() -> None:

    class Silent(SyncWebSocketHandler[str, str]): ...

    connection = FakeConnection(["a"])
    socket: Any = Silent(WebSocketRequest(websocket_scope()), connection)
    await socket.run()
    assert socket._lane.lane is None
    view: Any = Silent.as_view()
    assert view.view_class is Silent


@pytest.mark.parametrize("name", ["asend", "send"])
async def test_on_the_event_loop_send_is_that_of_the_async_class(name: str) -> None:
    room: Any = (await lived("a"))[0]
    assert await getattr(room, name)("too late") is False


class Members(SyncWebSocketHandler[str, str]):
    @override
    def on_message(self, data: str, /) -> None:
        get_user_model().objects.create_user(username=data)
        self.send(str(get_user_model().objects.count()))


def test_under_a_test_case_its_hooks_have_the_tests_own_connection(database: None) -> None:

    get_user_model().objects.create_user(username="before")

    async def main() -> str:
        async with connect(Members) as ws:
            await ws.send("ada")
            return await ws.receive()

    assert async_to_sync(main)() == "2"
    assert get_user_model().objects.count() == 2
