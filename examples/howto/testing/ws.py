import asyncio

from typing_extensions import override

from django_ws import WebSocketHandler


class Weather(WebSocketHandler[str, str]):
    async def service(self, city: str) -> float:
        raise NotImplementedError("the real one asks a service over the network")

    @override
    async def on_message(self, data: str) -> None:
        try:
            async with asyncio.timeout(5):
                celsius = await self.service(data)
        except TimeoutError:
            await self.send("Nobody knows.")
        else:
            await self.send(f"{celsius} °C in {data}")
            _ = self.start_task("again", self.sleep_loop, self.again, 60, data)

    async def again(self, city: str) -> None:
        await self.send(f"{await self.service(city)} °C in {city}")
