"""Background tasks started with the wrong arguments."""

import asyncio
from typing import assert_type

from typing_extensions import override

from django_ws import WebSocketHandler
from django_ws.handler import TaskGroup


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


async def wrong_error_hook() -> None:
    pass


async def group(tasks: Tasks) -> None:
    owner = TaskGroup(wrong_error_hook)  # E
    _ = owner.start("a", tasks.work, "1")  # E
    await owner.close("1")  # E
