"""What may stand in a URLconf, under our ``path`` and under Django's own."""

from types import ModuleType
from typing import Any, assert_type

import django.urls
from django.urls import URLPattern, URLResolver
from django.utils.translation import gettext_lazy

from django_ws import WebSocket, WebSocketHandler
from django_ws.handler import SocketView, as_factory
from django_ws.testing import FakeEndpoint
from django_ws.urls import include, path, re_path


class Socket(WebSocketHandler[str, str]):
    pass


class Bare(WebSocketHandler):
    pass


async def function(ws: WebSocket[str, str]) -> None:
    await ws.send("")


async def room(ws: WebSocket, room_id: int, name: str = "") -> None:
    await ws.send({"room": room_id, "name": name})


more = [path("more/", Socket)]

urlpatterns: list[URLPattern | URLResolver] = [
    path("class/", Socket),
    path("bare/", Bare, name="bare"),
    path("class/<int:room_id>/", Socket, {"extra": 1}, "room"),
    path("function/", function),
    path("function/<int:room_id>/", room, {"name": "x"}, name="room-function"),
    path("view/", Socket.as_view()),
    path("fake/", FakeEndpoint),
    path("factory/", as_factory(Socket)),
    path(gettext_lazy("translated/"), Socket),
    path("include/", include("testproject.ws_urls")),
    path("include-list/", include(more)),
    path("include-namespace/", include((more, "app"), namespace="instance")),
    re_path(r"^class/$", Socket),
    re_path(r"^function/(?P<room_id>\d+)/$", room, {"name": "x"}, "re-room"),
    re_path(r"^view/$", Socket.as_view()),
    re_path(r"^include/", include(more)),
    # The stock functions take an as_view() and an include().
    django.urls.path("stock/", Socket.as_view()),
    django.urls.path("stock/<int:room_id>/", Socket.as_view(), {"extra": 1}, name="stock"),
    django.urls.re_path(r"^stock/$", Socket.as_view()),
    django.urls.path("stock-include/", django.urls.include(more)),
]

assert_type(Socket.as_view(), SocketView)
assert_type(Socket.as_view().view_class, type[WebSocketHandler[Any, Any]])
assert_type(path("a/", Socket), URLPattern)
assert_type(path("a/", function), URLPattern)
assert_type(path("a/", Socket.as_view()), URLPattern)
assert_type(path("a/", include(more)), URLResolver)
assert_type(re_path("a/", Socket), URLPattern)
assert_type(re_path("a/", room), URLPattern)
assert_type(re_path("a/", include(more)), URLResolver)


def more_includes(module: ModuleType) -> None:
    path("module/", include(module))
    path("module/", include((module, "app"), "instance"))
    path("patterns/", include(urlpatterns))
