"""logs.py"""

import ast
import asyncio
import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest, HttpResponse
from django.urls import ResolverMatch
from django.utils.functional import SimpleLazyObject
from pythonjsonlogger.json import JsonFormatter
from typing_extensions import override

import django_ws
from django_ws import Overflow, WebSocket, WebSocketHandler, get_websocket_application
from django_ws.handler import ending
from django_ws.interfaces import Endpoint, Next
from django_ws.logs import fields
from django_ws.routing import DjangoMatch, WebSocketRequest
from django_ws.testing import FakeConnection, FakeResolver, Peer, websocket_scope
from handler.support import Noted, make, turns, until

NAMES = {"route", "handler", "code", "status", "duration", "user_id"}
SECRETS = ("secret-payload", "secret-query", "secret-cookie", "secret-header", "secret-reason")


@pytest.fixture(autouse=True)
def everything(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level(logging.DEBUG, "django_ws"):
        yield


def records(caplog: pytest.LogCaptureFixture, name: str = "django_ws") -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.name == name]


# --- fields ---------------------------------------------------------------------------------------


def test_what_is_not_known_is_none() -> None:
    assert fields(None, None) == dict.fromkeys(NAMES)
    assert fields(HttpRequest(), None) == dict.fromkeys(NAMES)


def test_what_is_known_is_there() -> None:
    request = HttpRequest()
    request.user = User(pk=7)
    request.resolver_match = ResolverMatch(make, (), {}, route="room/<int:room_id>/")
    assert fields(request, "Room", code=1000, status=403, duration=1.5) == {
        "route": "room/<int:room_id>/",
        "handler": "Room",
        "code": 1000,
        "status": 403,
        "duration": 1.5,
        "user_id": 7,
    }


def test_nobody_is_looked_up_for_a_line() -> None:
    def look() -> Any:
        raise AssertionError("a query")

    request = HttpRequest()
    vars(request)["user"] = SimpleLazyObject(look)
    assert fields(request, None)["user_id"] is None


# --- every line of a socket -----------------------------------------------------------------------


def request_of_alice() -> WebSocketRequest:
    match = DjangoMatch(ResolverMatch(make, (), {}, route="room/"), "testproject.ws_urls")
    request = WebSocketRequest(websocket_scope("/room/", query="token=secret-query"), match)
    vars(request)["user"] = User(pk=7)
    return request


async def fails(*_: object) -> None:
    raise ZeroDivisionError


class Everything(WebSocketHandler[str, str]):
    """Does all of which there is something to say."""

    cleanup_timeout = 0.01
    disconnect_grace = 0
    max_message_size = 64
    idle_timeout = 60
    outbox_messages = 1
    overflow = Overflow.DROP_NEWEST

    @override
    async def on_message(self, data: str, /) -> None:
        match data.split(maxsplit=1)[0]:
            case "task":
                await asyncio.wait([self.start_task("task", fails)])
                await turns()
            case "stubborn":
                _ = self.start_task("stubborn", stubborn)
                await turns()
            case "overflow":
                for _ in range(3):
                    _ = self.send("secret-payload")
            case "slow":
                await asyncio.Event().wait()
            case "stray":
                raise asyncio.CancelledError
            case "fine":
                pass
            case _:
                raise ZeroDivisionError

    @override
    async def on_task_error(self, error: Exception) -> None:
        raise error

    @override
    async def on_invalid(self, error: Exception, message: object) -> None: ...

    @override
    async def on_error(self, error: Exception) -> None:
        raise error

    @override
    async def on_close(self) -> None:
        await asyncio.Event().wait()


async def stubborn() -> None:
    for _ in range(2):
        try:
            await asyncio.sleep(0.05)
        except asyncio.CancelledError:
            await asyncio.sleep(0.05)


class Throttled(Everything):
    messages_per_second = 0.001
    messages_burst = 8


class Required(Everything):
    subprotocols = ("v1",)
    subprotocol_required = True


