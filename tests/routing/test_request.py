import copy
import pickle
from typing import Any

import pytest
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest
from django.test import override_settings
from django.urls import ResolverMatch, resolve

from django_ws.routing.request import WebSocketRequest
from django_ws.testing import FakeMatch

SCOPE: dict[str, Any] = {
    "type": "websocket",
    "asgi": {"version": "3.0"},
    "http_version": "1.1",
    "scheme": "ws",
    "path": "/room/7/",
    "raw_path": b"/room/7/",
    "query_string": b"q=caf%C3%A9&q=2",
    "root_path": "",
    "headers": [
        (b"host", b"testserver:8000"),
        (b"cookie", b"sessionid=abc; theme=dark"),
        (b"x-forwarded-proto", b"https"),
        (b"x-many", b"1"),
        (b"x-many", b"2"),
        (b"bad_name", b"spoofed"),
    ],
    "client": ("192.0.2.1", 50000),
    "server": ("127.0.0.1", 8000),
    "subprotocols": [],
}


def scope(**more: object) -> dict[str, Any]:
    return {**SCOPE, **more}


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in SCOPE.items() if name != key}


def test_it_is_a_request_of_django() -> None:
    request = WebSocketRequest(SCOPE)
    assert isinstance(request, ASGIRequest)
    assert isinstance(request, HttpRequest)


def test_everything_that_a_view_reads_is_there() -> None:
    request = WebSocketRequest(SCOPE)
    assert request.method == "GET"
    assert request.path == "/room/7/"
    assert request.path_info == "/room/7/"
    assert request.GET.getlist("q") == ["café", "2"]
    assert request.COOKIES == {"sessionid": "abc", "theme": "dark"}
    assert request.headers["Host"] == "testserver:8000"
    assert request.headers["X-Many"] == "1,2"
    assert request.META["REMOTE_ADDR"] == "192.0.2.1"
    assert request.META["QUERY_STRING"] == "q=caf%C3%A9&q=2"
    assert request.get_host() == "testserver:8000"
    assert request.get_full_path() == "/room/7/?q=caf%C3%A9&q=2"
    assert request.build_absolute_uri() == "http://testserver:8000/room/7/?q=caf%C3%A9&q=2"
    assert request.build_absolute_uri("/login/") == "http://testserver:8000/login/"
    assert request.content_type == ""
    assert repr(request) == "<WebSocketRequest: GET '/room/7/?q=caf%C3%A9&q=2'>"


@pytest.mark.parametrize(
    "first", ["COOKIES", "GET", "POST", "FILES", "headers", "META", "body", "scheme", "scope", "method", "encoding"]
)
def test_any_attribute_may_be_the_first_look(first: str) -> None:
    request = WebSocketRequest(SCOPE)
    assert getattr(request, first) == getattr(WebSocketRequest(SCOPE), first)
    assert request.path == "/room/7/"


def test_headers_that_could_be_taken_for_others_are_dropped() -> None:
    assert "HTTP_BAD_NAME" not in WebSocketRequest(SCOPE).META


def test_the_body_is_empty() -> None:
    request = WebSocketRequest(SCOPE)
    assert request.read() == b""
    assert WebSocketRequest(SCOPE).body == b""
    assert dict(request.POST) == {}
    assert dict(request.FILES) == {}
    request.close()


@pytest.mark.parametrize(
    ("given", "scheme", "secure"),
    [
        (scope(scheme="ws"), "http", False),
        (scope(scheme="wss"), "https", True),
        (scope(scheme="http"), "http", False),
        (scope(scheme="https"), "https", True),
        (scope(scheme=None), "http", False),
        (without("scheme"), "http", False),
    ],
)
def test_wss_is_secure(given: dict[str, Any], scheme: str, secure: bool) -> None:
    request = WebSocketRequest(given)
    assert request.scheme == scheme
    assert request.is_secure() is secure
    assert request.build_absolute_uri("/") == f"{scheme}://testserver:8000/"


