"""An async generator function is a socket: what it yields is sent."""

from collections.abc import AsyncGenerator, AsyncIterator
from functools import partial
from typing import Any, assert_type

from django.urls import URLPattern

from django_ws import JSONEncodable, WebSocket
from django_ws.guards import login_required
from django_ws.testing import connect
from django_ws.urls import path, re_path


async def ticks(ws: WebSocket[str, str]) -> AsyncIterator[str]:
    yield "tick"
    async for text in ws:
        assert_type(text, str)
        yield text


async def numbered(ws: WebSocket[str, bytes], number: int, *, name: str = "") -> AsyncGenerator[bytes, None]:
    for _ in range(number):
        yield name.encode()


async def bare(ws: WebSocket) -> AsyncIterator[JSONEncodable]:
    yield {"number": 1}


async def anything(ws: WebSocket[Any, Any]) -> AsyncIterator[int]:
    yield 1


@login_required
async def guarded(ws: WebSocket[str, str]) -> AsyncIterator[str]:
    yield "secret"


class Rooms:
    async def ticks(self, ws: WebSocket[str, str]) -> AsyncIterator[str]:
        yield "tick"


class Yielding:
    async def __call__(self, ws: WebSocket[str, str], room_id: int) -> AsyncIterator[str]:
        yield "tick"


urlpatterns: list[URLPattern] = [
    path("ticks/", ticks),
    path("numbered/<int:number>/", numbered, {"name": "x"}, "numbered"),
    path("bare/", bare),
    path("anything/", anything),
    path("guarded/", guarded),
    path("method/", Rooms().ticks),
    path("object/<int:room_id>/", Yielding()),
    path("partial/", partial(numbered, name="x")),
    re_path("^ticks/$", ticks),
]


async def clients() -> None:
    async with connect(ticks) as texts:
        assert_type(await texts.receive(), str)
        await texts.send("x")
    async with connect(numbered, 3) as binary:
        assert_type(await binary.receive(), bytes)
