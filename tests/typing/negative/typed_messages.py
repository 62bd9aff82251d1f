"""Messages of declared types, misused: a union that is not matched to its end, and what is not of the type."""

from typing import assert_never

import msgspec
import pydantic
from typing_extensions import TypedDict, override

from django_ws import WebSocket, WebSocketHandler


class Say(msgspec.Struct, tag="say"):
    text: str


class Leave(msgspec.Struct, tag="leave"):
    pass


class Said(msgspec.Struct, tag="said"):
    text: str


class Move(pydantic.BaseModel):
    x: int


class Point(TypedDict):
    x: int


class Room(WebSocketHandler[Say | Leave, Said]):
    @override
    async def on_message(self, data: Say | Leave) -> None:
        data.text.upper()  # E
        match data:
            case Say():
                await self.send(data)  # E
            case _:
                assert_never(data)  # E
        await self.send({"text": "no struct"})  # E
        await self.send("text")  # E
        await self.send(None)  # E


class Narrow(WebSocketHandler[Say | Leave, Said]):
    @override
    async def on_message(self, data: Say) -> None:  # E
        await self.send(Said(data.text))


class Robot(WebSocketHandler[Move, Move]):
    @override
    async def on_message(self, data: Move) -> None:
        data.y.bit_length()  # E
        await self.send(Say("other"))  # E


class Points(WebSocketHandler[Point, Point]):
    @override
    async def on_message(self, data: Point) -> None:
        await self.send({"x": "one"})  # E
        await self.send({"y": 1})  # E


async def function(ws: WebSocket[Say | Leave, Said]) -> None:
    async for message in ws:
        message.text.upper()  # E
    await ws.send(Leave())  # E
