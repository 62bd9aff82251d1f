import asyncio

from typing_extensions import override

from django_ws import WebSocketHandler


class Room(WebSocketHandler[str, str]):
    @override
    async def on_open(self) -> None:
        _ = self.start_task("clock", self.clock)

    async def clock(self) -> None:
        while True:
            await asyncio.sleep(60)
            await self.send("a minute has passed")

    @override
    async def on_message(self, data: str) -> None:
        match data:
            case "wait":
                await asyncio.sleep(3600)
            case "fail":
                raise RuntimeError("a fault of the project")
            case "leave":
                await self.close(4000)
            case _:
                await self.send(data.upper())
