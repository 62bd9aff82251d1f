"""Django Channels, as its tutorial shows it: its origin validator around its router; Channels has no types."""

from typing import TYPE_CHECKING, Any, ClassVar, Final

from asgiref.sync import sync_to_async
from django.urls import path

from benchmarks.apps import BURST
from benchmarks.apps.django_setup import configure, slow_query

configure(__name__)

from channels.generic.websocket import (  # type: ignore[import-untyped] # noqa: E402 - no types; Django first
    AsyncJsonWebsocketConsumer,
    AsyncWebsocketConsumer,
)
from channels.routing import ProtocolTypeRouter, URLRouter  # type: ignore[import-untyped] # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # type: ignore[import-untyped] # noqa: E402

if TYPE_CHECKING:
    from benchmarks.apps import Application, Kind

__all__ = ["application"]

_GROUP: Final = "news"


class JsonEcho(AsyncJsonWebsocketConsumer):  # type: ignore[misc]
    """JSON in, JSON out."""

    # Channels: whatever the client sent, and whatever the route captured.
    async def receive_json(self, content: Any, **_: Any) -> None:
        """Send it back."""
        await self.send_json(content)


class TextEcho(AsyncWebsocketConsumer):  # type: ignore[misc]
    """Text in, text out."""

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Send it back."""
        await self.send(text_data, bytes_data)


class Query(AsyncWebsocketConsumer):  # type: ignore[misc]
    """A blocking query for each message."""

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Query, then send it back."""
        await sync_to_async(slow_query)()
        await self.send(text_data, bytes_data)


class FanOut(AsyncJsonWebsocketConsumer):  # type: ignore[misc]
    """JSON in, and out to everyone."""

    groups: ClassVar[list[str]] = [_GROUP]

    # See JsonEcho.
    async def receive_json(self, content: Any, **_: Any) -> None:
        """Send it to all."""
        await self.channel_layer.group_send(_GROUP, {"type": "said", "content": content})

    # Channels: what was sent to the group.
    async def said(self, event: dict[str, Any]) -> None:
        """Send it to this client."""
        await self.send_json(event["content"])


class Burst(AsyncJsonWebsocketConsumer):  # type: ignore[misc]
    """Many at once, to everyone else."""

    # See JsonEcho.
    async def receive_json(self, content: Any, **_: Any) -> None:
        """Send it to all, again and again."""
        for _number in range(BURST):
            await self.channel_layer.group_send(_GROUP, {"type": "said", "content": content})


urlpatterns: Final = [
    path("json/", JsonEcho.as_asgi()),
    path("text/", TextEcho.as_asgi()),
    path("orm/", Query.as_asgi()),
    path("fanout/", FanOut.as_asgi()),
    path("fanout/burst/", Burst.as_asgi()),
]


def application(_kind: "Kind | None" = None, /) -> "Application":
    """Give the one application of all routes."""
    made: Application = ProtocolTypeRouter({"websocket": AllowedHostsOriginValidator(URLRouter(urlpatterns))})
    return made
