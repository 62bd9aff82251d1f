import asyncio

from typing_extensions import override

from django_ws import WebSocketHandler

stored: list[str] = []


async def store(text: str) -> None:
    await asyncio.sleep(2)  # a service that is slow
    stored.append(text)


class Orders(WebSocketHandler[str, str]):
    @override
    async def on_message(self, data: str) -> None:
        storing = asyncio.ensure_future(store(data))
        try:
            await asyncio.shield(storing)
        except asyncio.CancelledError:
            async with asyncio.timeout(5):
                await storing
            raise
        await self.send("stored")
