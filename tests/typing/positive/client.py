"""The test client: typed by the handler, with its messages swapped."""

from typing import Any, assert_type

from django_ws import JSON, JSONEncodable, WebSocket, WebSocketHandler
from django_ws.testing import ClientSocket, Denied, connect


class Chat(WebSocketHandler[str, bytes]): ...


class Bare(WebSocketHandler): ...


async def room(ws: WebSocket[str, bytes], room_id: int) -> None: ...


async def typed() -> None:
    async with connect(Chat, room_id=3) as ws:
        assert_type(ws, ClientSocket[str, bytes])
        await ws.send("text")
        assert_type(await ws.receive(), bytes)
        assert_type(ws.denied, Denied | None)
    assert_type(connect(room, room_id=3), ClientSocket[str, bytes])
    assert_type(connect(Bare), ClientSocket[JSON, JSONEncodable])
    assert_type(connect("/ws/"), ClientSocket[Any, Any])
    assert_type(connect(Chat.as_view(), room_id=3), ClientSocket[Any, Any])
