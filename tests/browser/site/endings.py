"""Its sockets that are closed, each for a reason of its own."""

from django.core.exceptions import PermissionDenied
from typing_extensions import override

from django_ws import JSON, Flood, WebSocket, WebSocketHandler


class Idle(WebSocketHandler[str, str]):
    idle_timeout = 0.1


class Flooded(WebSocketHandler[str, str]):
    # None comes back while the test lasts, however long that is.
    messages_per_second = 0.001
    messages_burst = 8
    flood = Flood.CLOSE


class Small(WebSocketHandler[str, str]):
    max_message_size = 16


class Json(WebSocketHandler[JSON, JSON]):
    pass


class Binary(WebSocketHandler[bytes, bytes]):
    pass


class Fault(WebSocketHandler[str, str]):
    @override
    async def on_message(self, data: str, /) -> None:
        raise RuntimeError("a detail that is nobody's business")


class Forbidden(WebSocketHandler[str, str]):
    @override
    async def on_message(self, data: str, /) -> None:
        raise PermissionDenied("a detail that is nobody's business")


async def done(ws: WebSocket[str, str]) -> None:
    await ws.send("that is all")


async def closes_with(ws: WebSocket[str, str], code: int) -> None:
    await ws.close(code, "of our own")


async def greets_and_closes_with(ws: WebSocket[str, str], code: int) -> None:
    await ws.send("hello")
    await ws.close(code)
