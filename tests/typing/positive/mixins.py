"""Mixins that work together by super()."""

from typing import Any, ClassVar, Generic

from django.http.response import HttpResponseBase
from typing_extensions import TypeVar, override

from django_ws import WebSocketHandler
from django_ws.urls import path

InT = TypeVar("InT")
OutT = TypeVar("OutT")


class Logged(WebSocketHandler[InT, OutT], Generic[InT, OutT]):
    """Notes what comes."""

    log: ClassVar[list[object]] = []

    @override
    async def on_connect(self) -> HttpResponseBase | None:
        return await super().on_connect()

    @override
    async def on_open(self) -> None:
        self.log.append("open")
        await super().on_open()

    @override
    async def on_message(self, data: InT) -> None:
        self.log.append(data)
        await super().on_message(data)


class Counted(WebSocketHandler[InT, OutT], Generic[InT, OutT]):
    """Counts what comes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.count = 0

    @override
    async def on_message(self, data: InT) -> None:
        self.count += 1
        await super().on_message(data)


class Room(Logged[str, str], Counted[str, str]):
    max_concurrent_messages = 4

    @override
    async def on_message(self, data: str) -> None:
        await super().on_message(data)
        await self.send(f"{self.count}: {data}")


urlpatterns = [path("room/", Room)]
