"""Background tasks started with the wrong arguments."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, TypeVar, assert_type

from typing_extensions import override

from django_ws import SyncWebSocketHandler, WebSocketHandler
from django_ws.handler import TaskGroup
from django_ws.interfaces import TaskManager, TaskManagerFactory
from django_ws.testing import TaskManagerConformance

T = TypeVar("T")


class Tasks(WebSocketHandler[str, str]):
    async def work(self, number: int, *, text: str = "") -> int:
        await self.send(text)
        return number

    async def tick(self) -> None:
        await self.send("tick")

    def synchronous(self) -> int:
        return 1

    @override
    async def on_open(self) -> None:
        tasks: list[asyncio.Task[object]] = []
        tasks.append(self.start_task("a", self.work))  # E
        tasks.append(self.start_task("a", self.work, "1"))  # E
        tasks.append(self.start_task("a", self.work, 1, 2))  # E
        tasks.append(self.start_task("a", self.work, 1, text=2))  # E
        tasks.append(self.start_task("a", self.work, 1, wrong="x"))  # E
        tasks.append(self.start_task("a", self.tick, 1))  # E
        tasks.append(self.start_task("a", self.synchronous))  # E
        tasks.append(self.start_task("a", self.tick()))  # E
        tasks.append(self.start_task("a", "tick"))  # E
        tasks.append(self.start_task("a"))  # E
        tasks.append(self.start_task(self.tick))  # E
        tasks.append(self.start_task([], self.tick))  # E
        text: asyncio.Task[str] = self.start_task("a", self.work, 1)  # E
        _ = assert_type(self.start_task("a", self.work, 1), asyncio.Task[str])  # E
        del text

    async def loop_without_seconds(self) -> None:
        await self.sleep_loop(self.tick)  # E

    async def loop_with_text(self) -> None:
        await self.sleep_loop(self.tick, "1")  # E

    async def loop_with_too_many(self) -> None:
        await self.sleep_loop(self.tick, 1, 2)  # E

    async def loop_with_too_few(self) -> None:
        await self.sleep_loop(self.work, 1)  # E

    async def loop_with_wrong(self) -> None:
        await self.sleep_loop(self.work, 1, "2")  # E

    async def loop_with_keyword(self) -> None:
        await self.sleep_loop(self.work, 1, 2, text=3)  # E

    async def loop_synchronous(self) -> None:
        await self.sleep_loop(self.synchronous, 1)  # E

    async def loop_forgotten(self) -> None:
        self.sleep_loop(self.tick, 1)  # E

    async def nested(self) -> None:
        _ = self.start_task("loop", self.sleep_loop, self.tick)  # E
        _ = self.start_task("loop", self.sleep_loop, self.tick, "1")  # E
        # pyrefly does not carry a ParamSpec through another one's function: what sleep_loop passes on is not checked.
        _ = self.start_task("loop", self.sleep_loop, self.tick, 1, 2)  # E[mypy,pyright,ty]
        _ = self.start_task("loop", self.sleep_loop, self.work, 1, "2")  # E[mypy,pyright,ty]
        self.cancel_task([])  # E
        self.start_ping(30)  # E


def group(tasks: Tasks) -> None:
    manager = TaskGroup("name")  # E
    _ = manager.start("a", tasks.work)  # E
    _ = manager.start("a", tasks.synchronous)  # E
    _ = manager.start("a", tasks.tick())  # E
    manager.cancel_all(1)  # E


class WithoutEnd:
    """No cancel_all."""

    # asyncio: what a coroutine yields and is sent is the event loop's affair.
    def start(self, task_id: Hashable, func: Callable[[], Coroutine[Any, Any, T]], /) -> asyncio.Task[T]:
        return asyncio.create_task(func(), name=str(task_id))

    def cancel(self, task_id: Hashable, message: str, /) -> bool:
        return task_id == message


class WithoutMessage(WithoutEnd):
    def cancel_all(self) -> None:
        pass


class AsyncEnd(WithoutEnd):
    async def cancel_all(self, message: str, /) -> None:
        del message


class OfTextIds:
    def start(self, task_id: str, func: Callable[[], Coroutine[Any, Any, T]], /) -> asyncio.Task[T]:
        return asyncio.create_task(func(), name=task_id)

    def cancel(self, task_id: str, message: str, /) -> bool:
        return task_id == message

    def cancel_all(self, message: str, /) -> None:
        del message


class GivesNothing:
    def start(self, task_id: Hashable, func: Callable[[], Coroutine[Any, Any, object]], /) -> None:
        del task_id, func

    def cancel(self, task_id: Hashable, message: str, /) -> bool:
        return task_id == message

    def cancel_all(self, message: str, /) -> None:
        del message


class OfItsName(TaskManagerConformance):
    def make_manager(self, name: str) -> TaskManager:  # E
        del name
        return TaskGroup()


def make_named(name: str) -> TaskManager:
    del name
    return TaskGroup()


without_end: TaskManager = WithoutEnd()  # E
without_message: TaskManager = WithoutMessage()  # E
async_end: TaskManager = AsyncEnd()  # E
of_text_ids: TaskManager = OfTextIds()  # E
gives_nothing: TaskManager = GivesNothing()  # E
the_class: TaskManager = TaskGroup  # E
the_instance: TaskManagerFactory = TaskGroup()  # E
no_manager: TaskManagerFactory = asyncio.TaskGroup  # E
named: TaskManagerFactory = make_named  # E


class Unmanaged(WebSocketHandler[str, str]):
    task_manager = WithoutEnd  # E


class ManagedByInstance(WebSocketHandler[str, str]):
    task_manager = TaskGroup()  # E


class SyncUnmanaged(SyncWebSocketHandler[str, str]):
    task_manager = None  # E


def joint(manager: TaskManager, tasks: Tasks) -> None:
    _ = manager.start("a", tasks.work)  # E
    _ = manager.start([], tasks.tick)  # E
    text: asyncio.Task[str] = manager.start("a", tasks.tick)  # E
    manager.cancel("a")  # E
    manager.cancel_all()  # E
    del text
