"""Sockets of every kind of message, which take what they can, send it back, and note what they refuse.

They run in the servers and in-process; all but the last two keep the connection when a message is refused.
"""

from dataclasses import dataclass
from typing import ClassVar

from typing_extensions import TypeVar, override

from django_ws import JSON, InvalidMessageError, JSONEncodable, WebSocket
from django_ws.codecs.choice import TextCodec
from django_ws.codecs.json import JSONCodec
from django_ws.interfaces import Data
from django_ws.urls import path
from resilience.site.ledger import Counted, count

InT = TypeVar("InT", default=JSON)
OutT = TypeVar("OutT", default=JSONEncodable)

LIMIT = 1 << 14
"""Bytes of a message, so that oversize ones are cheap to make."""


class Fuzzed(Counted[InT, OutT]):
    """Sends back what it takes; what cannot be sent back is counted, and said by an empty answer."""

    max_message_size = LIMIT

    def answer(self, data: InT) -> OutT:
        """Make the answer."""
        raise NotImplementedError

    @override
    async def on_message(self, data: InT) -> None:
        count("fuzz taken")
        try:
            sending = self.send(self.answer(data))
        except ValueError:
            # It was let in, but has no form that could go out: a fault of the decoder, not of this code.
            count("fuzz unreturnable")
        else:
            await sending

    @override
    async def on_invalid(self, error: InvalidMessageError, message: Data) -> None:
        count("fuzz refused")
        count(f"fuzz refused {int(error.code)}")


class FuzzedJSON(Fuzzed):
    @override
    def answer(self, data: JSON) -> JSONEncodable:
        return data


class FuzzedText(Fuzzed[str, str]):
    @override
    def answer(self, data: str) -> str:
        return data


class FuzzedBytes(Fuzzed[bytes, bytes]):
    @override
    def answer(self, data: bytes) -> bytes:
        return data


@dataclass(frozen=True, slots=True)
class Order:
    """A message with a shape of its own."""

    number: int
    name: str


class OrderCodec:
    """Orders as JSON; what has another shape is refused, as a user's own codec does it."""

    def __init__(self) -> None:
        self._json: JSONCodec = JSONCodec()
        self._text: TextCodec = TextCodec()

    def decode(self, data: Data, /) -> Order:
        match self._json.decode(data):
            case {"number": int(number), "name": str(name)}:
                return Order(number, name)
            case _:
                raise InvalidMessageError("not an order")

    def encode(self, message: Order, /) -> Data:
        return self._json.encode({"number": message.number, "name": message.name})


class FuzzedOrders(Fuzzed[Order, Order]):
    codec: ClassVar[OrderCodec] = OrderCodec()

    @override
    def answer(self, data: Order) -> Order:
        return data


class ClosingJSON(FuzzedJSON):
    """Closes at the first message that is refused, as a socket does by default."""

    @override
    async def on_invalid(self, error: InvalidMessageError, message: Data) -> None:
        await super().on_invalid(error, message)
        await self.close(error.code)


async def closing_function(ws: WebSocket[str, str]) -> None:
    """The same, for text frames and as a function: nothing of it can be overridden."""
    async for text in ws:
        count("fuzz taken")
        await ws.send(text)


urlpatterns = [
    path("fuzzed/json/", FuzzedJSON),
    path("fuzzed/text/", FuzzedText),
    path("fuzzed/bytes/", FuzzedBytes),
    path("fuzzed/orders/", FuzzedOrders),
    path("fuzzed/closing-json/", ClosingJSON),
    path("fuzzed/closing-function/", closing_function),
]
