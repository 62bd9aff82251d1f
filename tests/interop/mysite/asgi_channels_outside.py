"""Channels outside, django-ws as its "websocket"."""

from channels.auth import AuthMiddlewareStack  # type: ignore[import-untyped]
from channels.routing import ProtocolTypeRouter  # type: ignore[import-untyped]

from django_ws import get_websocket_application

sockets = get_websocket_application()

application = ProtocolTypeRouter(
    {
        "http": sockets,
        "websocket": AuthMiddlewareStack(sockets),
        "lifespan": sockets,
    }
)
