"""management/routes.py: what is told of a route."""

import functools
import sys
from collections.abc import AsyncIterator
from types import ModuleType
from typing import Any

import pytest
from django.contrib.auth.decorators import login_required as django_login_required
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from django_ws import JSON, SyncWebSocketHandler, WebSocket, WebSocketHandler
from django_ws.guards import login_required, permission_required, user_passes_test
from django_ws.interfaces import Connection
from django_ws.management.routes import asks_for_user, describe, guards_of, needless_slashes, routes_of
from django_ws.routing import DjangoResolver
from django_ws.testing import FakeConnection
from django_ws.urls import include, path, re_path


class Plain(WebSocketHandler):
    pass


class Texts(WebSocketHandler[str, bytes]):
    subprotocols = ("chat.v2", "chat.v1")


class Objects(WebSocketHandler[JSON, dict[str, int]]):
    pass


async def function(ws: WebSocket[bytes, str]) -> None:
    raise NotImplementedError


async def untyped(ws: WebSocket, limit: int = 3) -> None:
    raise NotImplementedError


async def ticks(ws: WebSocket[bytes, str]) -> AsyncIterator[str]:
    yield ""


class Rooms:
    async def room(self, ws: WebSocket[bytes, str]) -> None:
        raise NotImplementedError

    async def __call__(self, ws: WebSocket[bytes, str]) -> AsyncIterator[str]:
        yield ""


class Sync(SyncWebSocketHandler[str, bytes]):
    subprotocols = ("v1",)


class Foreign:
    """No WebSocket, but it can run."""

    def __init__(self, request: HttpRequest, connection: Connection, /) -> None:
        self.request = request

    async def run(self) -> None:
        raise NotImplementedError


def make(request: HttpRequest, connection: Connection, /, **captured: object) -> Foreign:
    raise NotImplementedError


def is_member(user: object) -> bool:
    raise NotImplementedError


async def own_guard(request: HttpRequest) -> HttpResponseBase | None:
    raise NotImplementedError


class OwnGuard:
    async def __call__(self, request: HttpRequest) -> HttpResponseBase | None:
        raise NotImplementedError


# --- one target ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "handler", "receives", "sends", "subprotocols"),
    [
        (Plain, "Plain", "JSON", "JSON", ()),
        (Texts, "Texts", "str", "bytes", ("chat.v2", "chat.v1")),
        (Texts.as_view(), "Texts", "str", "bytes", ("chat.v2", "chat.v1")),
        (Objects, "Objects", "JSON", "dict[str, int]", ()),
        (function, "function", "bytes", "str", ()),
        (functools.partial(untyped), "untyped", "JSON", "JSON", ()),
        (ticks, "ticks", "bytes", "str", ()),
        (functools.partial(ticks), "ticks", "bytes", "str", ()),
        (Rooms().room, "Rooms.room", "bytes", "str", ()),
        (Rooms(), "Rooms", "bytes", "str", ()),
        (Sync, "Sync", "str", "bytes", ("v1",)),
        (Foreign, "Foreign", None, None, ()),
        (make, "make", None, None, ()),
    ],
)
def test_a_socket_is_described(
    target: object, handler: str, receives: str | None, sends: str | None, subprotocols: tuple[str, ...]
) -> None:
    found = describe("r/", "n", target)
    assert found.handler == f"{__name__}.{handler}"
    assert (found.receives, found.sends, found.subprotocols) == (receives, sends, subprotocols)
    assert (found.route, found.name, found.guards, found.fault) == ("r/", "n", (), None)


def test_what_is_no_socket_is_described_with_its_fault() -> None:
    for target, handler in ((HttpRequest, "django.http.request.HttpRequest"), (3, "3")):
        found = describe("r/", None, target)
        assert found.handler == handler
        assert found.fault is not None
        assert "stands in a websocket route but is no socket" in found.fault
        assert found.receives is None


# --- guards -------------------------------------------------------------------------------------------


