"""A socket of ordinary methods."""

from typing import Any, Generic, assert_type

from django.http import HttpResponse
from typing_extensions import TypeVar, override

from django_ws import JSON, InvalidMessageError, Overflow, SyncWebSocketHandler
from django_ws.guards import login_required
from django_ws.handler import SocketView
from django_ws.interfaces import Data, Endpoint, SocketFactory
from django_ws.testing import connect
from django_ws.urls import path

T = TypeVar("T")


class Room(SyncWebSocketHandler[str, bytes]):
    subprotocols = ("v1",)
    overflow = Overflow.DROP_OLDEST
    max_message_size = None

    @override
    def on_connect(self) -> HttpResponse | None:
        assert_type(self.kwargs, dict[str, Any])
        self.accept("v1", [("X-Room", "1")])
        return None

    @override
    def on_open(self) -> None:
        super().on_open()
        self.start_task("feed", self.feed, 1)
        self.start_task("loop", self.sleep_loop, self.tick, 5.0)
        self.start_ping()

    @override
    def on_message(self, data: str) -> None:
        assert_type(self.send(data.encode()), bool)
        if not self.is_open:
            self.cancel_task("feed")
        self.close(4000, "bye")

    @override
    def on_error(self, error: Exception) -> None: ...

    @override
    def on_task_error(self, error: Exception) -> None: ...

    @override
    def on_invalid(self, error: InvalidMessageError, message: Data) -> None:
        super().on_invalid(error, message)

    @override
    def on_close(self) -> None:
        assert_type(self.close_code, int | None)

    async def feed(self, number: int) -> None:
        assert_type(await self.asend(b"fed"), bool)
        await self.aclose()

    async def tick(self) -> None:
        await self.asend(b"tick")


class Bare(SyncWebSocketHandler):
    @override
    def on_message(self, data: JSON) -> None:
        self.send({"got": "it"})


class Counting(SyncWebSocketHandler[T, str], Generic[T]):
    """A mixin of ordinary methods."""

    count = 0

    @override
    def on_message(self, data: T) -> None:
        self.count += 1
        super().on_message(data)


class Mixed(Counting[bytes]):
    @override
    def on_message(self, data: bytes) -> None:
        super().on_message(data)
        self.send(str(self.count))


@login_required
class Members(Room): ...


factory: SocketFactory = Room
assert_type(Room.as_view(), SocketView)
urlpatterns = [path("room/", Room), path("members/", Members), path("mixed/", Mixed), path("view/", Bare.as_view())]


def endpoint(room: Room) -> Endpoint:
    return room


async def clients() -> None:
    async with connect(Room) as ws:
        await ws.send("x")
        assert_type(await ws.receive(), bytes)
