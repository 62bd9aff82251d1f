"""templatetags/django_ws.py, rendered by Django's own engine."""

import sys
from collections.abc import Iterator
from types import ModuleType

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.template import Context, Engine, RequestContext
from django.test import RequestFactory, override_settings
from django.urls import NoReverseMatch

from django_ws import WebSocket
from django_ws.urls import path


async def room(ws: WebSocket[str, str], **captured: object) -> None:
    raise NotImplementedError


@pytest.fixture(autouse=True)
def sockets(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    urlconf = ModuleType("ws_urls_of_test_django_ws")
    urlconf.__dict__["urlpatterns"] = [
        path("rooms/<int:room_id>/", room, name="room"),
        path("named/<str:viewname>/<str:context>/", room, name="named"),
        path("lobby/", room, name="lobby"),
    ]
    monkeypatch.setitem(sys.modules, urlconf.__name__, urlconf)
    with override_settings(ROOT_WS_URLCONF=urlconf.__name__):
        yield


ENGINE = Engine(
    libraries={"django_ws": "django_ws.templatetags.django_ws"},
    context_processors=["django.template.context_processors.request"],
)


def rendered(tag: str, *, secure: bool = True, **variables: object) -> str:
    request = RequestFactory().get("/", secure=secure)
    template = ENGINE.from_string(f"{{% load django_ws %}}{tag}")
    return str(template.render(RequestContext(request, variables)))


def test_the_url_has_the_scheme_and_host_of_the_request() -> None:
    assert rendered("{% ws_url 'room' room_id=3 %}") == "wss://testserver/rooms/3/"
    assert rendered("{% ws_url 'room' room_id=3 %}", secure=False) == "ws://testserver/rooms/3/"


def test_values_come_by_position_and_from_variables() -> None:
    assert rendered("{% ws_url name number %}", name="room", number=4) == "wss://testserver/rooms/4/"
    assert rendered("{% ws_url 'lobby' %}") == "wss://testserver/lobby/"


def test_a_captured_value_may_have_any_name() -> None:
    assert rendered("{% ws_url 'named' viewname='a' context='b' %}") == "wss://testserver/named/a/b/"


def test_the_url_may_be_kept_in_a_variable() -> None:
    assert rendered("{% ws_url 'lobby' as url %}<{{ url }}>") == "<wss://testserver/lobby/>"


def test_a_url_is_safe_in_an_attribute() -> None:
    assert rendered("{% ws_url 'named' '\"><i>' \"'\" %}") == "wss://testserver/named/%22%3E%3Ci%3E/&#x27;/"


def test_without_a_request_the_setting_counts() -> None:
    template = ENGINE.from_string("{% load django_ws %}{% ws_url 'lobby' %}")
    with override_settings(WS_BASE_URL="wss://example.com"):
        assert template.render(Context()) == "wss://example.com/lobby/"
    with pytest.raises(ImproperlyConfigured, match="WS_BASE_URL"):
        template.render(Context())


def test_a_route_that_is_not_there_is_an_error() -> None:
    with pytest.raises(NoReverseMatch):
        rendered("{% ws_url 'room' room_id='no number' %}")
