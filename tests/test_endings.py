"""endings.py"""

import asyncio
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.test import override_settings
from typing_extensions import override

from django_ws import WebSocketHandler
from django_ws.exceptions import ConnectionClosed
from django_ws.interfaces import Endpoint, Next
from django_ws.refusals import Limit, refusals
from django_ws.signals import websocket_denied
from django_ws.testing import FakeMiddleware, Peer, websocket_scope
from handler.support import messages
from serving import Bare, Echo, Reading, Refusing, denied, denying, failing, serving, silent

# --- denials --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "status", "body", "line"),
    [
        (PermissionDenied(), 403, b"Forbidden\n", "Forbidden: '/' (route '/')"),
        (PermissionDenied("no member"), 403, b"Forbidden\n", "Forbidden: '/' (route '/'): no member"),
        (Http404("no room"), 404, b"Not Found\n", "Not Found: '/' (route '/')"),
        (SuspiciousOperation("odd"), 400, b"Bad Request\n", "Bad Request: '/' (route '/')"),
        (ConnectionClosed(4000), 500, b"Internal Server Error\n", "Websocket fault: '/' (route '/')"),
        (ValueError("secret"), 500, b"Internal Server Error\n", "Websocket fault: '/' (route '/')"),
        (asyncio.CancelledError(), 500, b"Internal Server Error\n", "Websocket fault: '/' (route '/')"),
    ],
)
async def test_what_on_connect_raises_becomes_a_status_and_one_line(
    error: BaseException, status: int, body: bytes, line: str, caplog: pytest.LogCaptureFixture
) -> None:
    peer = await denied(serving(denying(error)))
    assert (peer.denied_status, peer.denied_body) == (status, body)
    assert messages(caplog) == [line]
    assert bool(caplog.records[0].exc_info) is (status == 500)


async def test_where_the_server_has_no_denial_response_it_is_a_plain_403() -> None:
    peer = await denied(serving(denying(Http404())), websocket_scope(denial_response=False))
    assert [event["type"] for event in peer.events] == ["websocket.close"]


async def test_an_unknown_path_is_404_without_a_traceback(caplog: pytest.LogCaptureFixture) -> None:
    peer = await denied(serving(Echo), websocket_scope("/wp-admin\n"))
    assert peer.denied_status == 404
    assert messages(caplog) == [r"Not Found: '/wp-admin\n'"]
    assert caplog.records[0].exc_info is None


async def test_no_query_string_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    await denied(serving(Echo), websocket_scope("/x", query="token=secret"))
    assert "secret" not in caplog.text


