"""handler/views.py"""

from collections.abc import Callable
from functools import update_wrapper, wraps
from typing import Any

import pytest
from asgiref.sync import async_to_sync, markcoroutinefunction
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.test import RequestFactory
from django.urls import ResolverMatch
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from django_ws.guards import _put
from django_ws.handler import WebSocketHandler
from django_ws.handler.views import guards_of_view, make_view
from django_ws.routing import WebSocketRequest
from django_ws.testing import FakeGuard, websocket_scope

View = Callable[..., Any]


class Room(WebSocketHandler[str, str]):
    """A room."""


def handshake(*args: object, **kwargs: object) -> WebSocketRequest:
    request = WebSocketRequest(websocket_scope())
    request.resolver_match = ResolverMatch(Room.as_view(), args, kwargs)
    return request


async def ask(view: View, request: HttpRequest | None = None) -> HttpResponseBase | None:
    """What the guards of a view say about a handshake."""
    for guard in guards_of_view(view):
        response = await guard(request or handshake())
        if response is not None:
            return response
    return None


# --- the view -------------------------------------------------------------------------------------


async def test_it_stands_for_its_class_by_name_and_answers_http_with_426() -> None:
    view: Any = make_view(Room)
    assert view.view_class is Room
    assert (view.__name__, view.__qualname__, view.__module__, view.__doc__) == ("Room", "Room", __name__, "A room.")
    response = await view(RequestFactory().get("/ws/"), 1, room="x")
    assert response.status_code == 426
    assert (response["Upgrade"], response["Connection"]) == ("websocket", "Upgrade")
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert b"ws://" in response.content


async def test_around_a_handshake_it_answers_101() -> None:
    response = await make_view(Room)(handshake(), 1, room="x")
    assert response.status_code == 101


# --- what guards it -------------------------------------------------------------------------------


def test_a_view_as_it_is_has_no_guards() -> None:
    assert guards_of_view(make_view(Room)) == ()


def test_guards_that_were_put_on_it_are_those() -> None:
    outer, inner = FakeGuard(), FakeGuard()
    view = _put(outer, _put(inner, make_view(Room)))
    assert guards_of_view(view) == (outer, inner)


def asyncly(view: View) -> View:
    @wraps(view)
    async def wrapper(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if "denied" in kwargs:
            return HttpResponse(status=402)
        response: HttpResponseBase = await view(request, *args, **kwargs)
        return response

    return wrapper


def syncly(view: View) -> View:
    """As decorators were written before there were async views."""

    @wraps(view)
    def wrapper(request: HttpRequest, *args: object, **kwargs: object) -> Any:
        return HttpResponse(status=402) if "denied" in kwargs else view(request, *args, **kwargs)

    return wrapper


def blocking(view: View) -> View:
    @wraps(view)
    def wrapper(request: HttpRequest, *args: object, **kwargs: object) -> Any:
        return HttpResponse(status=402) if "denied" in kwargs else async_to_sync(view)(request, *args, **kwargs)

    return wrapper


def marked(view: View) -> View:
    wrapper: View = markcoroutinefunction(syncly(view))
    return wrapper


def by_hand(view: View) -> View:
    """One that copies what there is, but does not say of what."""
    wrapper = asyncly(view)
    del wrapper.__wrapped__  # type: ignore[attr-defined]
    return wrapper


class Decorator:
    def __init__(self, view: View) -> None:
        self.view = view
        update_wrapper(self, view)

    async def __call__(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        response: HttpResponseBase = await asyncly(self.view)(request, *args, **kwargs)
        return response


@pytest.mark.parametrize("decorator", [asyncly, syncly, blocking, marked, by_hand, Decorator])
async def test_a_decorator_of_whatever_kind_decides_by_its_answer(decorator: Callable[[View], View]) -> None:
    view = decorator(make_view(Room))
    assert await ask(view) is None
    assert await ask(view, handshake(1, room="x")) is None
    response = await ask(view, handshake(denied=True))
    assert response is not None
    assert response.status_code == 402


@pytest.mark.parametrize("decorator", [never_cache, csrf_exempt])
async def test_a_decorator_that_denies_nobody_lets_everybody_in(decorator: Any) -> None:
    assert await ask(decorator(make_view(Room))) is None


@pytest.mark.parametrize("error", [PermissionDenied, Http404, ZeroDivisionError])
async def test_what_a_decorator_raises_passes_up(error: type[Exception]) -> None:
    def decorator(view: View) -> View:
        @wraps(view)
        async def wrapper(request: HttpRequest) -> HttpResponseBase:
            raise error

        return wrapper

    with pytest.raises(error):
        await ask(decorator(make_view(Room)))


async def test_a_decorator_is_asked_about_a_handshake_without_a_match_too() -> None:
    assert await ask(asyncly(make_view(Room)), WebSocketRequest(websocket_scope())) is None


async def test_guards_and_decorators_are_asked_the_outermost_first() -> None:
    order: list[str] = []

    class Guard:
        def __init__(self, name: str) -> None:
            self.name = name

        async def __call__(self, request: HttpRequest, /) -> HttpResponseBase | None:
            order.append(self.name)
            return None

    def decorator(view: View) -> View:
        @wraps(view)
        async def wrapper(request: HttpRequest) -> HttpResponseBase:
            order.append("decorator")
            response: HttpResponseBase = await view(request)
            return response

        return wrapper

    inner = _put(Guard("inner"), make_view(Room))
    for view, expected in (
        (inner, ["inner"]),
        (decorator(inner), ["decorator", "inner"]),
        (_put(Guard("outer"), decorator(inner)), ["outer", "decorator", "inner"]),
        (_put(Guard("outer"), decorator(make_view(Room))), ["outer", "decorator"]),
    ):
        order.clear()
        assert await ask(view) is None
        assert order == expected
