import asyncio

import pytest
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from django_ws.exceptions import NoRouteError
from django_ws.interfaces import Endpoint
from django_ws.testing.fake_connection import FakeConnection
from django_ws.testing.fakes import (
    FakeCodec,
    FakeEndpoint,
    FakeGuard,
    FakeMatch,
    FakeMiddleware,
    FakeResolver,
)


def test_a_fake_match_holds_what_it_was_given() -> None:
    match = FakeMatch(print, 1, 2, route="a/", b=3)
    assert match.factory is print
    assert match.args == (1, 2)
    assert match.kwargs == {"b": 3}
    assert match.route == "a/"
    assert match.resolver_match is None
    assert FakeMatch(print).route == "fake/"


def test_a_fake_resolver_looks_up_and_notes_what_it_was_asked() -> None:
    whole = FakeMatch(print, route="whole/")
    resolver = FakeResolver({"/a/": print, "/b/": whole})
    match = resolver.resolve("/a/")
    assert (match.factory, match.route) == (print, "/a/")
    assert resolver.resolve("/b/") is whole
    with pytest.raises(NoRouteError, match="/c/"):
        resolver.resolve("/c/")
    assert resolver.asked == ["/a/", "/b/", "/c/"]


async def test_a_fake_endpoint_accepts_and_echoes_until_the_end() -> None:
    connection = FakeConnection(["a", b"b"])
    request = HttpRequest()
    endpoint = FakeEndpoint(request, connection, 1, room=7)
    assert endpoint.request is request
    assert endpoint.args == (1,)
    assert endpoint.kwargs == {"room": 7}
    assert await endpoint.run() is None
    assert connection.sent == ["a", b"b"]
    assert connection.is_answered
    assert endpoint.runs == 1


async def test_a_fake_endpoint_waits_for_a_slow_client() -> None:
    connection = FakeConnection(["a"])
    connection.stall()
    running = asyncio.ensure_future(FakeEndpoint(HttpRequest(), connection).run())
    await asyncio.sleep(0)
    assert connection.sent == []
    connection.resume()
    await running
    assert connection.sent == ["a"]


async def test_fake_middleware_notes_the_way_in_and_out() -> None:
    notes: list[str] = []

    async def innermost(ws: Endpoint, /) -> object:
        notes.append("socket")
        raise ValueError

    chain = FakeMiddleware("a", notes)(FakeMiddleware("b", notes)(innermost))
    with pytest.raises(ValueError, match=r"^$"):
        await chain(FakeEndpoint(HttpRequest(), FakeConnection()))
    assert notes == ["a in", "b in", "socket", "b out", "a out"]


async def test_fake_middleware_has_notes_of_its_own_and_gives_back_what_it_got() -> None:
    async def innermost(ws: Endpoint, /) -> object:
        return 3

    first, second = FakeMiddleware(), FakeMiddleware()
    assert await first(innermost)(FakeEndpoint(HttpRequest(), FakeConnection())) == 3
    assert first.notes == ["fake in", "fake out"]
    assert second.notes == []


def test_a_fake_codec_notes_what_passes_through() -> None:
    codec = FakeCodec()
    assert codec.decode("a") == "a"
    assert codec.decode(b"b") == "b"
    assert codec.encode("c") == "c"
    assert codec.decoded == ["a", b"b"]
    assert codec.encoded == ["c"]


# --- FakeGuard ------------------------------------------------------------------------------------


async def test_a_guard_lets_everybody_in_unless_it_has_an_answer() -> None:
    guard, request = FakeGuard(), HttpRequest()
    assert await guard(request) is None
    assert guard.asked == [request]
    response = HttpResponse(status=401)
    assert await FakeGuard(response)(request) is response
    with pytest.raises(PermissionDenied):
        await FakeGuard(PermissionDenied())(request)
