"""management/client/near.py: the routes that a path may have been meant for."""

import itertools
import sys
from types import ModuleType

import pytest
from django.test import override_settings
from django.urls import URLPattern

from django_ws import WebSocketHandler
from django_ws.management.client.near import near_routes, route_of
from django_ws.urls import path, re_path

numbers = itertools.count()


class Room(WebSocketHandler):
    pass


ROUTES = [path("ws/rooms/<int:room_id>/", Room), path("ws/echo/", Room), re_path(r"^ws/lobby/(?P<name>\w+)/$", Room)]


@pytest.fixture
def project(monkeypatch: pytest.MonkeyPatch) -> str:
    return made(monkeypatch, ROUTES)


def made(monkeypatch: pytest.MonkeyPatch, routes: list[URLPattern]) -> str:
    # Django remembers a URLconf by its name.
    module = ModuleType(f"ws_urls_of_test_near_{next(numbers)}")
    module.__dict__["urlpatterns"] = routes
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module.__name__


def test_the_nearest_comes_first(project: str) -> None:
    with override_settings(ROOT_WS_URLCONF=project):
        assert near_routes("/ws/ecko/")[0] == "/ws/echo/"
        assert near_routes("/ws/room/3/")[0] == "/ws/rooms/<int:room_id>/"
        assert near_routes("/ws/loby/x")[0] == r"/^ws/lobby/(?P<name>\w+)/$"


def test_of_few_routes_all_are_told_and_of_many_those_that_are_like_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with override_settings(ROOT_WS_URLCONF=made(monkeypatch, ROUTES)):
        assert len(near_routes("/nothing/at/all/like/it/")) == 3
    many = [path(f"{name * 9}/", Room) for name in "abcdefgh"]
    with override_settings(ROOT_WS_URLCONF=made(monkeypatch, many)):
        assert near_routes("/aaaaaaaab/") == ["/aaaaaaaaa/"]
        assert near_routes("/zzz/") == []


def test_the_route_of_a_path_is_found(project: str) -> None:
    with override_settings(ROOT_WS_URLCONF=project):
        route = route_of("/ws/rooms/3/")
        assert route is not None
        assert route.handler == f"{__name__}.Room"
        assert route_of("/ws/rooms/x/") is None


@override_settings(ROOT_WS_URLCONF="nowhere.ws_urls")
def test_a_project_without_routes_has_none() -> None:
    assert near_routes("/ws/") == []
    assert route_of("/ws/") is None