@override_settings(SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https"))
def test_a_proxy_that_ends_tls_is_believed_where_the_settings_say_so() -> None:
    assert WebSocketRequest(SCOPE).is_secure()


@pytest.mark.parametrize("given", [scope(query_string=b""), scope(query_string=None), without("query_string")])
def test_a_missing_query_string_is_an_empty_one(given: dict[str, Any]) -> None:
    request = WebSocketRequest(given)
    assert dict(request.GET) == {}
    assert request.META["QUERY_STRING"] == ""
    assert request.get_full_path() == "/room/7/"


def test_a_query_string_of_text_is_read_as_django_reads_it() -> None:
    assert WebSocketRequest(scope(query_string="q=1")).GET["q"] == "1"


def test_a_query_string_that_is_not_utf_8_is_refused_at_once() -> None:
    with pytest.raises(UnicodeDecodeError):
        WebSocketRequest(scope(query_string=b"q=\xff"))


def test_an_escaped_byte_that_is_not_utf_8_is_read_as_django_reads_it() -> None:
    assert WebSocketRequest(scope(query_string=b"q=%FF")).GET["q"] == "\ufffd"


@pytest.mark.parametrize(
    ("path", "root_path", "info"),
    [
        ("/app/room/", "/app", "/room/"),
        ("/app/room/", "/app/", "/room/"),
        ("/apple/room/", "/app", "/apple/room/"),
        ("/room/", "/app", "/room/"),
        ("/app", "/app", "/"),
    ],
)
def test_the_path_info_is_the_path_that_was_resolved(path: str, root_path: str, info: str) -> None:
    request = WebSocketRequest(scope(path=path, root_path=root_path))
    assert request.path == path
    assert request.path_info == info
    assert request.META["PATH_INFO"] == info


def test_the_scope_of_the_server_is_never_changed() -> None:
    given = copy.deepcopy(SCOPE)
    request = WebSocketRequest(given)
    assert request.META["REQUEST_METHOD"] == "GET"
    assert request.scope is not given
    assert given == SCOPE


def test_nothing_is_made_before_the_first_look() -> None:
    request = WebSocketRequest(SCOPE)
    request.resolver_match = None
    assert set(vars(request)) == {"_ws_scope", "_ws_match", "resolver_match"}
    assert request.path == "/room/7/"
    assert {"META", "scope", "method"} < set(vars(request))


def test_what_was_set_before_the_first_look_survives_it() -> None:
    request = WebSocketRequest(SCOPE)
    match = ResolverMatch(print, (), {"room": 7})
    request.resolver_match = match
    user = object()
    vars(request)["user"] = user
    request.path = "/set/by/hand/"
    request.META = {"HTTP_HOST": "localhost"}
    assert request.method == "GET"
    assert request.resolver_match is match
    assert vars(request)["user"] is user
    assert request.path == "/set/by/hand/"
    assert request.META == {"HTTP_HOST": "localhost"}


def test_what_was_set_after_the_first_look_stays() -> None:
    request = WebSocketRequest(SCOPE)
    assert request.path == "/room/7/"
    request.path = "/set/by/hand/"
    with pytest.raises(AttributeError):
        _ = request.nothing_such
    assert request.path == "/set/by/hand/"


@pytest.mark.parametrize("looked", [False, True])
def test_an_unknown_attribute_is_an_attribute_error(looked: bool) -> None:
    request = WebSocketRequest(SCOPE)
    if looked:
        assert request.method == "GET"
    assert not hasattr(request, "session")
    with pytest.raises(AttributeError, match="'WebSocketRequest' object has no attribute 'nothing_such'"):
        _ = request.nothing_such


def test_a_request_that_was_never_initialised_does_not_recurse() -> None:
    request = WebSocketRequest.__new__(WebSocketRequest)
    for name in ("__setstate__", "_ws_scope", "scope", "META", "__deepcopy__x"):
        with pytest.raises(AttributeError):
            getattr(request, name)


@pytest.mark.parametrize("looked", [False, True])
@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda request: pickle.loads(pickle.dumps(request))])
def test_a_copy_reads_the_same(again: Any, looked: bool) -> None:
    request = WebSocketRequest(SCOPE)
    if looked:
        assert request.GET["q"] == "2"
    other = again(request)
    assert type(other) is WebSocketRequest
    assert other is not request
    assert other.GET.getlist("q") == ["café", "2"]
    assert other.COOKIES == request.COOKIES
    assert other.path == "/room/7/"
    assert not hasattr(other, "session")


def test_two_requests_of_one_scope_share_nothing() -> None:
    first, second = WebSocketRequest(SCOPE), WebSocketRequest(SCOPE)
    first.META["X"] = "1"
    assert "X" not in second.META


def test_the_encoding_may_be_set_before_the_first_look() -> None:
    request = WebSocketRequest(SCOPE)
    request.encoding = "latin-1"
    assert request.encoding == "latin-1"
    assert request.GET["q"] == "2"
    assert request.encoding == "latin-1"


def test_a_scope_without_client_and_server_is_enough() -> None:
    request = WebSocketRequest({"type": "websocket", "path": "/", "headers": []})
    assert request.method == "GET"
    assert "REMOTE_ADDR" not in request.META
    assert request.META["SERVER_NAME"] == "unknown"


def test_the_request_knows_what_it_was_resolved_to() -> None:
    match = FakeMatch(object)
    match.resolver_match = resolve("/hello/")
    request = WebSocketRequest(SCOPE, match)
    assert "resolver_match" not in vars(request)
    assert request.resolver_match is match.resolver_match
    assert WebSocketRequest(SCOPE).resolver_match is None


def test_it_names_the_urlconf_that_it_was_resolved_in() -> None:
    match = FakeMatch(None)
    assert not hasattr(WebSocketRequest(SCOPE, match), "urlconf")
    match.urlconf = "shop.sockets"
    assert WebSocketRequest(SCOPE, match).urlconf == "shop.sockets"


@pytest.mark.parametrize("looked_at", [False, True])
def test_it_may_be_resolved_after_it_was_made(looked_at: bool) -> None:
    request = WebSocketRequest(SCOPE)
    assert (request.match, looked_at and request.resolver_match) in {(None, None), (None, False)}
    match = FakeMatch(None)
    match.resolver_match, match.urlconf = resolve("/hello/"), "shop.sockets"
    request.match = match
    assert request.match is match
    assert request.resolver_match is match.resolver_match
    assert request.urlconf == "shop.sockets"


def test_what_a_client_says_of_a_body_that_there_is_not_trips_up_nobody() -> None:
    for length in (b"\0", b"-1", b"99999999999"):
        request = WebSocketRequest({**SCOPE, "headers": [(b"content-length", length)]})
        assert request.body == b""
        assert "Content-Length" not in request.headers
