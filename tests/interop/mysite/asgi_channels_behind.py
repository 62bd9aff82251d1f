"""django-ws outside; Channels gets each websocket whose path django-ws does not know."""

from typing import Any

from channels.routing import URLRouter  # type: ignore[import-untyped]
from django.urls import path

from django_ws import get_websocket_application
from django_ws.exceptions import NoRouteError
from django_ws.routing import DjangoResolver, path_info
from interop.mysite.consumers import RoomConsumer

sockets = get_websocket_application()
consumers = URLRouter([path("legacy/room/", RoomConsumer.as_asgi())])
routes = DjangoResolver()


def is_ours(path: str) -> bool:
    try:
        routes.resolve(path)
    except NoRouteError:
        return False
    return True


# ASGI: scopes and events are open dicts.
async def application(scope: Any, receive: Any, send: Any) -> None:
    theirs = scope["type"] == "websocket" and not is_ours(path_info(scope))
    await (consumers if theirs else sockets)(scope, receive, send)
