"""Keys, events and subscriptions of the wrong type."""

import msgspec
from typing_extensions import override

from django_ws import JSON, SyncWebSocketHandler, WebSocket, WebSocketHandler
from django_ws.topics import Topic


class Said(msgspec.Struct, tag=True, frozen=True):
    text: str


class Left(msgspec.Struct, tag=True, frozen=True):
    user: str


class Room(Topic[Said]):
    pattern = "wrong-room.{room_id}"
    room_id: int


class Both(Topic[Said | Left]):
    pattern = "wrong-both"


class Binary(Topic[bytes]):
    pattern = "wrong-binary"


Room(room_id="3")  # E
Room()  # E
Room(3)  # E
Room(room_id=3, name="x")  # E
Room(room_id=3).room_id = 4  # E


def sync_code(room: Room) -> None:
    room.publish("hello")  # E
    room.publish(Left("alice"))  # E
    room.publish_on_commit(Left("alice"))  # E
    Room.publish_many([(room, Left("alice"))])  # E
    Room.publish_many([(Both(), Said("x"))])  # E


async def async_code(room: Room) -> None:
    await room.apublish(Left("alice"))  # E
    async with Both().listen() as events:
        async for event in events:
            text = event.text  # E
            del text


class Chat(WebSocketHandler[JSON, Said]):
    @override
    async def on_open(self) -> None:
        await self.subscribe(Room(room_id=3))
        await self.subscribe(Both())  # E
        await self.subscribe(Binary())  # E
        await self.subscribe("room.3")  # E


class Bare(WebSocketHandler):
    @override
    async def on_open(self) -> None:
        await self.subscribe(Both())  # E
        # To a checker bytes are a sequence of numbers, which JSON can carry; refused at run time.
        await self.subscribe(Binary())  # E[]


class InThreads(SyncWebSocketHandler[JSON, Said]):
    @override
    def on_open(self) -> None:
        self.subscribe(Room(room_id=3))
        self.subscribe(Both())  # E


async def function(ws: WebSocket[str, str]) -> None:
    await ws.subscribe(Room(room_id=3))  # E
