"""application.py"""

# Applications are started and left to run, on purpose.
# mypy: disable-error-code=unused-awaitable

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured, PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.template import engines
from django.template.response import TemplateResponse
from django.test import override_settings
from django.urls import get_script_prefix
from typing_extensions import override

from django_ws import WebSocketHandler, get_websocket_application
from django_ws import application as module
from django_ws.application import WebSocketApplication
from django_ws.exceptions import ConnectionClosed
from django_ws.interfaces import Connection, Endpoint, Next
from django_ws.protocol import ASGIConnection
from django_ws.routing import DjangoResolver
from django_ws.testing import FakeMiddleware, FakeResolver, Peer, websocket_scope
from handler.support import Noted, messages, turns, until


async def no_http(scope: Any, receive: Any, send: Any, /) -> None:
    raise AssertionError("no HTTP here")


def serving(target: object, *middleware: Any, path: str = "/") -> WebSocketApplication:
    return get_websocket_application(no_http, resolver=FakeResolver({path: target}), middleware=middleware)


class Echo(WebSocketHandler[str, str]):
    @override
    async def on_message(self, data: str, /) -> None:
        await self.send(data)


def denying(answer: HttpResponseBase | BaseException) -> type[WebSocketHandler]:
    class Denying(WebSocketHandler):
        @override
        async def on_connect(self) -> HttpResponseBase | None:
            if isinstance(answer, BaseException):
                raise answer
            return answer

    return Denying


async def denied(application: WebSocketApplication, scope: Any = None, **kwargs: Any) -> Peer:
    async with Peer(application, scope, **kwargs) as peer:
        assert not await peer.connect()
    return peer


# --- the three kinds of scope ---------------------------------------------------------------------


async def test_a_websocket_is_served_to_its_end() -> None:
    async with Peer(serving(Echo)) as peer:
        assert await peer.connect()
        peer.text("hello")
        assert await peer.receive() == "hello"
    assert [event["type"] for event in peer.events] == ["websocket.accept", "websocket.send"]


async def test_http_passes_through_untouched() -> None:
    seen: list[object] = []

    async def http(scope: Any, receive: Any, send: Any, /) -> None:
        seen.extend((scope, receive, send))

    application = get_websocket_application(http)
    given = ({"type": "http"}, object(), object())
    await application(*given)
    assert all(one is other for one, other in zip(seen, given, strict=True))


async def test_without_an_http_application_it_is_djangos_own() -> None:
    application = get_websocket_application()
    sent: list[dict[str, Any]] = []
    incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    incoming.put_nowait({"type": "http.request", "body": b""})

    async def send(event: dict[str, Any]) -> None:
        sent.append(event)

    scope = {**websocket_scope("/hello/"), "type": "http", "method": "GET", "scheme": "http"}
    await application(scope, incoming.get, send)
    assert sent[0]["status"] == 200
    assert sent[1]["body"] == b"hello"


