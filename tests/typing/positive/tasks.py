"""start_task() and sleep_loop() take a function and its arguments, and give what it gives."""

# A task is kept by its socket, so nobody else need keep or await it. See sending.py.
# mypy: disable-error-code="unused-awaitable"

import asyncio
from typing import Literal, NoReturn, assert_type

from typing_extensions import override

from django_ws import TASK_CANCELLED, TASK_DUPLICATE_STARTED, TASK_WS_CLOSED, WebSocketHandler
from django_ws.handler import PING_TASK, TaskGroup


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


async def on_error(error: Exception) -> None:
    del error


async def group(tasks: Tasks) -> None:
    """The class that owns a connection's tasks, by itself."""
    owner = TaskGroup(on_error)
    assert_type(owner.start("a", tasks.work, 1, text="x"), asyncio.Task[int])
    assert_type(len(owner), int)
    assert_type("a" in owner, bool)
    assert_type(owner.cancel("a"), bool)
    assert_type(await owner.close(1.0), bool)


messages: tuple[str, ...] = (TASK_CANCELLED, TASK_DUPLICATE_STARTED, TASK_WS_CLOSED)
