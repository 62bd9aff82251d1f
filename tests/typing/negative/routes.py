"""What may not stand in a URLconf."""

import django.urls
from django.http import HttpRequest, HttpResponse
from django.views import View

from django_ws import WebSocket, WebSocketHandler
from django_ws.urls import include, path, re_path


class Socket(WebSocketHandler[str, str]):
    pass


class NoSocket:
    """Neither takes what a socket is made of, nor runs."""


class NoRun:
    """Takes it, but does not run."""

    def __init__(self, request: HttpRequest, connection: object, /, *args: object, **kwargs: object) -> None:
        self.request = request


class OwnInit(WebSocketHandler[str, str]):
    """Cannot be made from what a route gives."""

    def __init__(self, room: int) -> None:
        self.room = room


class PlainView(View):
    pass


def plain(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.path)


async def asynchronous(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.path)


def synchronous(ws: WebSocket[str, str]) -> None:
    del ws


async def takes_text(text: str) -> None:
    del text


async def takes_nothing() -> None:
    pass


async def gives(ws: WebSocket[str, str]) -> str:
    return await ws.receive()


path("a/", 1)  # E
path("a/", "chat.ws.Chat")  # E
path("a/", None)  # E
path("a/", plain)  # E
path("a/", asynchronous)  # E
path("a/", PlainView)  # E
path("a/", PlainView.as_view())  # E
path("a/", NoSocket)  # E
path("a/", NoRun)  # E
path("a/", OwnInit)  # E
path("a/", synchronous)  # E
path("a/", takes_text)  # E
path("a/", takes_nothing)  # E
path("a/", gives)  # E
path("a/", [path("b/", Socket)])  # E
path(1, Socket)  # E
path("a/", Socket, "name")  # E
path("a/", Socket, name=1)  # E
path("a/")  # E
path("a/", Socket())  # E
re_path("a/", 1)  # E
re_path("a/", plain)  # E
re_path("a/", asynchronous)  # E
re_path("a/", NoSocket)  # E
re_path(b"a/", Socket)  # E
include(1)  # E
include([1])  # E
include([path("a/", Socket)], 1)  # E
# The stock functions take neither classes nor socket functions: that is why there are ours.
django.urls.path("a/", Socket)  # E
django.urls.re_path("a/", Socket)  # E
