"""A plain async def is a socket too."""

from typing import Any, assert_type

from django.http import HttpRequest

from django_ws import JSON, WebSocket
from django_ws.handler import SocketFunction, as_factory
from django_ws.interfaces import Connection, Endpoint, SocketFactory


async def echo(ws: WebSocket[str, str]) -> None:
    async for text in ws:
        assert_type(text, str)
        assert_type(await ws.send(text), bool)
        await ws.send(text)


async def binary(ws: WebSocket[bytes, str]) -> None:
    async for data in ws:
        assert_type(data, bytes)
        await ws.send(data.hex())


async def bare(ws: WebSocket) -> None:
    async for data in ws:
        assert_type(data, JSON)
        if isinstance(data, dict):
            await ws.send({"got": data})


async def room(ws: WebSocket[str, str], room_id: int, *, name: str = "") -> None:
    assert_type(await ws.receive(), str)
    await ws.send(f"{name}: {room_id}")
    await ws.close(4000, "enough")


async def anything(ws: WebSocket[Any, Any], *args: object, **kwargs: object) -> None:
    await ws.send({"args": repr(args), "kwargs": repr(kwargs)})


functions: list[SocketFunction] = [echo, binary, bare, room, anything]


def factories(request: HttpRequest, connection: Connection) -> None:
    factory = as_factory(room)
    assert_type(factory, SocketFactory)
    assert_type(factory(request, connection, 1, name="x"), Endpoint)
