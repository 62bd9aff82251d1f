"""What the tests of the handler share."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from django_ws.handler import WebSocket
from django_ws.routing import WebSocketRequest
from django_ws.testing import FakeConnection, websocket_scope

S = TypeVar("S", bound=WebSocket[Any, Any])


def make(cls: type[S], connection: FakeConnection | None = None, *args: object, **kwargs: object) -> S:
    """A socket over a fake connection, not running yet."""
    return cls(WebSocketRequest(websocket_scope()), connection or FakeConnection(), *args, **kwargs)


async def until(condition: Callable[[], object], turns: int = 1000) -> None:
    """Let the loop turn until ``condition`` holds; no clock is involved."""
    for _ in range(turns):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("the condition never held")


async def turns(count: int = 20) -> None:
    """Let everything that can go on go on."""
    for _ in range(count):
        await asyncio.sleep(0)