def test_django_is_set_up_where_nobody_did(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[dict[str, object]] = []
    monkeypatch.setattr("django.apps.apps.ready", False)
    monkeypatch.setattr("django.setup", lambda **kwargs: calls.append(kwargs))
    get_websocket_application(no_http, resolver=FakeResolver({}))
    assert calls == [{"set_prefix": False}]


async def test_every_layer_can_be_given() -> None:
    notes: list[str] = []
    made: list[Connection] = []

    def connect(scope: Any, receive: Any, send: Any, /) -> Connection:
        made.append(ASGIConnection(scope, receive, send))
        return made[-1]

    application = get_websocket_application(
        no_http,
        resolver=FakeResolver({"/x": Echo}),
        middleware=[FakeMiddleware("outer", notes), FakeMiddleware("inner", notes)],
        connection_factory=connect,
    )
    async with Peer(application, websocket_scope("/x")) as peer:
        assert await peer.connect()
    assert notes == ["outer in", "inner in", "inner out", "outer out"]
    assert len(made) == 1


# --- routes and settings --------------------------------------------------------------------------


async def test_the_projects_routes_are_served_by_default() -> None:
    async with Peer(get_websocket_application(no_http), websocket_scope("/echo/")) as peer:
        assert await peer.connect()
        peer.text("hello")
        assert await peer.receive() == "hello"


async def test_the_request_knows_its_route_and_the_prefix_it_is_mounted_under() -> None:
    seen: list[object] = []

    def note(next_: Next) -> Callable[[Endpoint], Any]:
        async def middleware(ws: Endpoint) -> object:
            match = ws.request.resolver_match
            seen.extend((match and match.url_name, get_script_prefix()))
            return await next_(ws)

        return middleware

    application = get_websocket_application(no_http, middleware=[note])
    async with Peer(application, websocket_scope("/app/echo/", root_path="/app")) as peer:
        assert await peer.connect()
    assert seen == ["echo", "/app/"]


class NoSocket: ...


def test_a_route_that_holds_no_socket_is_found_at_the_start_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DjangoResolver, "targets", lambda self: iter([("ws/<int:pk>/", NoSocket)]))
    with pytest.raises(ImproperlyConfigured, match=r"testproject\.ws_urls, route 'ws/<int:pk>/': .*NoSocket"):
        get_websocket_application(no_http)


@override_settings(WS_MIDDLEWARE=["nowhere.Middleware"])
def test_a_middleware_that_cannot_be_imported_is_found_at_the_start_and_named() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"WS_MIDDLEWARE names 'nowhere\.Middleware'"):
        get_websocket_application(no_http)


class Refusing:
    def __init__(self, next_: Next) -> None:
        self.next = next_

    async def __call__(self, ws: Endpoint) -> object:
        return HttpResponse("not you", status=401)


async def test_a_setting_overridden_in_a_test_takes_effect_on_an_application_that_exists() -> None:
    application = get_websocket_application(no_http, resolver=FakeResolver({"/": Echo}))
    with override_settings(WS_MIDDLEWARE=[f"{__name__}.Refusing"]):
        assert (await denied(application)).denied_status == 401
    async with Peer(application) as peer:
        assert await peer.connect()


async def test_a_chain_that_cannot_be_built_fails_every_connection_and_is_not_passed_by(
    caplog: pytest.LogCaptureFixture,
) -> None:
    application = get_websocket_application(no_http, resolver=FakeResolver({"/": Echo}))
    with override_settings(WS_MIDDLEWARE=["nowhere.Middleware"]):
        for _ in range(2):
            assert (await denied(application)).denied_status == 500
    assert len(messages(caplog)) == 2


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


async def test_a_response_denies_as_it_is_cookies_included() -> None:
    response = HttpResponse("pay first", status=402, headers={"X-Price": "5"})
    response.set_cookie("seen", "1", httponly=True)
    peer = await denied(serving(denying(response)))
    assert (peer.denied_status, peer.denied_body) == (402, b"pay first")
    headers = dict(peer.denied_headers)
    assert headers[b"x-price"] == b"5"
    assert headers[b"content-type"] == b"text/html; charset=utf-8"
    assert headers[b"content-length"] == b"9"
    assert headers[b"set-cookie"].startswith(b"seen=1; HttpOnly")


def template_response() -> TemplateResponse:
    template = engines.all()[0].from_string("Hello {{ name }}") if engines.all() else None
    response = TemplateResponse(HttpRequest(), template, {"name": "you"}, status=403)  # type: ignore[arg-type]
    response.add_post_render_callback(lambda rendered: rendered.headers.__setitem__("X-Rendered", "yes"))
    return response


@override_settings(TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}])
async def test_a_template_response_is_rendered_first() -> None:
    peer = await denied(serving(denying(template_response())))
    assert (peer.denied_status, peer.denied_body) == (403, b"Hello you")
    assert dict(peer.denied_headers)[b"x-rendered"] == b"yes"
    rendered = template_response().render()
    assert (await denied(serving(denying(rendered)))).denied_body == b"Hello you"


def parts() -> Iterator[bytes]:
    yield b"one "
    yield b"two"


async def async_parts() -> AsyncIterator[bytes]:
    for part in parts():
        yield part


