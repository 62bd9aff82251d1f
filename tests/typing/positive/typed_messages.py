"""Messages of declared types: what comes in is narrowed by match, to the last one."""

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias, assert_never, assert_type

import msgspec
import pydantic
from typing_extensions import TypeAliasType, TypedDict, override

from django_ws import WebSocket, WebSocketHandler
from django_ws.codecs.msgspec import TypedMsgspecCodec
from django_ws.codecs.pydantic import PydanticCodec
from django_ws.codecs.validation import Detail, MessageValidationError
from django_ws.exceptions import InvalidMessageError
from django_ws.interfaces import Codec


class Say(msgspec.Struct, tag="say"):
    text: str


class Leave(msgspec.Struct, tag="leave"):
    pass


class Said(msgspec.Struct, tag="said"):
    who: str
    text: str


class Room(WebSocketHandler[Say | Leave, Said]):
    """Structs."""

    @override
    async def on_message(self, data: Say | Leave) -> None:
        match data:
            case Say(text=text):
                assert_type(text, str)
                await self.send(Said(who="me", text=text))
            case Leave():
                await self.close()
            case _:
                assert_never(data)

    @override
    async def on_invalid(self, error: InvalidMessageError, message: str | bytes) -> None:
        if isinstance(error, MessageValidationError):
            assert_type(error.details, tuple[Detail, ...])
            assert_type(error.details[0].where, str)
            assert_type(error.details[0].what, str)
        await super().on_invalid(error, message)


class Move(pydantic.BaseModel):
    type: Literal["move"] = "move"
    x: int


class Stop(pydantic.BaseModel):
    type: Literal["stop"] = "stop"


Order: TypeAlias = Annotated[Move | Stop, pydantic.Field(discriminator="type")]


class Robot(WebSocketHandler[Order, Move]):
    """Models, told apart by their tag."""

    @override
    async def on_message(self, data: Order) -> None:
        match data:
            case Move(x=x):
                assert_type(x, int)
                await self.send(Move(x=x + 1))
            case Stop():
                await self.close()
            case _:
                assert_never(data)


@dataclass
class Add:
    count: int
    type: Literal["add"] = "add"


@dataclass
class Clear:
    type: Literal["clear"] = "clear"


Change = TypeAliasType("Change", Add | Clear)


class Counter(WebSocketHandler[Change, Add]):
    """Dataclasses, under a name."""

    @override
    async def on_message(self, data: Change) -> None:
        if isinstance(data, Add):
            await self.send(Add(count=data.count))
        else:
            assert_type(data.type, Literal["clear"])


class Point(TypedDict):
    x: int
    y: int


class Points(WebSocketHandler[Point, list[Point]]):
    """A dict with known keys."""

    @override
    async def on_message(self, data: Point) -> None:
        assert_type(data["x"], int)
        await self.send([data, {"x": 1, "y": 2}])


async def function(ws: WebSocket[Say | Leave, Said]) -> None:
    async for message in ws:
        if isinstance(message, Leave):
            break
        await ws.send(Said(who="me", text=message.text))


_struct: Codec[Say, Say] = TypedMsgspecCodec(Say)
_model: Codec[Move, Move] = PydanticCodec(Move, strict=True)
