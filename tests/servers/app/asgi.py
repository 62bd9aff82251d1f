"""The ASGI application: django-ws, some of its paths behind pure ASGI middleware, and bare applications."""

import asyncio
import contextvars
import os
from collections.abc import Awaitable, Callable
from typing import Any

from django_ws import get_websocket_application, refusals
from servers.app.bare import bare

# ASGI: scopes and events are open dicts.
Scope = dict[str, Any]
# See Scope.
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "servers.app.settings")
websockets: Application = get_websocket_application()

# The tests count the lines, which a limit otherwise writes once a minute.
refusals._SECONDS = 0.0  # type: ignore[misc]

_marker: contextvars.ContextVar[str] = contextvars.ContextVar("marker", default="outside")


async def with_timeout(scope: Scope, receive: Receive, send: Send) -> None:
    """Bound every send, as ASGI middleware may; under ``/hasty/`` a client that stalls will see it expire."""
    seconds = 0.3 if scope["path"].startswith("/hasty/") else 30

    async def send_in_time(message: Message) -> None:
        async with asyncio.timeout(seconds):
            await send(message)

    await websockets(scope, receive, send_in_time)


async def with_contextvar(scope: Scope, receive: Receive, send: Send) -> None:
    """Set a context variable around every send, as tracing middleware does."""

    async def send_marked(message: Message) -> None:
        token = _marker.set("inside")
        try:
            await send(message)
        finally:
            _marker.reset(token)

    await websockets(scope, receive, send_marked)


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Choose by the beginning of the path."""
    path = scope.get("path", "")
    if path.startswith("/bare/"):
        await bare(scope, receive, send)
    elif path.startswith(("/timeout/", "/hasty/")):
        await with_timeout(scope, receive, send)
    elif path.startswith("/contextvar/"):
        await with_contextvar(scope, receive, send)
    else:
        await websockets(scope, receive, send)
