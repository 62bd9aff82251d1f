import msgspec
from typing_extensions import override

from django_ws import InvalidMessageError, UnsupportedDataError, WebSocketHandler
from django_ws.interfaces import Data


class Point(msgspec.Struct):
    x: int
    y: int


class MessagePackCodec:
    """Points as MessagePack, in binary frames."""

    def __init__(self) -> None:
        self._decoder = msgspec.msgpack.Decoder(Point)
        self._encoder = msgspec.msgpack.Encoder()

    def decode(self, data: Data, /) -> Point:
        if isinstance(data, str):
            raise UnsupportedDataError("a text frame came where points are binary")  # closes with 1003
        try:
            return self._decoder.decode(data)
        except msgspec.MsgspecError:
            raise InvalidMessageError("no point in MessagePack") from None  # closes with 1007

    def encode(self, message: Point, /) -> bytes:
        return self._encoder.encode(message)


class Mirror(WebSocketHandler[Point, Point]):
    codec = MessagePackCodec()

    @override
    async def on_message(self, data: Point) -> None:
        await self.send(Point(-data.x, data.y))