async def live(cls: type[WebSocket[Any, Any]], text: str) -> None:
    connection = FakeConnection(end=None)
    socket: Any = cls(request_of_alice(), connection)
    task = asyncio.create_task(socket.run())
    await turns()
    match text:
        case "idle":
            socket.ws_idle()
        case "binary":
            connection.feed(b"secret-payload")
        case "big":
            connection.feed("secret-payload" * 10)
        case "unread":
            connection.close = never  # type: ignore[method-assign]
            await socket.close()
        case "flood":
            connection.feed(*["fine secret-payload"] * 20)
        case "":
            pass
        case _:
            if text.startswith("overflow"):
                connection.stall()
            connection.feed(text)
    await turns(100)
    connection.resume()
    if text.startswith("slow"):
        socket.ws_tick()
        socket.ws_tick()
    await turns()
    connection.disconnect(4000, "secret-reason")
    await asyncio.wait([task])
    if not task.cancelled():
        task.exception()
    await until(lambda: len(asyncio.all_tasks()) == 1) if text == "" else None
    await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()}, return_exceptions=True)


async def never(code: int = 1000, reason: str = "") -> None:
    await asyncio.Event().wait()


LIVES: list[tuple[type[WebSocket[Any, Any]], str, str]] = [
    (Everything, "task secret-payload", "a background task failed"),
    (Everything, "task secret-payload", "on_task_error failed"),
    (Everything, "stubborn secret-payload", "ignored its cancellation"),
    (Everything, "overflow secret-payload", "the outbox is full"),
    (Everything, "slow secret-payload", "a hook was still running"),
    (Everything, "stray secret-payload", "a hook was cancelled by something"),
    (Everything, "fault secret-payload", "on_error failed"),
    (Everything, "fault secret-payload", "on_close took longer"),
    (Everything, "binary", "a message was refused (1003)"),
    (Everything, "big", "a message was refused (1009)"),
    (Everything, "unread", "took no close frame"),
    (Everything, "idle", "no message came"),
    (Throttled, "flood", "they wait their turn"),
    (Required, "", "denied with 400"),
]


@pytest.mark.parametrize(("cls", "text", "said"), LIVES)
async def test_every_line_of_a_socket_carries_its_fields_and_nothing_of_the_client(
    cls: type[WebSocket[Any, Any]], text: str, said: str, caplog: pytest.LogCaptureFixture, monkeypatch: Any
) -> None:
    monkeypatch.setattr(ending, "_CLOSE_SECONDS", 0.01)
    await live(cls, text)
    assert [record for record in records(caplog) if said in record.getMessage()] != []
    written = write_as_json(caplog.records)
    for record in records(caplog):
        found = vars(record)
        assert found.keys() >= NAMES, record.getMessage()
        assert (found["route"], found["handler"], found["user_id"]) == ("room/", cls.__qualname__, 7)
        assert found["status"] is None
    for secret in SECRETS:
        assert secret not in written
        assert secret not in caplog.text


async def test_the_lines_of_a_slow_server_carry_them_too(caplog: pytest.LogCaptureFixture) -> None:
    connection = FakeConnection(end=None)
    socket = Noted(request_of_alice(), connection)
    task = asyncio.create_task(socket.run())
    await until(lambda: socket.journal)

    async def refuse() -> None:
        await turns()
        raise RuntimeError("the server's own")

    connection.send = lambda data: refuse()  # type: ignore[method-assign]
    for _ in range(2):
        _ = socket.send("secret-payload")
    await until(lambda: len(records(caplog)) == 2)
    connection.disconnect()
    await task
    assert [record.getMessage().split(";")[0] for record in records(caplog)] == ["The server's send failed"] * 2
    for record in records(caplog):
        assert vars(record).keys() >= NAMES
        assert vars(record)["user_id"] == 7


# --- the access log -------------------------------------------------------------------------------


async def test_a_life_is_two_lines_of_the_access_log(caplog: pytest.LogCaptureFixture) -> None:
    socket = Noted(request_of_alice(), FakeConnection(["secret-payload"], end=4001))
    await socket.run()
    opened, closed = records(caplog, "django_ws.access")
    assert [record.levelname for record in (opened, closed)] == ["INFO", "INFO"]
    assert opened.getMessage() == "opened Noted"
    assert closed.getMessage().startswith("closed Noted with 4001 after 0.")
    for record, code in ((opened, None), (closed, 4001)):
        found = vars(record)
        assert (found["route"], found["handler"], found["user_id"]) == ("room/", "Noted", 7)
        assert (found["code"], found["status"]) == (code, None)
        assert found["duration"] >= 0
    assert vars(opened)["duration"] <= vars(closed)["duration"]


