"""What the tests ask a deployed project, and what they look at as it fails."""

import asyncio
import os

from typing_extensions import override

from django_ws import JSON, Topic, WebSocket, WebSocketHandler
from django_ws.guards import permission_required


async def who(ws: WebSocket[str, str]) -> None:
    """Tell the address and the scheme as Django sees them, and stay."""
    await ws.send(f"{ws.request.META['REMOTE_ADDR']} {ws.request.scheme}")
    async for _ in ws:
        pass


class Talk(WebSocketHandler):
    """Takes JSON, speaks a subprotocol."""

    subprotocols = ("chat.v1",)

    @override
    async def on_message(self, data: JSON) -> None:
        if data == "fail":
            raise ValueError("a fault of the test")
        await self.send(data)


class Strict(Talk):
    """Speaks nothing else."""

    subprotocol_required = True


class Binary(WebSocketHandler[bytes, bytes]):
    """Takes no text."""


@permission_required("auth.delete_user")
async def moderators(ws: WebSocket[str, str]) -> None:
    """Is for few."""
    await ws.send("welcome")


class Slow(WebSocketHandler):
    """Waits for something as it is to be opened."""

    @override
    async def on_connect(self) -> None:
        await asyncio.sleep(3600)


class Faulty(WebSocketHandler):
    """Fails as it is to be opened."""

    @override
    async def on_connect(self) -> None:
        raise ValueError("a fault of the test")


class News(Topic[str]):
    """Is published from elsewhere."""

    pattern = "howto.news"


class Listening(WebSocketHandler[str, str]):
    """Hears of it; says first in which process."""

    @override
    async def on_open(self) -> None:
        await self.subscribe(News())
        await self.send(str(os.getpid()))
