"""A handler without type arguments: JSON comes in and is narrowed, anything that can be JSON goes out."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import assert_type
from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext_lazy
from typing_extensions import override

from django_ws import JSON, InvalidMessageError, JSONEncodable, Overflow, WebSocketHandler, WebSocketRequest


class Bare(WebSocketHandler):
    subprotocols = ("chat.v1", "chat.v2")
    overflow = Overflow.DROP_OLDEST
    max_message_size = 1_000
    disconnect_grace = None

    @override
    async def on_connect(self) -> HttpResponse | None:
        assert_type(self.is_open, bool)
        return HttpResponse(status=403) if self.request.GET.get("no") else None

    @override
    async def on_open(self) -> None:
        # Variables, not literals: dict and list are invariant, what goes out is not.
        words: dict[str, str] = {"a": "b"}
        assert_type(await self.send(words), bool)
        numbers: list[int] = [1, 2, 3]
        await self.send(numbers)
        nested: dict[str, list[dict[str, int]]] = {"a": [{"b": 1}]}
        await self.send(nested)
        read_only: Mapping[str, tuple[int, ...]] = {"a": (1, 2)}
        await self.send(read_only)

    @override
    async def on_message(self, data: JSON) -> None:
        assert_type(data, JSON)
        await self.send(data)
        await self.send({"reply": "sending data back", "received": data})
        if isinstance(data, dict):
            whole: dict[str, JSON] = data
            text = whole.get("text")
            if isinstance(text, str):
                assert_type(text, str)
                await self.send(text.upper())
        elif isinstance(data, list):
            items: list[JSON] = data
            for item in items:
                await self.send(item)
        elif isinstance(data, str):
            assert_type(data, str)
        elif data is None:
            assert_type(data, None)
        else:
            assert_type(data, bool | int | float)

    @override
    async def on_close(self) -> None:
        assert_type(self.close_code, int | None)
        assert_type(self.close_reason, str)
        assert_type(self.dropped_messages, int)

    @override
    async def on_error(self, error: Exception) -> None:
        await super().on_error(error)

    @override
    async def on_task_error(self, error: Exception) -> None:
        await super().on_task_error(error)

    @override
    async def on_invalid(self, error: InvalidMessageError, message: str | bytes) -> None:
        await self.send({"error": str(error), "code": error.code})


class ByMatch(WebSocketHandler):
    """What comes in, told apart by its shape."""

    @override
    async def on_message(self, data: JSON) -> None:
        match data:
            case {"type": "say", "text": str(text)}:
                assert_type(text, str)
                await self.send(text.upper())
            case {"type": "add", "a": int(a), "b": int(b)}:
                await self.send(a + b)
            case str(text):
                assert_type(text, str)
            case [str(first), *_]:
                assert_type(first, str)
            case _:
                await self.close(1003, "what is this")


class Positional(WebSocketHandler):
    """The name of the hook's argument is free, and it may be positional only."""

    @override
    async def on_message(self, message: JSON, /) -> None:
        await self.send(message)


class Anything(WebSocketHandler):
    """A hook may take more than what comes."""

    @override
    async def on_message(self, data: object) -> None:
        await self.send(repr(data))


class Sender(WebSocketHandler):
    """All that Django's JSON encoder writes."""

    @override
    async def on_open(self) -> None:
        await self.send(None)
        await self.send("text")
        await self.send(1.5)
        await self.send([1, "two", None, {"three": 3.0}])
        await self.send({"now": datetime.now(tz=UTC), "price": Decimal("1.5"), "id": UUID(int=0)})
        await self.send({"lazy": gettext_lazy("hello")})


def encodable(value: JSON) -> JSONEncodable:
    """What came in may go out."""
    return value


class Request(WebSocketHandler):
    """The request, the route's captured values, and the subprotocol."""

    @override
    async def on_open(self) -> None:
        assert_type(self.subprotocol, str | None)
        assert_type(self.request.get_host(), str)
        if isinstance(self.request, WebSocketRequest):
            assert_type(self.request, WebSocketRequest)
        await self.send({"room": str(self.kwargs["room_id"]), "rest": [str(arg) for arg in self.args]})

    @override
    async def on_connect(self) -> None:
        await self.accept(self.select_subprotocol(["a", "b"]), [("x-name", "value")])