@pytest.mark.parametrize(
    ("headers", "query", "status", "reason"),
    [
        ([("host", "evil.example")], b"", 400, "in ALLOWED_HOSTS"),
        ([("origin", "https://evil.example")], b"", 403, "its Origin is another site"),
        ([], b"\xff", 400, "its query string is not UTF-8"),
    ],
)
async def test_a_handshake_from_elsewhere_is_refused_before_any_code_of_the_user(
    headers: list[tuple[str, str]], query: bytes, status: int, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    notes: list[str] = []
    application = serving(Echo, FakeMiddleware("any", notes))
    peer = await denied(application, websocket_scope(headers=headers, query_string=query))
    assert peer.denied_status == status
    assert notes == []
    (line,) = messages(caplog)
    assert reason in line


async def test_an_origin_of_our_own_is_let_in() -> None:
    async with Peer(serving(Echo), websocket_scope(headers=[("origin", "http://localhost")])) as peer:
        assert await peer.connect()


async def test_a_middleware_may_answer_with_a_response() -> None:
    peer = await denied(serving(Echo, Refusing))
    assert (peer.denied_status, peer.denied_body) == (401, b"not you")


async def test_a_middleware_that_returns_without_awaiting_next_forbids(caplog: pytest.LogCaptureFixture) -> None:
    peer = await denied(serving(Echo, silent))
    assert peer.denied_status == 403
    assert messages(caplog) == ["Forbidden: '/' (route '/'): a middleware returned without awaiting next"]


@pytest.mark.parametrize("answer", [HttpResponse(), PermissionDenied()])
async def test_a_client_that_left_before_its_denial_is_no_fault(
    answer: HttpResponseBase | Exception, caplog: pytest.LogCaptureFixture
) -> None:
    class Leaving(WebSocketHandler):
        @override
        async def on_connect(self) -> HttpResponseBase | None:
            peer.vanish()
            if isinstance(answer, Exception):
                raise answer
            return answer

    peer = Peer(serving(Leaving))
    peer.ask()
    await peer.start()
    assert peer.events == []
    assert "Traceback" not in caplog.text


async def test_what_a_middleware_returns_never_reaches_the_server() -> None:
    def talkative(next_: Next) -> Callable[[Endpoint], Any]:
        async def middleware(ws: Endpoint) -> object:
            await next_(ws)
            return HttpResponse("too late")

        return middleware

    async with Peer(serving(Echo, talkative)) as peer:
        assert await peer.connect()


# --- faults after the handshake -------------------------------------------------------------------


async def test_a_fault_is_closed_with_1011_and_logged_once_with_its_route(caplog: pytest.LogCaptureFixture) -> None:
    async with Peer(serving(failing(ValueError("detail")))) as peer:
        assert await peer.connect()
        assert await peer.wait_closed() == 1011
        assert peer.close_reason == ""
    (record,) = caplog.records
    assert record.name == "django_ws"
    assert record.getMessage() == "Websocket fault: '/' (route '/')"
    assert record.exc_info is not None


async def test_a_permission_denied_is_closed_with_1008_and_no_traceback(caplog: pytest.LogCaptureFixture) -> None:
    async with Peer(serving(failing(PermissionDenied()))) as peer:
        assert await peer.connect()
        assert await peer.wait_closed() == 1008
    assert messages(caplog) == ["Closed with 1008: '/' (route '/'): PermissionDenied"]
    assert caplog.records[0].exc_info is None


async def test_a_foreign_end_is_a_fault_here(caplog: pytest.LogCaptureFixture) -> None:
    async with Peer(serving(failing(ConnectionClosed(4000)))) as peer:
        assert await peer.connect()
        assert await peer.wait_closed() == 1011
    assert len(messages(caplog)) == 1


async def test_an_endpoint_that_leaves_its_connection_open_is_closed_with_1000() -> None:
    async with Peer(serving(Bare)) as peer:
        assert await peer.connect()
        assert await peer.wait_closed() == 1000


async def test_the_end_of_the_connection_is_no_fault_of_an_endpoint(caplog: pytest.LogCaptureFixture) -> None:
    async with Peer(serving(Reading)) as peer:
        assert await peer.connect()
    assert messages(caplog) == []


async def test_the_clients_end_before_the_answer_is_no_fault(caplog: pytest.LogCaptureFixture) -> None:
    peer = Peer(serving(Reading))
    peer.disconnect()
    await peer.start()
    assert peer.events == []
    assert messages(caplog) == []


# --- for operators --------------------------------------------------------------------------------


@pytest.fixture
def told() -> Iterator[list[dict[str, Any]]]:
    """Give what the signal of a denial tells."""
    heard: list[dict[str, Any]] = []

    async def listen(**values: Any) -> None:
        heard.append(values)

    websocket_denied.connect(listen)
    yield heard
    websocket_denied.disconnect(listen)


ELSEWHERE = websocket_scope(headers=[("origin", "https://evil.example")])


@pytest.mark.parametrize(
    ("target", "middleware", "scope", "status", "reason"),
    [
        (denying(PermissionDenied("no member")), (), None, 403, "no member"),
        (denying(ValueError("secret")), (), None, 500, "Internal Server Error"),
        (denying(HttpResponse(status=418)), (), None, 418, "I'm a Teapot"),
        (Echo, (Refusing,), None, 401, "Unauthorized"),
        (Echo, (silent,), None, 403, "a middleware returned without awaiting next"),
    ],
)
async def test_a_signal_tells_of_each_denial(
    target: Any, middleware: Any, scope: Any, status: int, reason: str, told: list[dict[str, Any]]
) -> None:
    await denied(serving(target, *middleware), scope)
    (heard,) = told
    assert heard["signal"] is websocket_denied
    assert heard["sender"] is target
    assert heard["request"].path == "/"
    assert (heard["status"], heard["reason"]) == (status, reason)


async def test_the_signal_of_a_denial_without_a_route_has_no_sender(told: list[dict[str, Any]]) -> None:
    await denied(serving(Echo), websocket_scope("/nowhere/"))
    await denied(serving(Echo), ELSEWHERE)
    nowhere, elsewhere = told
    assert (nowhere["sender"], nowhere["status"], nowhere["request"].path) == (None, 404, "/nowhere/")
    assert (elsewhere["sender"], elsewhere["status"], elsewhere["request"]) == (None, 403, None)
    assert elsewhere["reason"].startswith("its Origin is another site")


@override_settings(WS_DENIAL="close")
async def test_a_denial_by_a_close_code_is_told_as_the_status_that_it_is(told: list[dict[str, Any]]) -> None:
    async with Peer(serving(denying(PermissionDenied()))) as peer:
        assert await peer.connect()
    assert [heard["status"] for heard in told] == [403]


async def test_a_receiver_that_raises_disturbs_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def raising(**_: Any) -> None:
        raise ValueError("a receiver's own")

    monkeypatch.setattr(websocket_denied, "receivers", [])
    websocket_denied.connect(raising)
    assert (await denied(serving(Echo), websocket_scope("/nowhere/"))).denied_status == 404
    assert [record.name for record in caplog.records] == ["django_ws", "django.dispatch"]


async def test_nobody_is_told_of_a_denial_that_did_not_go_out(told: list[dict[str, Any]]) -> None:
    class Leaving(WebSocketHandler):
        @override
        async def on_connect(self) -> HttpResponseBase | None:
            peer.vanish()
            raise PermissionDenied

    peer = Peer(serving(Leaving))
    peer.ask()
    await peer.start()
    assert told == []


def fields_of(record: logging.LogRecord) -> dict[str, object]:
    return {name: getattr(record, name) for name in ("route", "handler", "code", "status", "duration", "user_id")}


@pytest.mark.parametrize("error", [PermissionDenied(), ValueError("secret")])
async def test_a_denial_is_logged_with_its_fields(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    class Somebody:
        pk = 7

    def knowing(next_: Next) -> Any:
        async def middleware(ws: Endpoint) -> object:
            vars(ws.request)["user"] = Somebody()
            return await next_(ws)

        return middleware

    await denied(serving(denying(error), knowing))
    (record,) = caplog.records
    assert record.name == "django_ws"
    assert fields_of(record) == {
        "route": "/",
        "handler": "denying.<locals>.Denying",
        "code": None,
        "status": 403 if isinstance(error, PermissionDenied) else 500,
        "duration": None,
        "user_id": 7,
    }


@pytest.mark.parametrize(("error", "code"), [(PermissionDenied(), 1008), (ValueError("secret"), 1011)])
async def test_a_fault_is_logged_with_its_fields(error: Exception, code: int, caplog: pytest.LogCaptureFixture) -> None:
    async with Peer(serving(failing(error))) as peer:
        assert await peer.connect()
    (record,) = caplog.records
    fields = fields_of(record)
    assert (fields["route"], fields["handler"], fields["code"]) == ("/", "failing.<locals>.Failing", code)


async def test_the_access_log_has_a_line_for_each_denial(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "django_ws.access")
    await denied(serving(Echo, Refusing))
    await denied(serving(Echo), ELSEWHERE)
    lines = [record for record in caplog.records if record.name == "django_ws.access"]
    assert [record.levelname for record in lines] == ["INFO", "INFO"]
    own, foreign = [record.getMessage() for record in lines]
    assert own == "denied '/' (route '/') with 401: Unauthorized"
    assert foreign.startswith("denied '/' with 403: its Origin is another site")
    assert [fields_of(record)["status"] for record in lines] == [401, 403]


# --- limits ---------------------------------------------------------------------------------------


@override_settings(WS_MAX_CONNECTIONS_PER_ADDRESS=1)
async def test_too_many_connections_are_429_counted_and_logged_once_a_minute(
    caplog: pytest.LogCaptureFixture, told: list[dict[str, Any]]
) -> None:
    scope = websocket_scope(client=("203.0.113.5", 1))
    application = serving(Echo)
    async with Peer(application, scope) as first:
        assert await first.connect()
        for _ in range(3):
            peer = await denied(application, scope)
            assert (peer.denied_status, peer.denied_body) == (429, b"Too Many Requests\n")
            assert dict(peer.denied_headers)[b"retry-after"] == b"5"
    assert messages(caplog) == [
        "Too Many Requests: '/': 203.0.113.5 has 1 open connections, as many as WS_MAX_CONNECTIONS_PER_ADDRESS allows"
    ]
    assert refusals() == {Limit.CONNECTIONS_PER_ADDRESS: 3}
    assert [heard["status"] for heard in told] == [429, 429, 429]


@override_settings(WS_MAX_CONNECTIONS_PER_ADDRESS=1, WS_DENIAL="close")
async def test_an_address_that_has_enough_is_never_let_in_to_be_told() -> None:
    scope = websocket_scope(client=("203.0.113.5", 1))
    application = serving(Echo)
    async with Peer(application, scope) as first:
        assert await first.connect()
        assert (await denied(application, scope)).denied_status == 429


@override_settings(WS_MAX_CONNECTIONS_PER_USER=1, WS_DENIAL="close")
async def test_a_user_who_has_enough_may_be_told() -> None:
    class Somebody:
        pk = 7

    def knowing(next_: Next) -> Any:
        async def middleware(ws: Endpoint) -> object:
            vars(ws.request)["user"] = Somebody()
            return await next_(ws)

        return middleware

    application = serving(Echo, knowing)
    async with Peer(application) as first:
        assert await first.connect()
        async with Peer(application) as second:
            assert await second.connect()
            assert await second.wait_closed() == 4429


@override_settings(WS_HANDSHAKE_TIMEOUT=0.01)
async def test_a_handshake_that_takes_too_long_is_503_and_one_line(
    caplog: pytest.LogCaptureFixture, told: list[dict[str, Any]]
) -> None:
    class Slow(WebSocketHandler):
        @override
        async def on_connect(self) -> HttpResponseBase | None:
            await asyncio.Event().wait()
            return None

    peer = await denied(serving(Slow))
    assert (peer.denied_status, peer.denied_body) == (503, b"Service Unavailable\n")
    why = "the handshake took longer than WS_HANDSHAKE_TIMEOUT"
    assert messages(caplog) == [f"Service Unavailable: '/' (route '/'): {why}"]
    assert refusals() == {Limit.HANDSHAKE_TIME: 1}
    assert [(heard["status"], heard["reason"]) for heard in told] == [(503, why)]


@override_settings(WS_HANDSHAKE_TIMEOUT=0.01, WS_DENIAL="close")
async def test_who_waited_too_long_may_be_told() -> None:
    class Slow(WebSocketHandler):
        @override
        async def on_connect(self) -> HttpResponseBase | None:
            await asyncio.Event().wait()
            return None

    async with Peer(serving(Slow)) as peer:
        assert await peer.connect()
        assert await peer.wait_closed() == 4503


@override_settings(WS_HANDSHAKE_TIMEOUT=0.01)
async def test_a_slow_middleware_is_named_by_the_route_too(caplog: pytest.LogCaptureFixture) -> None:
    def slow(next_: Next) -> Any:
        async def middleware(ws: Endpoint) -> object:
            await asyncio.Event().wait()
            return await next_(ws)

        return middleware

    assert (await denied(serving(Echo, slow))).denied_status == 503
    assert "(route '/')" in messages(caplog)[0]
