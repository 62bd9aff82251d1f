"""The joints: how small they are, and that the real ones and the fakes fit (a type checker holds the latter)."""

import pkgutil
import subprocess
import sys
from typing import Protocol, is_typeddict

import pytest
from django.http import HttpRequest

from django_ws import aliases, interfaces
from django_ws.handler import TaskGroup, WebSocketHandler
from django_ws.interfaces import (
    Broker,
    Codec,
    Connection,
    ConnectionFactory,
    Endpoint,
    Frame,
    Guard,
    Link,
    Match,
    Member,
    Membership,
    Middleware,
    MiddlewareFactory,
    Next,
    Outlet,
    Resolver,
    SendsAcceptHeaders,
    SocketFactory,
    SocketMember,
    Subscribable,
    TaskManager,
    TaskManagerFactory,
    TopicDelivery,
)
from django_ws.middleware import run_endpoint
from django_ws.protocol import ASGIConnection
from django_ws.routing import DjangoMatch, DjangoResolver
from django_ws.testing import (
    FakeCodec,
    FakeConnection,
    FakeEndpoint,
    FakeFrame,
    FakeGuard,
    FakeMatch,
    FakeMiddleware,
    FakeResolver,
    FakeSocketMember,
)


def the_real_ones_fit(connection: ASGIConnection, match: DjangoMatch) -> tuple[object, ...]:
    fits_connection: Connection = connection
    outlet: Outlet = connection
    makes_connection: ConnectionFactory = ASGIConnection
    resolver: Resolver = DjangoResolver()
    fits_match: Match = match
    factory: SocketFactory = WebSocketHandler
    innermost: Next = run_endpoint
    makes_tasks: TaskManagerFactory = TaskGroup
    tasks: TaskManager = makes_tasks()
    return fits_connection, outlet, makes_connection, resolver, fits_match, factory, innermost, tasks


def a_socket_fits(socket: WebSocketHandler) -> SocketMember:
    return socket


def the_fakes_fit(endpoint: FakeEndpoint) -> tuple[object, ...]:
    connection: Connection = FakeConnection()
    outlet: Outlet = FakeConnection()
    frame: Frame = FakeFrame("x")
    member: SocketMember = FakeSocketMember(FakeCodec())
    resolver: Resolver = FakeResolver({})
    match: Match = FakeMatch(None)
    fits_endpoint: Endpoint = endpoint
    factory: SocketFactory = FakeEndpoint
    middleware_factory: MiddlewareFactory = FakeMiddleware()
    middleware: Middleware = middleware_factory(run_endpoint)
    codec: Codec[str, str] = FakeCodec()
    guard: Guard = FakeGuard()
    return connection, outlet, frame, member, resolver, match, fits_endpoint, factory, middleware, codec, guard


JOINTS: dict[type, set[str]] = {
    Codec: {"decode", "encode"},
    Connection: {
        "subprotocols",
        "is_open",
        "is_answered",
        "close_code",
        "close_reason",
        "accept",
        "deny",
        "receive",
        "send",
        "close",
    },
    Endpoint: {"request", "run"},
    Match: {"factory", "args", "kwargs", "route", "resolver_match", "urlconf"},
    Guard: {"__call__"},
    TaskManager: {"start", "cancel", "cancel_all"},
    TaskManagerFactory: {"__call__"},
    Resolver: {"resolve"},
    interfaces.ASGIApplication: {"__call__"},
    ConnectionFactory: {"__call__"},
    Middleware: {"__call__"},
    MiddlewareFactory: {"__call__"},
    Next: {"__call__"},
    SocketFactory: {"__call__"},
    SendsAcceptHeaders: {"add_accept_headers"},
    TopicDelivery: {"topic", "event", "encoded"},
    Member: {"ws_deliver", "ws_gap"},
    Outlet: {"begin_send", "rest_of_send", "send_failed"},
    SocketMember: {"ws_encoder", "ws_failed", "ws_outlet", "ws_wait"},  # and what a Member has
    Membership: {"topic", "leave"},
    Subscribable: {"event_type", "join", "listen"},
    Broker: {"max_payload", "publish", "apublish", "connect", "close"},
    Link: {"subscribe", "unsubscribe", "publish", "receive", "close"},
}


@pytest.mark.parametrize(("joint", "members"), JOINTS.items())
def test_a_joint_is_a_protocol_as_small_as_its_consumer_needs(joint: type, members: set[str]) -> None:
    assert Protocol in joint.__mro__
    public = {name for name in vars(joint) if not name.startswith("_") or name == "__call__"}
    assert public == members
    assert joint.__doc__


def test_everything_public_is_a_joint_or_an_alias() -> None:
    assert set(interfaces.__all__) == {joint.__name__ for joint in JOINTS} | set(aliases.__all__)
    assert not any(is_typeddict(getattr(interfaces, name)) for name in interfaces.__all__)


@pytest.mark.parametrize("name", aliases.__all__)
def test_the_interfaces_give_the_aliases_too(name: str) -> None:
    assert getattr(interfaces, name) is getattr(aliases, name)


def test_the_fakes_fit_at_run_time_too() -> None:
    endpoint = FakeEndpoint(HttpRequest(), FakeConnection())
    assert len(the_fakes_fit(endpoint)) == 11
    assert len(the_real_ones_fit(ASGIConnection({}, _receive, _send), DjangoResolver().resolve("/echo/"))) == 8


async def _receive() -> dict[str, object]:
    raise NotImplementedError


async def _send(event: dict[str, object]) -> None:
    raise NotImplementedError


def test_an_endpoint_is_known_by_its_members() -> None:
    assert isinstance(FakeEndpoint(HttpRequest(), FakeConnection()), Endpoint)
    assert not isinstance(object(), Endpoint)


def test_the_interfaces_bring_no_layer_and_no_django_with_them() -> None:
    program = (
        "import sys, django_ws.interfaces;"
        "print(*sorted(name for name in sys.modules if name.startswith(('django_ws', 'django.'))))"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    own = [f"django_ws.interfaces.{module.name}" for module in pkgutil.iter_modules(interfaces.__path__)]
    assert found.stdout.split() == ["django_ws", "django_ws.aliases", "django_ws.interfaces", *sorted(own)]
