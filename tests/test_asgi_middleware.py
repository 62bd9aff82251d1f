"""ASGI middleware of other packages around the application: what they see of a socket, and what it sees of them.

What they put into the scope is there as ``self.request.scope[...]``.
"""

import json
import sys
from base64 import b64encode
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

for needed in ("starlette", "itsdangerous", "asgi_correlation_id", "sentry_sdk"):
    pytest.importorskip(needed, reason="a package of the test group is not installed")

import sentry_sdk
from asgi_correlation_id import CorrelationIdMiddleware, correlation_id
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.test import override_settings
from django.urls import reverse
from itsdangerous import TimestampSigner
from sentry_sdk.integrations.asgi import SentryAsgiMiddleware
from sentry_sdk.integrations.logging import LoggingIntegration
from starlette.applications import Starlette
from starlette.authentication import AuthCredentials, AuthenticationBackend, AuthenticationError, SimpleUser
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.httpsredirect import HTTPSRedirectMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import HTTPConnection
from starlette.routing import Mount
from typing_extensions import override

from django_ws import WebSocketHandler, get_websocket_application
from django_ws.interfaces import ASGIApplication
from django_ws.testing import Peer, websocket_scope
from django_ws.urls import path

SECRET = "only for tests"


class Asked(WebSocketHandler[str, str]):
    """Tells what is in its scope."""

    @override
    async def on_message(self, data: str, /) -> None:
        # Django: an ASGIRequest's scope is what the server and its middleware gave.
        scope: dict[str, Any] = self.request.scope  # type: ignore[attr-defined]
        match data:
            case "session":
                scope["session"]["asked"] = True
                await self.send(json.dumps(scope["session"]))
            case "user":
                await self.send(f"{scope['user'].display_name}: {scope['auth'].scopes}")
            case "correlation":
                await self.send(f"{correlation_id.get()} {self.request.headers['X-Request-ID']}")
            case "paths":
                await self.send(f"{self.request.path} {self.request.path_info} {reverse('hello')}")
            case "fault":
                raise ValueError("at fault")
            case _:
                await self.send(data)


class Denied(Asked):
    """Sends everybody away, with a page."""

    @override
    async def on_connect(self) -> HttpResponse:
        return HttpResponse("go away " * 200, status=402, headers={"X-Own": "yes"})


class Forbidden(Asked):
    @override
    async def on_connect(self) -> None:
        raise PermissionDenied


@pytest.fixture
def application(monkeypatch: pytest.MonkeyPatch) -> Iterator[ASGIApplication]:
    urlconf = ModuleType("ws_urls_inside_asgi_middleware")
    vars(urlconf)["urlpatterns"] = [path("asked/", Asked), path("denied/", Denied), path("forbidden/", Forbidden)]
    monkeypatch.setitem(sys.modules, urlconf.__name__, urlconf)
    with override_settings(ROOT_WS_URLCONF=urlconf.__name__):
        yield get_websocket_application()


# ASGI: scopes are open dicts.
async def ask(application: ASGIApplication, what: str, scope: dict[str, Any] | None = None) -> str:
    async with Peer(application, scope or websocket_scope("/asked/")) as peer:
        assert await peer.connect(), (peer.denied_status, peer.denied_body)
        peer.text(what)
        return str(await peer.receive())


# See ask().
async def denied(application: ASGIApplication, scope: dict[str, Any]) -> Peer:
    async with Peer(application, scope) as peer:
        assert not await peer.connect()
    return peer


def signed(session: object) -> str:
    return TimestampSigner(SECRET).sign(b64encode(json.dumps(session).encode())).decode()


# --- what they put into the scope -----------------------------------------------------------------


async def test_the_session_of_starlette_is_read_and_kept_for_the_socket(application: ASGIApplication) -> None:
    wrapped = SessionMiddleware(application, SECRET)
    headers = [("cookie", f"session={signed({'cart': 3})}")]
    assert await ask(wrapped, "session", websocket_scope("/asked/", headers=headers)) == '{"cart": 3, "asked": true}'
    forged = [("cookie", f"session={signed({'cart': 3})}x")]
    assert await ask(wrapped, "session", websocket_scope("/asked/", headers=forged)) == '{"asked": true}'


class Token(AuthenticationBackend):
    """Takes the user's name for a token."""

    @override
    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, SimpleUser] | None:
        name = conn.query_params.get("token")
        if name == "wrong":
            raise AuthenticationError("this token is wrong")
        return None if name is None else (AuthCredentials(["chat"]), SimpleUser(name))


async def test_the_user_of_starlette_is_in_the_scope(application: ASGIApplication) -> None:
    wrapped = AuthenticationMiddleware(application, Token())
    assert await ask(wrapped, "user", websocket_scope("/asked/", query="token=alice")) == "alice: ['chat']"
    assert await ask(wrapped, "user") == ": []"


async def test_a_correlation_id_is_there_in_the_hooks(application: ASGIApplication) -> None:
    wrapped = CorrelationIdMiddleware(application, validator=None)
    scope = websocket_scope("/asked/", headers=[("x-request-id", "abc")])
    assert await ask(wrapped, "correlation", scope) == "abc abc"
    made, sent = (await ask(wrapped, "correlation")).split()
    assert made == sent
    assert len(made) == 32


async def test_a_mount_is_a_prefix_of_the_path_and_of_what_is_reversed(application: ASGIApplication) -> None:
    wrapped = Starlette(routes=[Mount("/app", application)])
    assert await ask(wrapped, "paths", websocket_scope("/app/asked/")) == "/app/asked/ /asked/ /app/hello/"
    peer = await denied(wrapped, websocket_scope("/app/nowhere/"))
    assert peer.denied_status == 404
    peer = await denied(wrapped, websocket_scope("/asked/"))
    assert peer.denied_status == 403  # Starlette's own, as of 1.10 by a plain close


