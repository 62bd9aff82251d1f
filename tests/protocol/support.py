"""A server for the tests of this folder, which does as it is told."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from django_ws.protocol.connection import ASGIConnection

Event = dict[str, Any]

CONNECT: Event = {"type": "websocket.connect"}
ACCEPT: Event = {"type": "websocket.accept", "subprotocol": None, "headers": []}
GOODBYE: Event = {"type": "websocket.disconnect", "code": 4321, "reason": "bye"}


def text(data: str) -> Event:
    return {"type": "websocket.receive", "text": data}


def close_event(code: int, reason: str = "") -> Event:
    return {"type": "websocket.close", "code": code, "reason": reason}


class Server:
    """Gives what it was given, notes what it gets, and raises what it is told to."""

    def __init__(self, *incoming: Mapping[str, Any], denial_response: bool = True) -> None:
        self.scope: Event = {
            "type": "websocket",
            "subprotocols": ["chat.v2", "chat.v1"],
            "extensions": {"websocket.http.response": {}} if denial_response else {},
        }
        self.incoming: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()
        for event in incoming:
            self.incoming.put_nowait(event)
        self.sent: list[Event] = []
        self.refuse: Callable[[Event], Exception | None] = lambda _: None

    async def receive(self) -> Mapping[str, Any]:
        return await self.incoming.get()

    async def send(self, event: Event) -> None:
        error = self.refuse(event)
        if error is not None:
            raise error
        self.sent.append(event)

    def connection(self) -> ASGIConnection:
        return ASGIConnection(self.scope, self.receive, self.send)


async def opened(*incoming: Mapping[str, Any]) -> tuple[Server, ASGIConnection]:
    server = Server(CONNECT, *incoming)
    connection = server.connection()
    await connection.accept()
    assert server.sent == [ACCEPT]
    server.sent.clear()
    return server, connection


def gone(error: Exception) -> Callable[[Event], Exception]:
    return lambda _: error


GONE = [OSError("gone"), ConnectionResetError(), RuntimeError("Unexpected ASGI message")]


async def sender(server_send: Callable[[Event], Awaitable[None]]) -> ASGIConnection:
    """An open connection whose server's send is ``server_send`` from now on."""
    accepted = False

    def send(event: Event) -> Awaitable[None]:
        nonlocal accepted
        if accepted:
            return server_send(event)
        accepted = True
        return asyncio.sleep(0)

    connection = ASGIConnection({"type": "websocket"}, Server(CONNECT).receive, send)
    await connection.accept()
    return connection


def begin(connection: ASGIConnection) -> Awaitable[None]:
    rest = connection.send("x")
    assert rest is not None
    return rest


async def finish(rest: Awaitable[None]) -> None:
    await rest
