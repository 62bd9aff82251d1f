"""Middleware that does nothing, many times over: ours by ``middleware=``, the ceiling's as ASGI applications."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.apps import Application, Kind, Receive, Scope, Send
    from benchmarks.implementations import Implementation
    from django_ws import Endpoint, Next

__all__ = ["wrapped"]


def wrapped(measured: "Implementation", kind: "Kind", count: int) -> "Application":
    """Give an implementation's application with ``count`` middleware around it."""
    if measured.name == "django-ws":
        from benchmarks.apps.ours import with_middleware  # noqa: PLC0415 - only in the process of ours

        return with_middleware([_websocket_middleware] * count)
    application = measured.application(kind)
    for _ in range(count):
        application = _asgi_middleware(application)
    return application


def _websocket_middleware(next_: "Next") -> "Next":
    async def middleware(ws: "Endpoint", /) -> object:
        return await next_(ws)

    return middleware


def _asgi_middleware(application: "Application") -> "Application":
    async def middleware(scope: "Scope", receive: "Receive", send: "Send") -> None:
        await application(scope, receive, send)

    return middleware
