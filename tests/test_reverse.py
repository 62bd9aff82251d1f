"""reverse.py: the URL of a socket, with the scheme and the host of the request or of the setting."""

import sys
from collections.abc import Iterator
from types import ModuleType

import pytest
from django.core.exceptions import DisallowedHost, ImproperlyConfigured
from django.http import QueryDict
from django.test import RequestFactory, override_settings
from django.urls import NoReverseMatch, get_script_prefix, set_script_prefix

from django_ws import WebSocket
from django_ws.reverse import base_url, ws_reverse
from django_ws.urls import include, path, re_path


async def room(ws: WebSocket[str, str], **captured: object) -> None:
    raise NotImplementedError


async def feed(ws: WebSocket[str, str], name: str) -> None:
    raise NotImplementedError


@pytest.fixture(autouse=True)
def sockets(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    urlconf = ModuleType("ws_urls_of_test_reverse")
    inner = [path("<slug:slug>/", room, name="room")]
    urlconf.__dict__["urlpatterns"] = [
        path("rooms/<int:room_id>/", room, name="room"),
        re_path(r"^feeds/(\w+)/$", feed, name="feed"),
        path("lobby/<str:name>/", room, name="lobby"),
        path("chat/", include((inner, "chat"), namespace="support")),
    ]
    monkeypatch.setitem(sys.modules, urlconf.__name__, urlconf)
    with override_settings(ROOT_WS_URLCONF=urlconf.__name__):
        yield


@pytest.fixture
def prefix() -> Iterator[None]:
    before = get_script_prefix()
    set_script_prefix("/app/")
    yield
    set_script_prefix(before)


REQUESTS = RequestFactory()


# --- by the request -----------------------------------------------------------------------------------


def test_scheme_and_host_are_those_of_the_request() -> None:
    assert ws_reverse("room", kwargs={"room_id": 3}, request=REQUESTS.get("/")) == "ws://testserver/rooms/3/"


def test_a_secure_request_means_wss() -> None:
    request = REQUESTS.get("/", secure=True)
    assert ws_reverse("room", kwargs={"room_id": 3}, request=request) == "wss://testserver/rooms/3/"


def test_a_port_is_kept() -> None:
    request = REQUESTS.get("/", headers={"host": "localhost:8000"})
    assert ws_reverse("feed", args=["news"], request=request) == "ws://localhost:8000/feeds/news/"


FORWARDED = {"x-forwarded-host": "localhost", "x-forwarded-proto": "https"}


def test_the_headers_of_a_proxy_count_where_django_says_so() -> None:
    request = REQUESTS.get("/", headers=FORWARDED)
    with override_settings(USE_X_FORWARDED_HOST=True, SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https")):
        assert ws_reverse("feed", args=["news"], request=request) == "wss://localhost/feeds/news/"


def test_the_headers_of_a_proxy_do_not_count_by_themselves() -> None:
    request = REQUESTS.get("/", headers=FORWARDED)
    assert ws_reverse("feed", args=["news"], request=request) == "ws://testserver/feeds/news/"


def test_a_foreign_host_is_refused() -> None:
    with pytest.raises(DisallowedHost):
        ws_reverse("feed", args=["news"], request=REQUESTS.get("/", headers={"host": "evil.example"}))


@override_settings(WS_BASE_URL="wss://sockets.example")
def test_the_request_counts_more_than_the_setting() -> None:
    assert ws_reverse("feed", args=["news"], request=REQUESTS.get("/")).startswith("ws://testserver/")


# --- the path -----------------------------------------------------------------------------------------


@override_settings(WS_BASE_URL="wss://sockets.example")
def test_the_route_is_one_of_the_websocket_urlconf_with_its_namespaces() -> None:
    assert ws_reverse("support:room", kwargs={"slug": "a-b"}) == "wss://sockets.example/chat/a-b/"
    assert ws_reverse(feed, args=["news"]) == "wss://sockets.example/feeds/news/"
    with pytest.raises(NoReverseMatch):
        ws_reverse("index")


@override_settings(WS_BASE_URL="wss://sockets.example")
def test_what_a_url_cannot_carry_is_escaped() -> None:
    assert ws_reverse("lobby", args=["ü ?"]) == "wss://sockets.example/lobby/%C3%BC%20%3F/"


@override_settings(WS_BASE_URL="wss://sockets.example")
@pytest.mark.parametrize("query", [{"since": "1&2", "tag": ["a", "b"]}, QueryDict("since=1%262&tag=a&tag=b")])
def test_a_query_follows(query: QueryDict | dict[str, object]) -> None:
    url = ws_reverse("feed", args=["news"], query=query)
    assert url == "wss://sockets.example/feeds/news/?since=1%262&tag=a&tag=b"


@pytest.mark.usefixtures("prefix")
def test_the_script_prefix_is_honoured() -> None:
    assert ws_reverse("feed", args=["news"], request=REQUESTS.get("/")) == "ws://testserver/app/feeds/news/"
    with override_settings(WS_BASE_URL="ws://localhost:8000"):
        assert ws_reverse("feed", args=["news"]) == "ws://localhost:8000/app/feeds/news/"


# --- by the setting -----------------------------------------------------------------------------------


def test_without_a_host_there_is_no_url() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"the socket 'feed' needs a host: .* or set WS_BASE_URL"):
        ws_reverse("feed", args=["news"])


@pytest.mark.parametrize("value", ["ws://localhost:8000", "wss://example.com", "wss://[::1]:443", None])
def test_a_right_base_is_taken(value: str | None) -> None:
    with override_settings(WS_BASE_URL=value):
        assert base_url() == value


@pytest.mark.parametrize(
    "value",
    [
        "",
        3,
        b"wss://example.com",
        "example.com",
        "//example.com",
        "https://example.com",
        "WSS://example.com",
        "wss://",
        "wss://:443",
        "wss://example.com/",
        "wss://example.com/app",
        "wss://example.com?a=b",
        "wss://example.com#top",
        "wss://user@example.com",
        "wss://example.com:port",
        "wss://example.com:99999",
        "wss://[::1",
        "wss://exam ple.com",
        "wss://example.com\n",
        "wss://example.com:",
        "wss://example.com:0",
    ],
)
def test_a_wrong_base_is_refused(value: object) -> None:
    with (
        override_settings(WS_BASE_URL=value),
        pytest.raises(ImproperlyConfigured, match=r"WS_BASE_URL is .* must be None or scheme, host and port alone"),
    ):
        ws_reverse("feed", args=["news"])