@login_required
@permission_required(["chat.view", "chat.post"])
@user_passes_test(is_member)
class Guarded(WebSocketHandler[str, str]):
    pass


class WithGuards(WebSocketHandler[str, str]):
    guards = [own_guard, OwnGuard()]


@login_required
async def guarded_function(ws: WebSocket[str, str]) -> None:
    raise NotImplementedError


OF_GUARDED = ("login_required", "permission_required(chat.view, chat.post)", "user_passes_test(is_member)")


@pytest.mark.parametrize(
    ("target", "labels"),
    [
        (Guarded, OF_GUARDED),
        (Guarded.as_view(), OF_GUARDED),
        (WithGuards, ("own_guard", "OwnGuard")),
        (guarded_function, ("login_required",)),
        (django_login_required(Plain.as_view()), ("a view decorator",)),
        (login_required(functools.partial(make)), ("login_required",)),
    ],
)
def test_guards_are_told_outermost_first(target: object, labels: tuple[str, ...]) -> None:
    assert describe("r/", None, target).guards == labels


def test_a_guard_of_ours_asks_for_the_user_and_of_others_nobody_knows() -> None:
    assert [asks_for_user(guard) for guard in guards_of(Guarded)] == [True, True, True]
    assert [asks_for_user(guard) for guard in guards_of(WithGuards)] == [False, False]
    with pytest.raises(ImproperlyConfigured):
        guards_of(3)


@pytest.mark.parametrize("target", [Guarded, Guarded.as_view(), guarded_function, WithGuards])
async def test_the_guards_that_are_told_are_those_that_are_asked(target: object) -> None:
    from django_ws.handler import as_factory

    # A fake takes the place of what a server gives.
    connection: Any = FakeConnection()
    socket: Any = as_factory(target)(HttpRequest(), connection)
    assert list(socket._guards) == list(guards_of(target))


# --- the URLconf --------------------------------------------------------------------------------------


def test_every_route_is_found_with_its_full_name(monkeypatch: pytest.MonkeyPatch) -> None:
    urlconf = ModuleType("ws_urls_of_test_routes")
    broken: Any = HttpRequest  # as a checker would not let it be written
    inner = [path("a/", Plain, name="a"), re_path(r"^b/(\d+)$", function)]
    urlconf.__dict__["urlpatterns"] = [
        path("", Texts),
        path("in/", include((inner, "app"))),
        path("<int:number>/", include([path("deep/", include((inner, "app"), namespace="deep"))])),
        path("broken/", broken),
    ]
    monkeypatch.setitem(sys.modules, urlconf.__name__, urlconf)
    found = routes_of(DjangoResolver(urlconf.__name__))
    assert [(each.route, each.name) for each in found] == [
        ("", None),
        ("in/a/", "app:a"),
        (r"in/^b/(\d+)$", None),
        ("<int:number>/deep/a/", "deep:a"),
        (r"<int:number>/deep/^b/(\d+)$", None),
        ("broken/", None),
    ]
    assert [each.fault is None for each in found] == [True] * 5 + [False]


def test_a_urlconf_that_is_missing_is_named() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"There is no websocket URLconf 'nowhere\.ws_urls'"):
        routes_of(DjangoResolver("nowhere.ws_urls"))


def test_slashes_that_stand_there_already_are_needless(monkeypatch: pytest.MonkeyPatch) -> None:
    inner = [path("/a/", function), path("b/", function)]
    urlconf = ModuleType("slashes_of_test_routes")
    urlconf.__dict__["urlpatterns"] = [
        path("/c/", function),
        re_path("^/d/$", function),
        re_path(r"^\/e/$", function),
        path("f/", include((inner, "f"))),
        path("g", include((inner, "g"))),
        path("/h/", include((inner, "h"))),
    ]
    monkeypatch.setitem(sys.modules, urlconf.__name__, urlconf)
    assert list(needless_slashes(DjangoResolver(urlconf.__name__))) == ["/c/", "^/d/$", r"^\/e/$", "f//a/", "/h/"]
