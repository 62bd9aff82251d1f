"""A bare ASGI application, by which a server's own fault is told from django-ws's: nothing of django-ws is in it."""

import os
from collections.abc import Awaitable, Callable
from typing import Any, Final

__all__ = ["SIZE", "application"]

SIZE: Final = 32 << 20
"""Bytes of the one message: more than the kernel takes for a client that does not read."""

# ASGI: scopes and events are open dicts.
Message = dict[str, Any]


async def application(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """Accept, and send one large message: one task, one send at a time. Over HTTP, say that the server is ready."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": f"ready {os.environ['JOURNAL']}".encode()})
    elif scope["type"] == "websocket":
        assert (await receive())["type"] == "websocket.connect"
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "bytes": bytes(SIZE)})