# --- denials: theirs, and ours through them -------------------------------------------------------


async def test_a_host_that_starlette_does_not_trust_never_comes_here(application: ASGIApplication) -> None:
    wrapped = TrustedHostMiddleware(application, ["localhost", "www.example.com"])
    assert await ask(wrapped, "hello") == "hello"
    peer = await denied(wrapped, websocket_scope("/asked/", headers=[("host", "evil.example")]))
    assert (peer.denied_status, peer.denied_body) == (400, b"Invalid host header")
    peer = await denied(wrapped, websocket_scope("/asked/", headers=[("host", "example.com")]))
    assert (peer.denied_status, dict(peer.denied_headers)[b"location"]) == (307, b"ws://www.example.com/asked/")


async def test_who_fails_to_authenticate_is_denied_by_starlette(application: ASGIApplication) -> None:
    peer = await denied(AuthenticationMiddleware(application, Token()), websocket_scope("/asked/", query="token=wrong"))
    assert peer.denied_status == 403


async def test_ws_is_sent_to_wss(application: ASGIApplication) -> None:
    wrapped = HTTPSRedirectMiddleware(application)
    peer = await denied(wrapped, websocket_scope("/asked/"))
    assert (peer.denied_status, dict(peer.denied_headers)[b"location"]) == (307, b"wss://localhost/asked/")
    assert await ask(wrapped, "hello", websocket_scope("/asked/", scheme="wss")) == "hello"


async def test_ours_pass_through_all_of_them_as_they_are(application: ASGIApplication) -> None:
    wrapped: Any = application
    for middleware, arguments in _ALL:
        wrapped = middleware(wrapped, **arguments)
    headers = [("accept-encoding", "gzip"), ("origin", "http://localhost")]
    peer = await denied(wrapped, websocket_scope("/denied/", headers=headers))
    bare = await denied(application, websocket_scope("/denied/", headers=headers))
    assert (peer.denied_status, peer.denied_body) == (402, b"go away " * 200)
    assert (peer.denied_status, peer.denied_headers) == (bare.denied_status, bare.denied_headers)
    peer = await denied(wrapped, websocket_scope("/forbidden/", denial_response=False))
    assert peer.denied_status == 403
    assert await ask(wrapped, "hello", websocket_scope("/asked/", headers=headers)) == "hello"


# A middleware's arguments are of any type.
_ALL: list[tuple[Any, dict[str, Any]]] = [
    (SessionMiddleware, {"secret_key": SECRET}),
    (TrustedHostMiddleware, {"allowed_hosts": ["localhost"]}),
    (AuthenticationMiddleware, {"backend": Token()}),
    (CORSMiddleware, {"allow_origins": ["*"]}),
    (GZipMiddleware, {"minimum_size": 1}),
    (CorrelationIdMiddleware, {}),
    (SentryAsgiMiddleware, {}),
]


# --- what looks on --------------------------------------------------------------------------------


class Watching:
    """Wraps all three, as a plain ASGI middleware does: says hello in a header, and shouts."""

    def __init__(self, app: ASGIApplication) -> None:
        self.app = app
        self.seen: list[str] = []

    # ASGI: scopes and events are open dicts.
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        # See above.
        async def watched_receive() -> Any:
            event = await receive()
            self.seen.append(event["type"])
            if event.get("text"):
                event = {**event, "text": event["text"].upper()}
            return event

        # See above.
        async def watched_send(event: Any) -> None:
            self.seen.append(event["type"])
            if event["type"] == "websocket.accept":
                event = {**event, "headers": [*event.get("headers", ()), (b"x-watched", b"yes")]}
            await send(event)

        await self.app({**scope, "watched": True}, watched_receive, watched_send)
        self.seen.append("end")


async def test_a_plain_middleware_may_change_what_comes_and_what_goes(application: ASGIApplication) -> None:
    wrapped = Watching(application)
    async with Peer(wrapped, websocket_scope("/asked/")) as peer:
        assert await peer.connect()
        assert (b"x-watched", b"yes") in peer.accepted_headers
        peer.text("hello")
        assert await peer.receive() == "HELLO"
    kinds = ["connect", "accept", "receive", "send", "disconnect"]
    assert wrapped.seen == [*(f"websocket.{kind}" for kind in kinds), "end"]


@pytest.fixture
def reported() -> Iterator[list[dict[str, Any]]]:
    """What would go to Sentry."""
    events: list[dict[str, Any]] = []

    # Sentry: an event is a dict of anything.
    def keep(event: Any, hint: Any) -> None:
        events.append(event)

    sentry_sdk.init(
        "http://key@127.0.0.1:9/1",
        default_integrations=False,
        integrations=[LoggingIntegration()],
        before_send=keep,
        auto_session_tracking=False,
    )
    yield events
    sentry_sdk.get_client().close()
    sentry_sdk.get_global_scope().set_client(None)


# Sentry's types of events are its own.
async def test_a_fault_of_a_socket_is_reported_to_sentry_once_with_its_request(
    application: ASGIApplication, reported: list[dict[str, Any]]
) -> None:
    async with Peer(SentryAsgiMiddleware(application), websocket_scope("/asked/")) as peer:
        assert await peer.connect()
        peer.text("fault")
        assert await peer.wait_closed() == 1011
    (event,) = reported
    assert [error["value"] for error in event["exception"]["values"]] == ["at fault"]
    assert event["request"]["url"] == "ws://localhost/asked/"
