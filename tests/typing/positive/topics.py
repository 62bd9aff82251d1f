"""Topics are dataclasses of their keys, and know the type of their events."""

import dataclasses
from collections.abc import Iterator
from typing import Any, assert_never, assert_type
from uuid import UUID

import msgspec
from typing_extensions import override

from django_ws import JSON, WebSocket, WebSocketHandler
from django_ws.testing import capture_publishes
from django_ws.topics import Listener, Topic


class Said(msgspec.Struct, tag=True, frozen=True):
    text: str


class Left(msgspec.Struct, tag=True, frozen=True):
    user: str


class Typed(msgspec.Struct, tag=True, frozen=True):
    user: str


class Room(Topic[Said | Left]):
    pattern = "typed-room.{room_id}"
    room_id: int


class Notices(Topic[Said]):
    pattern = "typed-notices.{tenant}.{user_id}"
    tenant: UUID
    user_id: int


class Plain(Topic[JSON]):
    pattern = "typed-plain"


class Lines(Topic[str]):
    pattern = "typed-lines.{name}"
    name: str


class Chat(WebSocketHandler[JSON, Said | Left | Typed]):
    @override
    async def on_open(self) -> None:
        await self.subscribe(Room(room_id=3))
        await self.subscribe(Notices(tenant=UUID(int=0), user_id=4))
        assert_type(await self.unsubscribe(Room(room_id=3)), bool)

    @override
    async def on_event(self, topic: Any, event: Said | Left | Typed) -> Said | Left | Typed | None:
        match event:
            case Said(text=text):
                return Said(text.strip()) if text else None
            case Left() | Typed():
                return event
        assert_never(event)

    @override
    async def on_gap(self, topic: Any) -> None:
        number: int = topic.room_id if isinstance(topic, Room) else 0
        await self.send(Said(f"read {number} afresh"))


class Bare(WebSocketHandler):
    @override
    async def on_open(self) -> None:
        await self.subscribe(Plain())


async def lines(ws: WebSocket[str, str]) -> None:
    await ws.subscribe(Lines(name="x"))


def from_sync_code() -> None:
    room = Room(room_id=3)
    room.publish(Said("hello"))
    room.publish_on_commit(Left("alice"), using="default", robust=True)
    Room.publish_many([(room, Said("one")), (Room(room_id=4), Left("two"))])


async def from_async_code() -> None:
    await Room(room_id=3).apublish(Said("hello"))
    await Plain().apublish({"a": [1, None]})
    await Room.apublish_many((Room(room_id=number), Said("x")) for number in range(3))


async def listening() -> None:
    async with Room(room_id=3).listen(max_pending=10) as events:
        assert_type(events, Listener[Said | Left])
        async for event in events:
            assert_type(event, Said | Left)
            return


def as_values() -> Iterator[Room]:
    yield Room(room_id=3)
    assert Room(room_id=3) == Room(room_id=3)
    assert_type(Room(room_id=3).room_id, int)
    assert_type({Room(room_id=3): 1}, dict[Room, int])


def testing() -> None:
    with capture_publishes(deliver=True) as published:
        from_sync_code()
    assert published == [(Room(room_id=3), Said("hello"))]


assert dataclasses.is_dataclass(Room)
