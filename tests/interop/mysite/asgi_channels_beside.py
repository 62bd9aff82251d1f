"""django-ws outside; what begins with /legacy/ is for Channels."""

from typing import Any

from channels.auth import AuthMiddlewareStack  # type: ignore[import-untyped]
from channels.routing import URLRouter  # type: ignore[import-untyped]
from channels.security.websocket import AllowedHostsOriginValidator  # type: ignore[import-untyped]
from django.urls import path

from django_ws import get_websocket_application
from interop.mysite.consumers import RoomConsumer

sockets = get_websocket_application()
consumers = URLRouter([path("legacy/room/", RoomConsumer.as_asgi())])
legacy = AllowedHostsOriginValidator(AuthMiddlewareStack(consumers))


# ASGI: scopes and events are open dicts.
async def application(scope: Any, receive: Any, send: Any) -> None:
    is_legacy = scope["type"] == "websocket" and scope["path"].startswith("/legacy/")
    await (legacy if is_legacy else sockets)(scope, receive, send)