@pytest.mark.parametrize("make_parts", [parts, async_parts])
async def test_a_streaming_response_is_gathered(make_parts: Callable[[], Any]) -> None:
    peer = await denied(serving(denying(StreamingHttpResponse(make_parts(), status=429))))
    assert (peer.denied_status, peer.denied_body) == (429, b"one two")


def broken_parts() -> Iterator[bytes]:
    yield b"one"
    raise ValueError("broken")


@pytest.mark.parametrize(
    "response",
    [lambda: StreamingHttpResponse(broken_parts()), lambda: HttpResponse(status=101)],
)
async def test_a_response_that_cannot_be_sent_is_a_fault(
    response: Callable[[], HttpResponseBase], caplog: pytest.LogCaptureFixture
) -> None:
    peer = await denied(serving(denying(response())))
    assert peer.denied_status == 500
    assert messages(caplog) == ["Websocket fault: '/' (route '/')"]


async def test_a_middleware_may_answer_with_a_response() -> None:
    peer = await denied(serving(Echo, Refusing))
    assert (peer.denied_status, peer.denied_body) == (401, b"not you")


async def test_a_middleware_that_returns_without_awaiting_next_forbids(caplog: pytest.LogCaptureFixture) -> None:
    def silent(next_: Next) -> Callable[[Endpoint], Any]:
        async def middleware(ws: Endpoint) -> None:
            return None

        return middleware

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


def failing(error: BaseException) -> type[Noted]:
    class Failing(Noted):
        @override
        async def on_open(self) -> None:
            raise error

    return Failing


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


class Bare:
    """An endpoint of somebody else's, which neither answers nor closes more than it says."""

    def __init__(self, request: HttpRequest, connection: Connection) -> None:
        self.request = request
        self.connection = connection

    async def run(self) -> object:
        await self.connection.accept()
        return "result"


class Reading(Bare):
    @override
    async def run(self) -> object:
        await self.connection.accept()
        while True:
            await self.connection.receive()


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


