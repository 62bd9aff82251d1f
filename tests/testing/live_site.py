"""What the tests of the live server serve: pages, and sockets that use the database."""

import asyncio
from collections.abc import AsyncIterator

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path
from typing_extensions import override

from django_ws import WebSocket, WebSocketHandler

CLOSED: list[int] = []
"""The codes that ``on_close`` was told, of every socket."""


class Echo(WebSocketHandler[str, str]):
    @override
    async def on_message(self, data: str) -> None:
        await self.send(data)

    @override
    async def on_close(self) -> None:
        await asyncio.sleep(0)
        CLOSED.append(self.close_code or 0)


async def users(ws: WebSocket[str, str]) -> None:
    """Make a user of each name, and tell how many there are."""
    async for name in ws:
        await User.objects.acreate(username=name)
        await ws.send(str(await User.objects.acount()))


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse("<!doctype html><link rel=icon href=data:,><title>A page</title>")


def count(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(User.objects.count()))


def stream(request: HttpRequest) -> StreamingHttpResponse:
    async def parts() -> AsyncIterator[str]:
        for part in "abc":
            await asyncio.sleep(0)
            yield part

    return StreamingHttpResponse(parts())


def media(request: HttpRequest, name: str) -> HttpResponse:
    return HttpResponse(f"no file {name}")


urlpatterns = [
    path("page/", page),
    path("count/", count),
    path("stream/", stream),
    path("media/<str:name>", media),
]
