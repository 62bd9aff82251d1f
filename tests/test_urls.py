"""``django_ws.urls`` is Django's own at run time; its types are tested in ``typing/``."""

import django.urls
import pytest
from django.urls import URLPattern, URLResolver

from django_ws import WebSocket, WebSocketHandler, urls
from django_ws.handler import as_factory
from django_ws.routing import DjangoResolver


class Socket(WebSocketHandler[str, str]):
    pass


async def room(ws: WebSocket[str, str], room_id: int) -> None:
    await ws.send(str(room_id))


@pytest.mark.parametrize("name", ["include", "path", "re_path"])
def test_the_functions_are_django_s_own(name: str) -> None:
    assert getattr(urls, name) is getattr(django.urls, name)


def test_all_names_them() -> None:
    assert urls.__all__ == ["include", "path", "re_path"]


def test_a_class_a_function_and_a_view_stand_in_a_route() -> None:
    patterns = [
        urls.path("class/", Socket),
        urls.path("function/<int:room_id>/", room, name="room"),
        urls.path("view/", Socket.as_view()),
        urls.re_path(r"^re/(?P<room_id>\d+)/$", room),
    ]
    assert all(isinstance(pattern, URLPattern) for pattern in patterns)
    resolver = urls.path("in/", urls.include((patterns, "rooms")))
    assert isinstance(resolver, URLResolver)
    match = resolver.resolve("in/function/7/")
    assert match is not None
    assert (match.func, match.kwargs, match.namespaces) == (room, {"room_id": 7}, ["rooms"])
    assert resolver.resolve("in/class/").func is Socket
    assert resolver.resolve("in/re/7/").kwargs == {"room_id": "7"}


def test_a_view_stands_for_its_class() -> None:
    view = Socket.as_view()
    assert view.view_class is Socket
    assert as_factory(view) is Socket


def test_the_routes_are_found_by_the_resolver() -> None:
    routes = dict(DjangoResolver("testproject.ws_urls").targets())
    assert routes["echo/"].__name__ == "Echo"  # type: ignore[attr-defined]
