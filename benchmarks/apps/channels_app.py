"""Django Channels, as its tutorial shows it: its origin validator around its router; Channels has no types."""

from typing import TYPE_CHECKING, Any, Final

from asgiref.sync import sync_to_async
from django.urls import path

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


urlpatterns: Final = [
    path("json/", JsonEcho.as_asgi()),
    path("text/", TextEcho.as_asgi()),
    path("orm/", Query.as_asgi()),
]


def application(_kind: "Kind | None" = None, /) -> "Application":
    """Give the one application of all routes."""
    made: Application = ProtocolTypeRouter({"websocket": AllowedHostsOriginValidator(URLRouter(urlpatterns))})
    return made
