from typing_extensions import override

from django_ws import Overflow, WebSocketHandler


class Export(WebSocketHandler[str, str]):
    @override
    async def on_message(self, data: str) -> None:
        for number in range(1_000):
            if not await self.send(f"{data} {number}"):
                return  # the client has gone


class Prices(WebSocketHandler[str, str]):
    overflow = Overflow.DROP_OLDEST
    outbox_messages = 16

    @override
    async def on_message(self, data: str) -> None:
        for number in range(100):
            _ = self.send(f"{data} {number}")
