"""What does not satisfy a joint, or breaks its read-only and positional-only sides."""

from collections.abc import Callable

from django.http import HttpRequest

from django_ws.handler import BytesCodec, JSONCodec, TextCodec
from django_ws.interfaces import (
    ASGIReceive,
    ASGISend,
    Codec,
    Connection,
    ConnectionFactory,
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
from django_ws.middleware import run_endpoint
from django_ws.protocol import ASGIConnection
from django_ws.routing import DjangoResolver
from django_ws.testing import FakeCodec, FakeConnection, FakeEndpoint, FakeMatch, FakeMiddleware, FakeResolver


class SynchronousConnection:
    """Everything but an async receive."""

    subprotocols: tuple[str, ...] = ()
    is_open: bool = False
    is_answered: bool = False
    close_code: int | None = None
    close_reason: str = ""

    async def accept(self, subprotocol: str | None = None, headers: Headers = ()) -> None:
        del subprotocol, headers

    async def deny(self, status: int = 403, headers: Headers = (), body: bytes = b"") -> None:
        del status, headers, body

    def receive(self) -> str:
        return ""

    def send(self, data: str | bytes, /) -> None:
        del data

    async def close(self, code: int = 1000, reason: str = "") -> None:
        del code, reason


connection: Connection = SynchronousConnection()  # E
not_a_connection: Connection = object()  # E
an_endpoint_is_no_connection: Connection = FakeResolver({})  # E
no_factory: ConnectionFactory = FakeConnection  # E
instance: ConnectionFactory = FakeConnection()  # E


def two_arguments(_scope: Scope, _receive: ASGIReceive, /) -> Connection:
    return FakeConnection()


def gives_nothing(_scope: Scope, _receive: ASGIReceive, _send: ASGISend, /) -> None:
    return None


async def is_async(_scope: Scope, _receive: ASGIReceive, _send: ASGISend, /) -> Connection:
    return FakeConnection()


two: ConnectionFactory = two_arguments  # E
nothing: ConnectionFactory = gives_nothing  # E
asynchronous: ConnectionFactory = is_async  # E


def read_only(real: Connection, match: Match, endpoint: Endpoint) -> None:
    real.is_open = True  # E
    real.close_code = 1000  # E
    match.route = "other/"  # E
    match.factory = object  # E
    endpoint.request = HttpRequest()  # E


async def calls(real: Connection, resolver: Resolver, next_: Next, endpoint: Endpoint) -> None:
    real.send(1)  # E
    real.send(data="x")  # E
    await real.accept(headers={"a": "b"})  # E
    await real.accept(1)  # E
    await real.deny("403")  # E
    await real.close("1000")  # E
    number: int = await real.receive()  # E
    resolver.resolve(1)  # E
    resolver.resolve(path="/")  # E
    await next_()  # E
    await next_(1)  # E
    await next_(ws=endpoint)  # E
    await endpoint.run(1)  # E
    del number


class AsyncResolver:
    async def resolve(self, path: str, /) -> Match:
        return FakeMatch(path)


class WrongMatchResolver:
    def resolve(self, path: str, /) -> str:
        return path


async_resolver: Resolver = AsyncResolver()  # E
wrong_match: Resolver = WrongMatchResolver()  # E
resolver_class: Resolver = DjangoResolver  # E
not_a_match: Match = FakeResolver({})  # E


class NoRequest:
    async def run(self) -> None:
        pass


class SynchronousRun:
    request: HttpRequest

    def run(self) -> None:
        pass


no_request: Endpoint = NoRequest()  # E
synchronous_run: Endpoint = SynchronousRun()  # E
no_socket_factory: SocketFactory = NoRequest  # E
instance_factory: SocketFactory = FakeConnection()  # E


class SynchronousMiddleware:
    def __init__(self, next_: Next) -> None:
        self.next = next_

    def __call__(self, ws: Endpoint) -> int:
        return 1


class NoArgument:
    async def __call__(self, ws: Endpoint) -> object:
        return ws


class NarrowMiddleware:
    def __init__(self, next_: Next) -> None:
        self.next = next_

    async def __call__(self, ws: FakeEndpoint) -> object:
        return await self.next(ws)


async def async_factory(next_: Next) -> Middleware:
    return next_


def text_factory(next_: Next) -> str:
    return repr(next_)


synchronous_middleware: MiddlewareFactory = SynchronousMiddleware  # E
no_argument: MiddlewareFactory = NoArgument  # E
narrow_middleware: MiddlewareFactory = NarrowMiddleware  # E
asynchronous_factory: MiddlewareFactory = async_factory  # E
wrong_factory: MiddlewareFactory = text_factory  # E
itself: MiddlewareFactory = run_endpoint  # E
factory_as_middleware: Middleware = FakeMiddleware()  # E
factory_as_next: Next = FakeMiddleware()  # E
synchronous_next: Next = SynchronousMiddleware(run_endpoint)  # E

text_is_not_bytes: Codec[str, bytes] = TextCodec()  # E
bytes_is_not_text: Codec[bytes, str] = BytesCodec()  # E
json_in: Codec[str, str] = JSONCodec()  # E
json_out: Codec[object, object] = JSONCodec()  # E
fake_codec: Codec[bytes, str] = FakeCodec()  # E


class AsyncCodec:
    async def decode(self, data: str | bytes, /) -> str:
        return str(data)

    def encode(self, message: str, /) -> str:
        return message


class TextOnlyCodec:
    def decode(self, data: str, /) -> str:
        return data

    def encode(self, message: str, /) -> str:
        return message


async_codec: Codec[str, str] = AsyncCodec()  # E
text_only_codec: Codec[str, str] = TextOnlyCodec()  # E
make_connection: Callable[[Scope, ASGIReceive], Connection] = ASGIConnection  # E
