"""Handlers with type arguments, given at once or handed down a chain of classes."""

from typing import assert_type

from typing_extensions import TypeVar, override

from django_ws import JSON, JSONEncodable, WebSocket, WebSocketHandler
from django_ws.interfaces import Codec

T = TypeVar("T")


class Mixed(WebSocketHandler[str, bytes]):
    """Text comes in, binary goes out."""

    @override
    async def on_message(self, data: str) -> None:
        assert_type(data, str)
        await self.send(data.encode())
        assert_type(await self.receive(), str)

    @override
    async def on_open(self) -> None:
        async for message in self:
            assert_type(message, str)


class Echo(WebSocketHandler[T, T]):
    """Sends back what came, whatever that is."""

    @override
    async def on_message(self, data: T) -> None:
        await self.send(data)


class TextEcho(Echo[str]):
    """The end of a chain."""

    @override
    async def on_message(self, data: str) -> None:
        await super().on_message(data.upper())
        assert_type(await self.receive(), str)


class LoudTextEcho(TextEcho):
    """One further."""

    @override
    async def on_message(self, data: str) -> None:
        await self.send(f"{data}!")


class BytesEcho(Echo[bytes]):
    """The same chain with the other kind of frame."""

    @override
    async def on_message(self, data: bytes) -> None:
        await super().on_message(data[::-1])


class Out(WebSocketHandler[JSON, T]):
    """Leaves one argument open."""


class JSONOut(Out[JSONEncodable]):
    """Fills it in."""

    @override
    async def on_open(self) -> None:
        await self.send({"a": 1})


class InOnly(WebSocketHandler[str]):
    """The second argument has a default: JSON goes out."""

    @override
    async def on_message(self, data: str) -> None:
        await self.send({"got": data})


class Point:
    """A message of the user's own."""

    def __init__(self, x: int, y: int) -> None:
        self.x = x
        self.y = y


class PointCodec:
    """A codec for it, which derives from nothing."""

    def decode(self, data: str | bytes, /) -> Point:
        x, y = (data if isinstance(data, str) else data.decode()).split(",")
        return Point(int(x), int(y))

    def encode(self, message: Point, /) -> str:
        return f"{message.x},{message.y}"


_codec: Codec[Point, Point] = PointCodec()


class Points(WebSocketHandler[Point, Point]):
    """Uses it."""

    codec = PointCodec()

    @override
    async def on_message(self, data: Point) -> None:
        await self.send(Point(data.y, data.x))


async def inherited(mixed: Mixed, text: LoudTextEcho, binary: BytesEcho, bare: WebSocketHandler, ws: WebSocket) -> None:
    assert_type(await mixed.receive(), str)
    assert_type(await text.receive(), str)
    assert_type(await binary.receive(), bytes)
    assert_type(await bare.receive(), JSON)
    assert_type(await ws.receive(), JSON)
    assert_type(await mixed.send(b""), bool)
    await bare.send({})


async def substitutable(handler: Mixed) -> None:
    """A handler is a WebSocket of the same messages."""
    ws: WebSocket[str, bytes] = handler
    await ws.send(b"")
