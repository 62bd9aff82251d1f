"""Messages of the wrong type, in and out."""

from typing import assert_type

from typing_extensions import TypeVar, override

from django_ws import JSON, WebSocket, WebSocketHandler

T = TypeVar("T")


class Unserializable:
    """Has no JSON form."""


class Bare(WebSocketHandler):
    @override
    async def on_message(self, data: JSON) -> None:
        # bytes are a Sequence[int], and an array is any Sequence, so a list[int] may be sent: TypeError at the call.
        await self.send(b"bytes")  # E[]
        await self.send({"a": Unserializable()})  # E
        await self.send({"a": {1, 2}})  # E
        await self.send({1: "keys are text"})  # E
        await self.send(Unserializable())  # E
        await self.send()  # E
        await self.send("a", "b")  # E
        await self.send(message="positional only")  # E
        data["text"]  # E
        data.upper()  # E
        len(data)  # E
        if isinstance(data, dict):
            data["text"].upper()  # E


class TextIn(WebSocketHandler[str, bytes]):
    @override
    async def on_message(self, data: str) -> None:
        await self.send(data)  # E
        await self.send({"a": 1})  # E
        await self.send(None)  # E
        data.decode()  # E
        number: int = await self.receive()  # E
        assert_type(await self.receive(), bytes)  # E
        async for message in self:
            message.decode()  # E
        del number


class Echo(WebSocketHandler[T, T]):
    @override
    async def on_message(self, data: T) -> None:
        await self.send("not T")  # E
        data.upper()  # E


class TextEcho(Echo[str]):
    @override
    async def on_open(self) -> None:
        await self.send(b"bytes")  # E


class WrongTextEcho(Echo[str]):
    @override
    async def on_message(self, data: bytes) -> None:  # E
        await self.send("text")


class TooMany(WebSocketHandler[str, str, str]):  # E
    pass


async def function(ws: WebSocket[str, str]) -> None:
    async for text in ws:
        text.decode()  # E
    for text in ws:  # E
        del text
    await ws.send(b"bytes")  # E
    await ws.close("1000")  # E
    await ws.close(1000, b"reason")  # E
    await ws.accept(["a"])  # E
    ws.sennd("a misspelt name")  # E
    ws.close_code = 1000  # E
    ws.is_open = False  # E


def invariant(text: WebSocketHandler[str, str]) -> WebSocket[bytes, str]:
    return text  # E
