import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, TypeVar

from typing_extensions import override

from django_ws import WebSocket, WebSocketHandler
from django_ws.handler import TaskGroup

T = TypeVar("T")

everybody = asyncio.Semaphore(100)


class InTurn:
    """Two tasks of a socket at once, a hundred of all; further ones wait. An id that runs or waits is refused."""

    def __init__(self) -> None:
        self.tasks = TaskGroup()
        self.own = asyncio.Semaphore(2)

    # asyncio: what a coroutine yields and is sent is the event loop's affair.
    def start(self, task_id: Hashable, func: Callable[[], Coroutine[Any, Any, T]], /) -> asyncio.Task[T]:
        if task_id in self.tasks:
            raise LookupError(f"{task_id} is under way")

        async def in_turn() -> T:
            async with self.own, everybody:
                return await func()

        return self.tasks.start(task_id, in_turn)

    def cancel(self, task_id: Hashable, message: str, /) -> bool:
        return self.tasks.cancel(task_id, message)

    def cancel_all(self, message: str, /) -> None:
        self.tasks.cancel_all(message)


class Works(WebSocketHandler[str, str]):
    task_manager = InTurn

    @override
    async def on_message(self, data: str) -> None:
        try:
            _ = self.start_task(data, self.work, data)
        except LookupError as error:
            await self.send(str(error))

    async def work(self, name: str) -> None:
        await asyncio.sleep(1)
        await self.send(f"{name} is done")


async def two_feeds(ws: WebSocket[str, str]) -> None:
    """No manager at all, but asyncio's own TaskGroup: the first that fails ends all, and the connection with 1011."""
    async with asyncio.TaskGroup() as tasks:
        _ = tasks.create_task(count(ws, "red", 0.2))
        _ = tasks.create_task(count(ws, "blue", 0.3))


async def count(ws: WebSocket[str, str], name: str, seconds: float) -> None:
    for number in range(1, 3):
        await asyncio.sleep(seconds)
        await ws.send(f"{name} {number}")
