"""start_task() and sleep_loop() take a function and its arguments, and give what it gives."""

# A task is kept by its socket, so nobody else need keep or await it. See sending.py.
# mypy: disable-error-code="unused-awaitable"

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Literal, NoReturn, TypeVar, assert_type

from typing_extensions import override

from django_ws import (
    TASK_CANCELLED,
    TASK_DUPLICATE_STARTED,
    TASK_WS_CLOSED,
    SyncWebSocketHandler,
    WebSocket,
    WebSocketHandler,
)
from django_ws.handler import PING_TASK, TaskGroup
from django_ws.interfaces import TaskManager, TaskManagerFactory
from django_ws.testing import TaskManagerConformance

T = TypeVar("T")


class Tasks(WebSocketHandler[str, str]):
    ping_interval = 30

    async def work(self, number: int, *, text: str = "") -> int:
        await self.send(text)
        return number

    async def tick(self) -> None:
        await self.send("tick")

    @override
    async def on_open(self) -> None:
        assert_type(self.start_task("a", self.work, 1), asyncio.Task[int])
        assert_type(self.start_task("a", self.work, 1, text="x"), asyncio.Task[int])
        assert_type(self.start_task("a", self.work, number=1), asyncio.Task[int])
        assert_type(self.start_task(("weather", 1), self.tick), asyncio.Task[None])
        assert_type(self.start_task("wait", asyncio.Event().wait), asyncio.Task[Literal[True]])
        assert_type(await self.start_task("a", self.work, 1), int)
        assert_type(self.cancel_task("a"), bool)
        assert_type(self.start_ping(), asyncio.Task[NoReturn])
        self.cancel_task(PING_TASK)

    @override
    async def on_message(self, data: str) -> None:
        loops = [
            self.start_task("loop", self.sleep_loop, self.tick, 60 * 3),
            self.start_task("loop", self.sleep_loop, self.work, 0.5, 1),
            self.start_task("loop", self.sleep_loop, self.work, 0.5, 1, text="x"),
        ]
        assert_type(loops, list[asyncio.Task[NoReturn]])

    async def serve(self) -> None:
        await self.sleep_loop(self.tick, 60 * 3)

    async def serve_with_arguments(self) -> None:
        await self.sleep_loop(self.work, 1, 2, text="x")


async def count() -> int:
    return 1


def group() -> None:
    """The manager that ships, by itself."""
    manager = TaskGroup()
    assert_type(manager.start("a", count), asyncio.Task[int])
    assert_type(len(manager), int)
    assert_type("a" in manager, bool)
    assert_type(manager.cancel("a"), bool)
    manager.cancel_all()


class OwnManager:
    """A manager that derives from nothing.

    pyrefly takes no class without an ``__init__`` for a factory, of whatever Protocol.
    """

    def __init__(self) -> None:
        self.started: int = 0

    # asyncio: what a coroutine yields and is sent is the event loop's affair.
    def start(self, task_id: Hashable, func: Callable[[], Coroutine[Any, Any, T]], /) -> asyncio.Task[T]:
        self.started += 1
        return asyncio.create_task(func(), name=str(task_id))

    def cancel(self, task_id: Hashable, message: str, /) -> bool:
        return task_id == message

    def cancel_all(self, message: str, /) -> None:
        del message


def make_manager() -> TaskManager:
    return OwnManager()


managers: tuple[TaskManager, ...] = (TaskGroup(), OwnManager(), make_manager())
factories: tuple[TaskManagerFactory, ...] = (TaskGroup, OwnManager, make_manager, WebSocket.task_manager)


def joint(manager: TaskManager) -> None:
    assert_type(manager.start("a", count), asyncio.Task[int])
    assert_type(manager.cancel("a", "message"), bool)


class Managed(WebSocketHandler[str, str]):
    task_manager = OwnManager


class ManagedByFunction(WebSocketHandler[str, str]):
    task_manager = staticmethod(make_manager)


class SyncManaged(SyncWebSocketHandler[str, str]):
    task_manager = OwnManager


class Conformance(TaskManagerConformance):
    @override
    def make_manager(self) -> TaskManager:
        return OwnManager()


messages: tuple[str, ...] = (TASK_CANCELLED, TASK_DUPLICATE_STARTED, TASK_WS_CLOSED)
