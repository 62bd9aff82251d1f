"""The websocket URLconf of the tests of the live server, and applications to be served by it."""

from typing import Any

from django.core.asgi import get_asgi_application

from django_ws import get_websocket_application
from django_ws.urls import path
from testing.live_site import Echo, users

urlpatterns = [path("ws/echo/", Echo), path("ws/users/", users)]

application = get_websocket_application()
plain = get_asgi_application()


# ASGI: the three arguments are typed differently by every server and framework.
async def wrapped(scope: Any, receive: Any, send: Any) -> None:
    """Stand for middleware that nobody can look into."""
    await application(scope, receive, send)


# The same.
async def cannot_start(scope: Any, receive: Any, send: Any) -> None:
    """Say that it cannot start."""
    await send({"type": "lifespan.startup.failed", "message": ""})