async def test_a_client_that_does_not_read_its_close_frame_does_not_hold_the_application(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_CLOSE_SECONDS", 0.01)

    class Failing(Bare):
        @override
        async def run(self) -> object:
            await super().run()
            peer.pause()
            raise ValueError("no")

    async with Peer(serving(Failing)) as peer:
        assert await peer.connect()
        await peer.wait()
    assert peer.close_code is None


# --- the process ----------------------------------------------------------------------------------


class Lifespan:
    """A server's side of the lifespan protocol."""

    def __init__(self, application: WebSocketApplication) -> None:
        self.incoming: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        self.sent: list[str] = []
        self.task = asyncio.create_task(application({"type": "lifespan"}, self.incoming.get, self.send))

    async def send(self, event: dict[str, str]) -> None:
        self.sent.append(event["type"])

    async def tell(self, event: str) -> None:
        self.incoming.put_nowait({"type": f"lifespan.{event}"})
        await until(lambda: f"lifespan.{event}.complete" in self.sent, 100_000)


class Lingering(Noted):
    last: "Lingering"

    @override
    async def on_open(self) -> None:
        await super().on_open()
        type(self).last = self
        self.start_task("linger", self.linger, "task", 50)

    @override
    async def on_close(self) -> None:
        await turns(50)
        await super().on_close()


async def test_a_shutdown_closes_every_socket_with_1012_and_waits_for_its_clean_up() -> None:
    application = serving(Lingering)
    lifespan = Lifespan(application)
    await lifespan.tell("startup")
    peers = [Peer(application) for _ in range(3)]
    running = [peer.start() for peer in peers]
    for peer in peers:
        assert await peer.connect()
    await turns()
    await lifespan.tell("shutdown")
    await lifespan.task
    assert all(task.done() for task in running)
    assert [peer.close_code for peer in peers] == [1012] * 3
    assert Lingering.last.journal == ["open", "task ended", "close 1012"]
    for task in running:
        assert task.result() is None
        assert task.cancelling() == 0


async def test_a_shutdown_of_an_idle_server_is_at_once() -> None:
    lifespan = Lifespan(serving(Echo))
    lifespan.incoming.put_nowait({"type": "lifespan.unheard-of"})
    await lifespan.tell("startup")
    await lifespan.tell("shutdown")
    await lifespan.task
    assert lifespan.sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


async def test_while_the_server_shuts_down_a_handshake_is_answered_with_503_until_it_starts_again() -> None:
    application = serving(Echo)
    await Lifespan(application).tell("shutdown")
    assert (await denied(application)).denied_status == 503
    await Lifespan(application).tell("startup")
    async with Peer(application) as peer:
        assert await peer.connect()


class Waiting(WebSocketHandler):
    @override
    async def on_connect(self) -> HttpResponseBase | None:
        await asyncio.Event().wait()
        return None


async def test_a_handshake_in_the_middle_of_a_shutdown_is_answered_with_503() -> None:
    application = serving(Waiting)
    peer = Peer(application)
    task = peer.start()
    peer.ask()
    await turns()
    await Lifespan(application).tell("shutdown")
    await task
    assert peer.denied_status == 503


async def test_a_socket_that_does_not_end_does_not_hold_the_shutdown_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float | None] = []
    wait = asyncio.wait

    async def brief(tasks: Any, *, timeout: float | None = None, **kwargs: Any) -> Any:
        waited.append(timeout)
        return await wait(tasks, timeout=0.001, **kwargs)

    go = asyncio.Event()

    class Endless(Bare):
        @override
        async def run(self) -> object:
            await super().run()
            while not go.is_set():
                try:
                    await go.wait()
                except asyncio.CancelledError:
                    continue
            return None

    application = serving(Endless)
    async with Peer(application) as peer:
        assert await peer.connect()
        with monkeypatch.context() as patch, override_settings(WS_CLEANUP_TIMEOUT=1):
            patch.setattr("django_ws.application.asyncio.wait", brief)
            await Lifespan(application).tell("shutdown")
        assert waited == [7]
        go.set()
        assert await peer.wait_closed() == 1000


async def test_a_cancellation_that_is_none_of_ours_is_raised_again_during_a_shutdown_too() -> None:
    application = serving(Lingering)
    peer = Peer(application)
    task = peer.start()
    assert await peer.connect()
    await turns()
    lifespan = Lifespan(application)
    lifespan.incoming.put_nowait({"type": "lifespan.shutdown"})
    await turns(3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await lifespan.task


@pytest.mark.parametrize(("target", "code", "status"), [(Reading, 1012, None), (Waiting, None, 503)])
async def test_a_server_that_cancels_gets_its_cancellation_back_and_the_client_an_answer(
    target: object, code: int | None, status: int | None
) -> None:
    peer = Peer(serving(target))
    task = peer.start()
    peer.ask()
    await turns()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (peer.close_code, peer.denied_status) == (code, status)


async def test_a_cancelled_endpoint_whose_connection_has_ended_needs_no_answer() -> None:
    class Ended(Bare):
        @override
        async def run(self) -> object:
            await super().run()
            await self.connection.close()
            await asyncio.Event().wait()
            return None

    peer = Peer(serving(Ended))
    task = peer.start()
    peer.ask()
    await turns()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert peer.close_code == 1000


async def test_nothing_is_kept_of_a_connection_that_has_ended() -> None:
    application = serving(Echo)
    for _ in range(3):
        async with Peer(application) as peer:
            assert await peer.connect()
    assert not application._running


async def test_a_fault_here_leaves_the_other_sockets_alone(caplog: pytest.LogCaptureFixture) -> None:
    resolver = FakeResolver({"/good": Echo, "/bad": failing(ValueError("no"))})
    application = get_websocket_application(no_http, resolver=resolver)
    async with Peer(application, websocket_scope("/good")) as good:
        assert await good.connect()
        async with Peer(application, websocket_scope("/bad")) as bad:
            assert await bad.connect()
            assert await bad.wait_closed() == 1011
        good.text("still here")
        assert await good.receive() == "still here"
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
