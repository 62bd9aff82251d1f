import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import ParamSpec, TypeVar

from typing_extensions import override

from django_ws import WebSocket, WebSocketHandler

P = ParamSpec("P")
T = TypeVar("T")


async def two_feeds(ws: WebSocket[str, str]) -> None:
    """Tasks by asyncio's own TaskGroup: the first that fails ends all, and the connection with 1011."""
    async with asyncio.TaskGroup() as tasks:
        _ = tasks.create_task(count(ws, "red", 0.2))
        _ = tasks.create_task(count(ws, "blue", 0.3))


async def count(ws: WebSocket[str, str], name: str, seconds: float) -> None:
    for number in range(1, 3):
        await asyncio.sleep(seconds)
        await ws.send(f"{name} {number}")


everybody = asyncio.Semaphore(100)


class InTurn(WebSocketHandler[str, str]):
    """Other rules for start_task: two tasks of a socket at once, a hundred of all; further ones wait."""

    at_once = 2

    @override
    async def on_connect(self) -> None:
        self.own = asyncio.Semaphore(self.at_once)

    @override
    def start_task(
        self, task_id: Hashable, func: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs
    ) -> asyncio.Task[T]:
        async def in_turn() -> T:
            async with self.own, everybody:
                return await func(*args, **kwargs)

        return super().start_task(task_id, in_turn)

    @override
    async def on_message(self, data: str) -> None:
        _ = self.start_task(data, self.work, data)

    async def work(self, name: str) -> None:
        await asyncio.sleep(1)
        await self.send(f"{name} is done")
