"""Every joint of django_ws.interfaces, held by what ships as its implementation and by its fake."""

from collections.abc import Callable
from typing import Any, assert_type

from django.http import HttpRequest
from django.urls import ResolverMatch
from typing_extensions import override

from django_ws import JSON, JSONEncodable, WebSocketHandler, get_websocket_application
from django_ws.application import WebSocketApplication
from django_ws.handler import BytesCodec, JSONCodec, TextCodec, as_factory
from django_ws.interfaces import (
    ASGIApplication,
    ASGIReceive,
    ASGISend,
    Codec,
    Connection,
    ConnectionFactory,
    Data,
    Endpoint,
    Headers,
    Match,
    Middleware,
    MiddlewareFactory,
    Next,
    Resolver,
    Scope,
    SocketFactory,
)
from django_ws.middleware import compose, run_endpoint
from django_ws.protocol import ASGIConnection
from django_ws.routing import DjangoMatch, DjangoResolver
from django_ws.testing import (
    FakeCodec,
    FakeConnection,
    FakeEndpoint,
    FakeMatch,
    FakeMiddleware,
    FakeResolver,
    Peer,
    websocket_scope,
)


class Handler(WebSocketHandler[str, str]):
    """A socket to hold."""


# --- Connection, ConnectionFactory ------------------------------------------------------------------


def connections(scope: Scope, receive: ASGIReceive, send: ASGISend) -> tuple[Connection, ...]:
    real: Connection = ASGIConnection(scope, receive, send)
    fake: Connection = FakeConnection()
    scripted: Connection = FakeConnection(["a", b"b"], subprotocols=("chat",), is_open=True, end=None)
    return real, fake, scripted


async def what_a_connection_gives(connection: Connection) -> None:
    assert_type(connection.is_open, bool)
    assert_type(connection.is_answered, bool)
    assert_type(connection.close_code, int | None)
    assert_type(connection.close_reason, str)
    assert_type(await connection.receive(), str | bytes)
    rest = connection.send("a")
    if rest is not None:
        await rest
    await connection.accept()
    await connection.accept("chat", [("x-name", "value")])
    await connection.deny(403, (("a", "b"),), b"body")
    await connection.close(1000, "reason")


def fake_connection(scope: Scope, receive: ASGIReceive, send: ASGISend, /) -> FakeConnection:
    del receive, send
    return FakeConnection(subprotocols=tuple(scope.get("subprotocols", ())))


connection_factories: tuple[ConnectionFactory, ...] = (ASGIConnection, fake_connection)


class OwnConnection:
    """A connection over something else: derives from nothing, imports nothing but the joint."""

    subprotocols: tuple[str, ...] = ()
    is_open: bool = False
    is_answered: bool = False
    close_code: int | None = None
    close_reason: str = ""

    async def accept(self, subprotocol: str | None = None, headers: Headers = ()) -> None:
        del subprotocol, headers

    async def deny(self, status: int = 403, headers: Headers = (), body: bytes = b"") -> None:
        del status, headers, body

    async def receive(self) -> str:
        return ""

    def send(self, data: Data, /) -> None:
        del data

    async def close(self, code: int = 1000, reason: str = "") -> None:
        del code, reason


own_connection: Connection = OwnConnection()


# --- Resolver, Match --------------------------------------------------------------------------------

resolvers: tuple[Resolver, ...] = (
    DjangoResolver(),
    DjangoResolver("testproject.ws_urls"),
    FakeResolver({"/": Handler}),
)


def matches(resolver_match: ResolverMatch) -> tuple[Match, ...]:
    real: Match = DjangoMatch(resolver_match, "testproject.ws_urls")
    fake: Match = FakeMatch(Handler, 1, route="a/", name="x")
    return real, fake, FakeResolver({"/": fake}).resolve("/"), DjangoResolver().resolve("/")


def what_a_match_gives(match: Match) -> None:
    assert_type(match.factory, object)
    assert_type(match.route, str)
    assert_type(match.resolver_match, ResolverMatch | None)
    assert_type(match.urlconf, str | None)


# --- SocketFactory, Endpoint ------------------------------------------------------------------------

socket_factories: tuple[SocketFactory, ...] = (WebSocketHandler, Handler, FakeEndpoint, as_factory(Handler))


class OwnEndpoint:
    """An endpoint that derives from nothing."""

    def __init__(self, request: HttpRequest, connection: Connection, /, *args: object, **kwargs: object) -> None:
        self.request = request
        self.connection = connection
        del args, kwargs

    async def run(self) -> None:
        await self.connection.accept()


own_factory: SocketFactory = OwnEndpoint


def endpoints(request: HttpRequest, connection: Connection) -> tuple[Endpoint, ...]:
    real: Endpoint = Handler(request, connection, 1, name="x")
    fake: Endpoint = FakeEndpoint(request, connection, 1, name="x")
    own: Endpoint = OwnEndpoint(request, connection)
    return real, fake, own


# --- Middleware, MiddlewareFactory, Next ------------------------------------------------------------

nexts: tuple[Next, ...] = (run_endpoint, compose([]), compose([FakeMiddleware()]), FakeMiddleware()(run_endpoint))


def function_middleware(next_: Next) -> Callable[[Endpoint], Any]:
    async def middleware(ws: Endpoint) -> object:
        return await next_(ws)

    return middleware


class ClassMiddleware:
    """Middleware as a class."""

    def __init__(self, next_: Next) -> None:
        self.next = next_

    async def __call__(self, ws: Endpoint) -> object:
        return await self.next(ws)


factories: tuple[MiddlewareFactory, ...] = (FakeMiddleware(), ClassMiddleware)
middleware: tuple[Middleware, ...] = (FakeMiddleware()(run_endpoint), ClassMiddleware(run_endpoint), run_endpoint)


# --- Codec ------------------------------------------------------------------------------------------

text_codecs: tuple[Codec[str, str], ...] = (TextCodec(), FakeCodec())
binary_codec: Codec[bytes, bytes] = BytesCodec()
json_codec: Codec[JSON, JSONEncodable] = JSONCodec()
# What comes in may be taken as more, what goes out as less.
wide: Codec[object, str] = FakeCodec()
narrow: Codec[JSON, dict[str, str]] = JSONCodec()


# --- ASGIApplication --------------------------------------------------------------------------------


async def applications(http: ASGIApplication) -> None:
    application: ASGIApplication = get_websocket_application(http)
    built: ASGIApplication = WebSocketApplication(http, resolver=FakeResolver({}), middleware=[])
    async with Peer(application, websocket_scope("/ws/")) as peer:
        assert_type(peer, Peer)
    async with Peer(built):
        pass


class Overriding(FakeEndpoint):
    """A fake may be made into another."""

    @override
    async def run(self) -> None:
        await self.connection.deny()