async def test_a_denial_is_one_line_of_it(caplog: pytest.LogCaptureFixture) -> None:
    class Closed(Noted):
        @override
        async def on_connect(self) -> HttpResponse:
            return HttpResponse(status=402)

    await serve(Closed)
    (record,) = records(caplog, "django_ws.access")
    assert record.levelname == "INFO"
    assert (vars(record)["status"], vars(record)["code"], vars(record)["handler"]) == (402, None, Closed.__qualname__)


async def test_below_its_level_it_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "django_ws.access"):
        await serve(Noted)
        await serve(object())
    assert records(caplog, "django_ws.access") == []


async def no_http(scope: Any, receive: Any, send: Any, /) -> None:
    raise AssertionError


def log_in_lazily(next_: Next) -> Any:
    async def middleware(ws: Endpoint) -> object:
        def look() -> Any:
            raise AssertionError("a query for a log line")

        vars(ws.request)["user"] = SimpleLazyObject(look)
        return await next_(ws)

    return middleware


async def serve(target: object, *texts: str) -> Peer:
    scope = websocket_scope(
        "/room/",
        query="token=secret-query",
        headers=[("cookie", "sessionid=secret-cookie"), ("authorization", "Bearer secret-header")],
    )
    application = get_websocket_application(
        no_http, resolver=FakeResolver({"/room/": target}), middleware=[log_in_lazily]
    )
    async with Peer(application, scope) as peer:
        if await peer.connect():
            for text in texts:
                peer.text(text)
            await turns(50)
            peer.disconnect(4000, "secret-reason")
    return peer


# --- a logger of JSON -----------------------------------------------------------------------------


def write_as_json(written: list[logging.LogRecord]) -> str:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter("%(levelname)s %(name)s %(message)s"))
    for record in written:
        handler.handle(record)
    return stream.getvalue()


async def test_a_json_logger_writes_the_fields_and_no_secret_of_the_client(caplog: pytest.LogCaptureFixture) -> None:
    class Faulty(Noted):
        max_message_size = 20

        @override
        async def on_message(self, data: str, /) -> None:
            if data == "secret-payload":
                raise ZeroDivisionError

        @override
        async def on_invalid(self, error: Exception, message: object) -> None: ...

    await serve(Faulty, "secret-payload" * 2, "secret-payload")
    await serve(object())
    lines = [
        json.loads(line) for line in write_as_json(records(caplog) + records(caplog, "django_ws.access")).splitlines()
    ]
    assert {line["levelname"] for line in lines} >= {"INFO", "WARNING", "ERROR"}
    for line in lines:
        assert line.keys() >= {*NAMES, "message", "name"}
    (refused,) = [line for line in lines if line.get("limit") == "WS_MAX_MESSAGE_SIZE"]
    assert refused["handler"] == Faulty.__qualname__
    assert any("exc_info" in line for line in lines)
    for secret in SECRETS:
        assert secret not in str(lines)
        assert secret not in caplog.text


async def test_who_is_not_logged_in_has_no_id_in_a_line(caplog: pytest.LogCaptureFixture) -> None:
    request = request_of_alice()
    vars(request)["user"] = AnonymousUser()
    await Noted(request, FakeConnection()).run()
    assert [vars(record)["user_id"] for record in records(caplog, "django_ws.access")] == [None, None]


# --- the source -----------------------------------------------------------------------------------

METHODS = {"debug", "info", "warning", "error", "exception", "critical", "log"}
SOURCES = sorted(Path(django_ws.__file__).parent.rglob("*.py"))


def calls(path: Path) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=method)):
                if name.endswith("logger") and method in METHODS:
                    yield node
            case _:
                pass


def test_no_line_is_logged_without_its_fields() -> None:
    found = [(path, call) for path in SOURCES for call in calls(path)]
    assert len(found) > 10
    # The protocol layer knows no request, and a cache or an engine that does not answer is no matter of one socket.
    exempt = {"protocol", "limits", "topics", "authorization"}
    without = {
        f"{path.name}:{call.lineno}"
        for path, call in found
        if path.parent.name not in exempt and not any(keyword.arg == "extra" for keyword in call.keywords)
    }
    assert without == set()
