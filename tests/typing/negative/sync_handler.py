"""Ordinary methods with the wrong types."""

from typing_extensions import override

from django_ws import SyncWebSocketHandler


class Wrong(SyncWebSocketHandler[str, str]):
    @override
    def on_message(self, data: bytes) -> None:  # E
        del data

    @override
    def on_open(self) -> None:
        self.send(b"x")  # E
        self.send("x").result()  # E
        self.start_task("x", self.plain)  # E

    @override
    async def on_close(self) -> None:  # E
        pass

    @override
    def on_mesage(self, data: str) -> None:  # E
        del data

    def plain(self) -> None: ...

    async def feed(self) -> None:
        await self.send("x")  # E
        await self.asend(b"x")  # E
