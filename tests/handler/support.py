"""What the tests of the handler share."""

import asyncio
import contextlib
import logging
import re
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

import pytest
from django.http.response import HttpResponseBase
from typing_extensions import override

from django_ws.handler import WebSocket, WebSocketHandler
from django_ws.routing import WebSocketRequest
from django_ws.testing import FakeConnection, websocket_scope

S = TypeVar("S", bound=WebSocket[Any, Any])


def make(cls: type[S], connection: FakeConnection | None = None, *args: object, **kwargs: object) -> S:
    """A socket over a fake connection, not running yet."""
    return cls(WebSocketRequest(websocket_scope()), connection or FakeConnection(), *args, **kwargs)


async def until(condition: Callable[[], object], turns: int = 1000) -> None:
    """Let the loop turn until ``condition`` holds: without a clock, except for what a thread has a part in."""
    for _ in range(turns):
        if condition():
            return
        await asyncio.sleep(0)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(20):
            while not condition():
                await asyncio.sleep(0.001)
            return
    raise AssertionError("the condition never held")


async def turns(count: int = 20) -> None:
    """Let everything that can go on go on."""
    for _ in range(count):
        await asyncio.sleep(0)


class Noted(WebSocketHandler[str, str]):
    """Notes the hooks that run; a derived class overrides them and calls super()."""

    cleanup_timeout = 0.05
    disconnect_grace: ClassVar[float | None] = None

    def __init__(self, request: Any, connection: Any, /, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, connection, *args, **kwargs)
        self.journal: list[str] = []
        self.errors: list[Exception] = []

    @override
    async def on_open(self) -> None:
        self.journal.append("open")

    @override
    async def on_message(self, data: str, /) -> None:
        self.journal.append(data)

    @override
    async def on_close(self) -> None:
        self.journal.append(f"close {self.close_code}")

    @override
    async def on_error(self, error: Exception) -> None:
        self.errors.append(error)

    @override
    async def on_task_error(self, error: Exception) -> None:
        self.errors.append(error)

    async def linger(self, name: str, turns_to_end: int = 3) -> None:
        """A background task whose clean-up takes some turns."""
        try:
            await asyncio.Event().wait()
        finally:
            await turns(turns_to_end)
            self.journal.append(f"{name} ended")


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged, from warnings upwards; a class of a test's own goes by its bare name."""
    logged = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    return [re.sub(r"\w+\.<locals>\.", "", message) for message in logged]


def start(socket: Noted) -> "asyncio.Task[HttpResponseBase | None]":
    return asyncio.create_task(socket.run())


class Slow(Noted):
    """Its hook waits for a word."""

    def __init__(self, request: Any, connection: Any, /, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, connection, *args, **kwargs)
        self.go = asyncio.Event()
        self.entered = asyncio.Event()

    @override
    async def on_message(self, data: str, /) -> None:
        self.journal.append(f"{data} begun")
        self.entered.set()
        await self.go.wait()
        self.journal.append(f"{data} done")


class Hasty(Slow):
    disconnect_grace = 0


async def slow(cls: type[Slow] = Slow, *, bound: int = 32) -> tuple[Slow, FakeConnection, Any]:
    """One that is in the middle of its first message."""
    connection = FakeConnection(["first"], end=None)
    derived: Any = type(cls.__name__, (cls,), {"inbox_messages": bound})
    socket: Slow = make(derived, connection)
    task = start(socket)
    await socket.entered.wait()
    return socket, connection, task


async def opened(cls: type[Noted] = Noted, **attributes: object) -> tuple[Noted, FakeConnection, Any]:
    connection = FakeConnection(end=None)
    derived: Any = type(cls.__name__, (cls,), attributes)
    socket: Noted = make(derived, connection)
    task = start(socket)
    await until(lambda: socket.journal)
    return socket, connection, task


class Rated(Noted):
    """Eight messages at once, in leases of one; the next comes in a quarter of an hour."""

    messages_per_second = 0.001
    messages_burst = 8
