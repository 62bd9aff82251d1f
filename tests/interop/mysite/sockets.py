"""Handlers of django-ws, one of which is in a group of Channels."""

from typing import Any

from channels.layers import get_channel_layer  # type: ignore[import-untyped]
from django.http import HttpResponse
from django.urls import reverse
from typing_extensions import override

from django_ws import WebSocketHandler
from django_ws.guards import login_required


class Asked(WebSocketHandler[str, str]):
    """Tells what it knows."""

    @override
    async def on_connect(self) -> None:
        self.add_accept_headers([("x-own", "yes")])

    @override
    async def on_message(self, data: str, /) -> None:
        # Django: an ASGIRequest's scope is what the server and its middleware gave.
        scope: dict[str, Any] = self.request.scope  # type: ignore[attr-defined]
        match data:
            case "user":
                answer = str(await self.request.auser())
            case "scope user":
                answer = str(scope["user"])
            case "paths":
                answer = f"{self.request.path} {self.request.path_info} {reverse('hello')}"
            case "state":
                answer = str(scope["state"])
            case _:
                answer = data
        await self.send(answer)


class Denied(Asked):
    @override
    async def on_connect(self) -> HttpResponse:  # type: ignore[override]
        return HttpResponse("pay first", status=402)


@login_required
class Members(Asked):
    """For those who are logged in."""

    subprotocols = ("chat.v1",)


class Room(WebSocketHandler):
    @override
    async def on_open(self) -> None:
        layer = get_channel_layer()
        channel = await layer.new_channel()
        await layer.group_add("room", channel)
        _ = self.start_task("room", self.listen, layer, channel)

    # Channels has no types.
    async def listen(self, layer: Any, channel: str) -> None:
        try:
            while True:
                event = await layer.receive(channel)
                await self.send(event["content"])
        finally:
            await layer.group_discard("room", channel)

    # JSON: of any kind.
    @override
    async def on_message(self, data: Any, /) -> None:
        await get_channel_layer().group_send("room", {"type": "room.said", "content": data})
