"""Middleware as its users write it: the README's, a function's, one that looks at the socket."""

from importlib import import_module
from typing import assert_type

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib import auth
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse

from django_ws import Endpoint, Middleware, Next, WebSocket, get_websocket_application
from django_ws.interfaces import MiddlewareFactory


class AuthAsyncMiddleware:
    """The README's."""

    def __init__(self, func: Next) -> None:
        self.func = func

    async def __call__(self, ws: Endpoint) -> object:
        if not hasattr(ws.request, "user"):
            engine = import_module(settings.SESSION_ENGINE)
            session_key = ws.request.COOKIES.get(settings.SESSION_COOKIE_NAME)
            ws.request.session = engine.SessionStore(session_key)
            ws.request.user = await sync_to_async(auth.get_user)(ws.request)
        return await self.func(ws)


def timing(next_: Next) -> Middleware:
    """A function that gives back a function."""

    async def middleware(ws: Endpoint) -> object:
        return await next_(ws)

    return middleware


class Refusing:
    """Refuses by a response, by an exception, and by saying nothing."""

    def __init__(self, next: Next) -> None:  # noqa: A002 - as users name it
        self.next = next

    async def __call__(self, ws: Endpoint) -> HttpResponse | None:
        if ws.request.GET.get("a"):
            raise PermissionDenied
        if ws.request.GET.get("b"):
            return HttpResponse(status=401)
        await self.next(ws)
        return None


class Looking:
    """Finds out what kind of socket it has."""

    def __init__(self, next_: Next) -> None:
        self.next = next_

    async def __call__(self, ws: Endpoint) -> object:
        result = await self.next(ws)
        if isinstance(ws, WebSocket):
            assert_type(ws.close_code, int | None)
        return result


factories: tuple[MiddlewareFactory, ...] = (AuthAsyncMiddleware, timing, Refusing, Looking)


def application() -> None:
    get_websocket_application(middleware=[AuthAsyncMiddleware, timing, "myproject.middleware.Other"])
