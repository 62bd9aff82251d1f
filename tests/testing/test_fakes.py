import asyncio

import pytest
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from django_ws.exceptions import ConnectionClosed, LocalProtocolError, NoRouteError
from django_ws.interfaces import Endpoint
from django_ws.testing.fakes import (
    FakeCodec,
    FakeConnection,
    FakeEndpoint,
    FakeGuard,
    FakeMatch,
    FakeMiddleware,
    FakeResolver,
)

# --- FakeConnection ----------------------------------------------------------------------------------


async def test_a_fake_connection_is_accepted_with_what_is_noted() -> None:
    connection = FakeConnection(subprotocols=("a", "b"))
    assert connection.subprotocols == ("a", "b")
    assert not connection.is_open
    assert not connection.is_answered
    await connection.accept("b", [("x", "1")])
    assert connection.accepted == ("b", [("x", "1")])
    assert connection.denied is None
    assert connection.is_answered


async def test_a_fake_connection_is_open_once_it_is_accepted() -> None:
    connection = FakeConnection()
    await connection.accept()
    assert connection.is_open
    assert connection.accepted == (None, [])


async def test_a_fake_connection_is_denied_with_what_is_noted() -> None:
    connection = FakeConnection()
    await connection.deny(401, [("x", "1")], b"who?")
    assert connection.denied == (401, [("x", "1")], b"who?")
    assert connection.is_answered
    assert not connection.is_open
    assert connection.close_code is None
    with pytest.raises(ConnectionClosed, match="1006"):
        connection.send("x")
    with pytest.raises(ConnectionClosed, match="1006"):
        await connection.receive()


@pytest.mark.parametrize("first", ["accept", "deny"])
@pytest.mark.parametrize("second", ["accept", "deny"])
async def test_a_fake_handshake_is_answered_once(first: str, second: str) -> None:
    connection = FakeConnection()
    await getattr(connection, first)()
    with pytest.raises(LocalProtocolError, match=f"cannot {second}: the handshake was answered before"):
        await getattr(connection, second)()


@pytest.mark.parametrize("verb", ["accept", "deny"])
async def test_a_fake_client_that_has_left_cannot_be_answered(verb: str) -> None:
    connection = FakeConnection()
    connection.disconnect(4001, "bye")
    assert connection.is_answered
    with pytest.raises(ConnectionClosed, match=r"4001 \(bye\)"):
        await getattr(connection, verb)()
    assert connection.accepted is None
    assert connection.denied is None


async def test_the_messages_of_a_fake_connection_come_in_order_and_then_the_end() -> None:
    connection = FakeConnection(["a", b"b"], is_open=True, end=4001)
    assert [await connection.receive(), await connection.receive()] == ["a", b"b"]
    for _ in range(2):
        with pytest.raises(ConnectionClosed, match="4001"):
            await connection.receive()
    assert connection.close_code == 4001
    with pytest.raises(ConnectionClosed, match="4001"):
        connection.send("x")


async def test_a_fake_client_that_stays_can_be_fed() -> None:
    connection = FakeConnection(is_open=True, end=None)
    waiting = asyncio.ensure_future(connection.receive())
    await asyncio.sleep(0)
    assert not waiting.done()
    connection.feed("a", "b")
    assert await waiting == "a"
    assert await connection.receive() == "b"


async def test_a_fake_client_that_leaves_ends_a_receive_that_waits() -> None:
    connection = FakeConnection(is_open=True, end=None)
    waiting = asyncio.ensure_future(connection.receive())
    await asyncio.sleep(0)
    connection.disconnect(1001, "going")
    connection.disconnect(1000)
    with pytest.raises(ConnectionClosed, match=r"1001 \(going\)"):
        await waiting
    assert connection.close_reason == "going"


async def test_a_fake_connection_that_is_not_accepted_carries_no_messages() -> None:
    connection = FakeConnection(["a"])
    with pytest.raises(LocalProtocolError):
        await connection.receive()
    with pytest.raises(LocalProtocolError):
        connection.send("x")
    await connection.accept()
    assert await connection.receive() == "a"


async def test_what_is_sent_to_a_fake_connection_is_noted() -> None:
    connection = FakeConnection(is_open=True)
    assert connection.send("a") is None
    assert connection.send(b"b") is None
    assert connection.sent == ["a", b"b"]


async def test_a_stalled_fake_client_makes_senders_wait() -> None:
    connection = FakeConnection(is_open=True)
    connection.resume()
    connection.stall()
    rest = connection.send("a")
    assert rest is not None
    waiting = asyncio.ensure_future(rest)
    await asyncio.sleep(0)
    assert connection.sent == []
    connection.resume()
    await waiting
    assert connection.send("b") is None
    assert connection.sent == ["a", "b"]


async def test_a_fake_client_that_leaves_while_it_is_stalled_gets_nothing() -> None:
    connection = FakeConnection(is_open=True)
    connection.stall()
    rest = connection.send("a")
    assert rest is not None
    connection.disconnect(1001)
    connection.resume()
    with pytest.raises(ConnectionClosed, match="1001"):
        await rest
    assert connection.sent == []


async def test_closing_a_fake_connection_is_noted_once() -> None:
    connection = FakeConnection(is_open=True)
    await connection.close(4001, "enough")
    await connection.close(4002, "again")
    await connection.close(1006)
    assert (connection.close_code, connection.close_reason) == (4001, "enough")
    assert not connection.is_open
    assert connection.denied is None
    with pytest.raises(ConnectionClosed, match="4001"):
        await connection.receive()


async def test_closing_a_fake_handshake_denies_it() -> None:
    connection = FakeConnection()
    await connection.close(4001, "no")
    assert connection.denied == (403, [], b"")
    assert connection.is_answered
    assert (connection.close_code, connection.close_reason) == (4001, "no")
    with pytest.raises(ConnectionClosed, match="4001"):
        await connection.receive()


@pytest.mark.parametrize("is_open", [False, True])
async def test_a_fake_connection_refuses_the_codes_that_a_real_one_refuses(is_open: bool) -> None:
    connection = FakeConnection(is_open=is_open)
    with pytest.raises(ValueError, match=r"^1006 may not stand in a close frame$"):
        await connection.close(1006)
    assert connection.close_code is None
    assert connection.is_open is is_open


async def test_a_fake_connection_cuts_a_reason_as_a_real_one_does() -> None:
    connection = FakeConnection(is_open=True)
    await connection.close(1011, "é" * 100)
    assert connection.close_reason == "é" * 61


# --- the other fakes ---------------------------------------------------------------------------------


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
