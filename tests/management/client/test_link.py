"""management/client/link.py: how a connection begins, how it ends, and what is said where it does not begin."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from http import HTTPStatus

import pytest
from django.core.management import CommandError
from django.test import override_settings
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from django_ws.management.client.address import read_address
from django_ws.management.client.link import Ended, Link, advice, open_link
from management.client.serving import address_of, echo, linked, server


async def collected(link: Link) -> list[str | bytes]:
    return [message async for message in link.messages()]


# --- a connection -----------------------------------------------------------------------------------


async def test_messages_go_both_ways_and_it_ends_as_it_was_asked_to() -> None:
    async with linked(echo) as link:
        messages = link.messages()
        await link.send("hello")
        assert await anext(messages) == "hello"
        await link.send(b"\x00")
        assert await anext(messages) == b"\x00"
        await link.close(4000, "bye")
        # A second one changes nothing.
        await link.close(1000)
        assert [message async for message in messages] == []
        assert link.ended() == Ended(code=4000, reason="bye", by_us=True, as_asked=True)
        assert str(link.ended()) == "Closed with 4000, a code of the application's own: bye"
        # Nobody is there any more, which the end of the messages has told.
        await link.send("too late")


@pytest.mark.parametrize(("code", "as_asked"), [(1000, True), (1001, True), (1011, False), (4000, False)])
async def test_the_servers_end_is_told(code: int, as_asked: bool) -> None:
    async def closing(ws: ServerConnection) -> None:
        await ws.close(code, "why")

    async with linked(closing) as link:
        assert await collected(link) == []
        assert link.ended() == Ended(code=code, reason="why", by_us=False, as_asked=as_asked)
        assert str(link.ended()).startswith(f"Closed by the server with {code}")


async def test_a_lost_connection_is_told() -> None:
    async def lost(ws: ServerConnection) -> None:
        ws.transport.abort()

    async with linked(lost) as link:
        assert await collected(link) == []
        ended = link.ended()
        assert (ended.code, ended.by_us, ended.as_asked) == (1006, False, False)
        assert str(ended) == "Closed with 1006 ABNORMAL_CLOSURE, the connection was lost without a close frame"


async def test_that_our_side_found_a_fault_is_told() -> None:
    async def bad(ws: ServerConnection) -> None:
        # A text frame that is no UTF-8.
        ws.transport.write(b"\x81\x01\xff")
        await ws.wait_closed()

    async with linked(bad) as link:
        assert await collected(link) == []
        ended = link.ended()
        assert (ended.code, ended.by_us, ended.as_asked) == (1007, True, False)


async def test_a_ping_is_answered() -> None:
    async with linked(echo) as link:
        assert (await link.ping(b"")).startswith("pong after ")
        assert (await link.ping(b"hello")).endswith(" ms")
        await link.close(1000)
        assert await link.ping(b"") == "no pong: the connection ended before it"


async def test_a_ping_that_is_awaited_is_not_sent_again() -> None:
    async with linked(echo) as link:
        link._connection.transport.pause_reading()
        first = asyncio.create_task(link.ping(b"same"))
        while not link._connection.pending_pings:
            await asyncio.sleep(0)
        assert await link.ping(b"same") == "the pong of a ping with that text is still awaited"
        link._connection.transport.resume_reading()
        assert (await first).startswith("pong")
        await link.close(1000)


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ("hello", 'The last message is no JSON; a text as JSON stands in quotes: "hello"'),
        ('{"a": 1}', ""),
        (b"\x00", ""),
    ],
)
async def test_who_sends_no_json_is_told_what_is(sent: str | bytes, told: str) -> None:
    async def strict(ws: ServerConnection) -> None:
        await ws.recv()
        await ws.close(1007)

    async with linked(strict) as link:
        await link.send(sent)
        await collected(link)
        assert link.ended().advice == told
        assert str(link.ended()).endswith(told)


async def test_a_denial_by_a_close_code_gets_advice_too() -> None:
    async def denying(ws: ServerConnection) -> None:
        await ws.close(4404, "Not Found")

    async with linked(denying, "/ecko/") as link:
        await collected(link)
        assert link.ended().advice == "This project has no route for /ecko/. Near to it are:\n  /echo/"


async def test_it_can_be_left_at_once() -> None:
    gone = asyncio.Event()

    async def reading(ws: ServerConnection) -> None:
        await ws.wait_closed()
        gone.set()

    async with linked(reading) as link:
        link.leave()
        await gone.wait()
        assert await collected(link) == []
        assert link.ended().code == 1006
        link.leave()


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[object]]


@contextlib.asynccontextmanager
async def no_websockets(talk: Talk) -> AsyncIterator[str]:
    """Serve one connection to somebody who expects something else, and wait for its end."""
    ended = asyncio.Event()

    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            await talk(reader, writer)
            writer.close()
            await writer.wait_closed()
        ended.set()

    async with await asyncio.start_server(serve_one, "127.0.0.1", 0) as serving:
        yield f"127.0.0.1:{serving.sockets[0].getsockname()[1]}"
        await ended.wait()


# --- the handshake ----------------------------------------------------------------------------------


async def failing(where: str, path: str = "/", **more: object) -> str:
    with pytest.raises(CommandError) as raised:
        await open_link(address_of(where, path), **more)  # type: ignore[arg-type] # of each its own
    return str(raised.value)


async def test_what_goes_with_the_handshake_and_what_comes_of_it() -> None:
    seen: list[Request] = []

    async def note(ws: ServerConnection) -> None:
        assert ws.request is not None
        seen.append(ws.request)

    offered = [Subprotocol("a.v2"), Subprotocol("a.v1")]
    async with serve(note, "127.0.0.1", 0, subprotocols=[Subprotocol("a.v1")]) as serving:
        port = serving.sockets[0].getsockname()[1]
        address = read_address("/ws/?a=1", server=str(port), headers=["X-One: 1", "Host: tenant.example"])
        link = await open_link(address, subprotocols=offered, user="alice")
        assert link.greeting == "Connected to ws://tenant.example/ws/?a=1 as alice, subprotocol a.v1"
        await collected(link)
    (request,) = seen
    assert request.path == "/ws/?a=1"
    assert request.headers.get_all("Host") == ["tenant.example"]
    assert request.headers["Origin"] == "http://tenant.example"
    assert request.headers["X-One"] == "1"
    assert request.headers["Sec-WebSocket-Protocol"] == "a.v2, a.v1"


async def test_without_anything_the_greeting_is_short() -> None:
    async with server(echo) as where:
        link = await open_link(address_of(where))
        assert link.greeting == f"Connected to ws://{where}/"
        await link.close(1000)


def respond(status: HTTPStatus, body: str = "", **headers: str):  # type: ignore[no-untyped-def] # noqa: ANN201
    def answer(ws: ServerConnection, request: Request) -> Response:
        response = ws.respond(status, body)
        for name, value in headers.items():
            if name.replace("_", "-") in response.headers:
                del response.headers[name.replace("_", "-")]
            response.headers[name.replace("_", "-")] = value
        return response

    return answer


async def test_a_denial_is_shown_whole() -> None:
    async with server(echo, respond(HTTPStatus.SERVICE_UNAVAILABLE, "out of\x1b[2J\nluck\n", Retry_After="5")) as where:
        head, *lines = (await failing(where)).splitlines()
    assert head == "The handshake was denied: 503 Service Unavailable"
    assert "  Retry-After: 5" in lines
    assert lines[-3:] == ["", r"  out of\x1b[2J", "  luck"]


async def test_a_redirect_is_shown_and_not_followed() -> None:
    async with server(echo, respond(HTTPStatus.FOUND, Location="/login/?next=/")) as where:
        told = await failing(where)
    assert told.startswith("The handshake was denied: 302 Found\n")
    assert "\n  Location: /login/?next=/\n" in told
    assert told.endswith("Nobody is logged in; --user NAME comes in as a user of this project.")


@pytest.mark.parametrize(
    ("html", "told"),
    [
        ("<html><title>\n Oh <b>no</b></title>", "an HTML page of 35 characters: Oh no"),
        ("<p>", "3 characters: without"),
    ],
)
async def test_of_a_page_the_title_is_shown(html: str, told: str) -> None:
    async with server(echo, respond(HTTPStatus.BAD_REQUEST, html, Content_Type="text/html; charset=utf-8")) as where:
        assert told in await failing(where)


async def test_of_a_long_body_the_beginning_is_shown() -> None:
    async with server(echo, respond(HTTPStatus.BAD_REQUEST, "x" * 3000)) as where:
        assert "x" * 2000 + "\n  (1000 more characters)" in await failing(where)


async def test_a_server_that_is_not_there_is_told() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        told = await failing(str(port))
    assert told.startswith(f"Nothing serves at 127.0.0.1:{port} (")
    assert "python manage.py runserver" in told


async def test_a_server_that_does_not_answer_is_left_alone() -> None:
    async with no_websockets(lambda reader, writer: reader.read()) as where:
        told = await failing(where, seconds=0.05)
    assert told.endswith("did not answer the handshake within 0.05 seconds; see --timeout")


async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 mail.example\r\n")
    await reader.read(1)


async def test_a_server_that_speaks_something_else_is_told() -> None:
    async with no_websockets(greet) as where:
        told = await failing(where)
    assert "The handshake with ws://127.0.0.1" in told
    assert "220 mail.example" in told


async def test_a_failure_of_tls_is_told() -> None:
    async with no_websockets(greet) as where:
        told = await failing(f"wss://{where}")
    assert told.startswith("TLS with 127.0.0.1:")
    assert told.endswith("; see --insecure")


@pytest.mark.parametrize("insecure", [False, True])
async def test_a_server_without_tls_is_told(insecure: bool) -> None:
    async with no_websockets(lambda reader, writer: reader.read(1)) as where:
        told = await failing(f"wss://{where}", insecure=insecure)
    assert told == f"{where} ended the connection in the handshake; does it speak TLS, as wss:// says?"


@pytest.mark.parametrize("insecure", [False, True])
async def test_a_certificate_is_verified_unless_that_is_not_wanted(
    insecure: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[ssl.SSLContext] = []
    real = ssl.create_default_context

    def note() -> ssl.SSLContext:
        made.append(real())
        return made[-1]

    monkeypatch.setattr(ssl, "create_default_context", note)
    await failing("wss://127.0.0.1:1", insecure=insecure)
    (context,) = made
    assert context.check_hostname is not insecure
    assert context.verify_mode is (ssl.CERT_NONE if insecure else ssl.CERT_REQUIRED)


async def test_the_way_to_another_machine_is_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "nonsense")
    monkeypatch.setenv("https_proxy", "nonsense")
    monkeypatch.setenv("all_proxy", "nonsense://")
    monkeypatch.delenv("no_proxy", raising=False)
    told = await failing("ws://sockets.invalid")
    assert told.startswith("The handshake with ws://sockets.invalid/ failed: ")
    assert "nonsense" in told


# --- advice -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "path", "user", "told"),
    [
        (401, "/echo/", None, "Nobody is logged in; --user NAME comes in as a user of this project."),
        (403, "/echo/", "alice", ""),
        (500, "/echo/", None, ""),
        (404, "/echo/", None, "a route for it, echo/, so testproject.ws_urls.Echo or a middleware denied it."),
        (404, "/eco/", None, "This project has no route for /eco/. Near to it are:\n  /echo/"),
    ],
)
def test_what_may_be_done_is_told(status: int, path: str, user: str | None, told: str) -> None:
    text = advice(status, read_address(path), user)
    assert text.endswith(told)
    assert bool(text) is bool(told)


@pytest.mark.parametrize("user", [None, "alice"])
def test_another_origin_may_be_the_reason(user: str | None) -> None:
    address = read_address("/echo/", origin="https://evil.example")
    assert advice(403, address, user).endswith(
        "Or the origin https://evil.example may not come in: see WS_ALLOWED_ORIGINS."
    )


@override_settings(ROOT_WS_URLCONF="nowhere.ws_urls")
def test_a_project_without_routes_is_told() -> None:
    assert advice(404, read_address("/ws/"), None).startswith("This project has no route like /ws/; manage.py ws_urls")
