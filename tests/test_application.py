"""application.py"""

# Applications are started and left to run, on purpose.
# mypy: disable-error-code=unused-awaitable

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.http.response import HttpResponseBase
from django.test import override_settings
from django.urls import get_script_prefix
from typing_extensions import override

from django_ws import WebSocketHandler, get_websocket_application
from django_ws.application import WebSocketApplication
from django_ws.authorization.control import Control, make_order, write_order
from django_ws.interfaces import Connection, Endpoint, Next
from django_ws.protocol import ASGIConnection
from django_ws.routing import DjangoResolver
from django_ws.testing import FakeBroker, FakeMiddleware, FakeResolver, Peer, websocket_scope
from django_ws.topics import brokers
from handler.support import Noted, messages, turns, until
from serving import Bare, Echo, Reading, denied, denying, failing, no_http, serving


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


async def test_a_setting_overridden_in_a_test_takes_effect_on_an_application_that_exists() -> None:
    application = get_websocket_application(no_http, resolver=FakeResolver({"/": Echo}))
    with override_settings(WS_MIDDLEWARE=["serving.Refusing"]):
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


# --- limits ---------------------------------------------------------------------------------------

STRANGER = websocket_scope(client=("203.0.113.5", 50000))
LOCAL = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "application"}}


@pytest.mark.parametrize("alias", [None, "default"])
async def test_the_connections_of_an_address_are_counted(alias: str | None) -> None:
    with override_settings(WS_MAX_CONNECTIONS_PER_ADDRESS=1, WS_CONNECTIONS_CACHE=alias, CACHES=LOCAL):
        application = serving(Echo)
        async with Peer(application, STRANGER) as first:
            assert await first.connect()
            assert (await denied(application, STRANGER)).denied_status == 429
        async with Peer(application, STRANGER) as second:
            assert await second.connect()


@override_settings(WS_HANDSHAKE_TIMEOUT=0.01)
async def test_a_handshake_has_so_much_time() -> None:
    class Slow(Echo):
        @override
        async def on_connect(self) -> None:
            await asyncio.Event().wait()

    assert (await denied(serving(Slow))).denied_status == 503


@override_settings(WS_HANDSHAKE_TIMEOUT=None)
async def test_a_handshake_may_have_all_the_time_that_it_wants() -> None:
    application = serving(Echo)
    async with Peer(application) as peer:
        assert await peer.connect()
        assert len(application._handshakes) == 0


async def test_a_cancellation_that_nobody_ordered_is_a_fault() -> None:
    assert (await denied(serving(denying(asyncio.CancelledError())))).denied_status == 500


async def test_an_endpoint_that_leaves_its_connection_open_has_it_closed() -> None:
    async with Peer(serving(Bare)) as peer:
        assert await peer.connect()
        assert await peer.wait_closed() == 1000


# --- orders to close --------------------------------------------------------------------------------


async def test_an_order_of_another_process_reaches_the_sockets_and_nobody_listens_after_the_shutdown() -> None:
    def as_alice(next_: Next) -> Callable[[Endpoint], Any]:
        async def middleware(ws: Endpoint) -> object:
            ws.request.user = User(pk=7)
            return await next_(ws)

        return middleware

    def joined(broker: FakeBroker) -> bool:
        return any(Control().channel in link.channels for link in broker.links)

    with override_settings(WS_BROKERS={"default": {"BACKEND": "django_ws.testing.FakeBroker"}}):
        broker = brokers["default"]
        assert isinstance(broker, FakeBroker)
        application = serving(Echo, as_alice)
        assert not joined(broker)
        async with Peer(application) as peer:
            assert await peer.connect()
            await until(lambda: joined(broker))
            await turns()
            await Control().apublish(write_order(make_order("7", None, 4401, "banned")))
            assert await peer.wait_closed() == 4401
        await application._drain()
        await until(lambda: not joined(broker))


async def test_within_one_process_nothing_is_listened_to() -> None:
    application = serving(Echo)
    async with Peer(application) as peer:
        assert await peer.connect()
        assert application._patrol is None
