"""Tools for tests: a client, a strict in-process ASGI peer, and a fake of every joint. Needs no server package."""

# The client and the live server are lazy (PEP 562): they bring the whole application, which the rest does not.

from importlib import import_module
from typing import TYPE_CHECKING, Final

from django_ws.testing.asgi_rules import ASGIViolation
from django_ws.testing.clock import Clock, freeze_clock
from django_ws.testing.fake_broker import FakeBroker, FakeLink
from django_ws.testing.fake_connection import FakeConnection
from django_ws.testing.fake_topics import FakeDelivery, FakeFrame, FakeMember, FakeSocketMember, FakeTopic
from django_ws.testing.fakes import (
    FakeCodec,
    FakeEndpoint,
    FakeGuard,
    FakeMatch,
    FakeMiddleware,
    FakeResolver,
)
from django_ws.testing.faults import SocketFaultError, SocketStateError, SocketTimeoutError
from django_ws.testing.peer import Peer
from django_ws.testing.scope import websocket_scope
from django_ws.testing.tasks import TaskManagerConformance

if TYPE_CHECKING:
    from django_ws.testing.client import connect
    from django_ws.testing.handshake import Denied
    from django_ws.testing.live import WebSocketLiveServerTestCase
    from django_ws.testing.publishes import Published, capture_publishes
    from django_ws.testing.socket import ClientSocket
else:
    # Hidden from type checkers, to which a module's __getattr__ makes every misspelt name a valid one.
    def __getattr__(name: str) -> object:
        """Import what brings the application when it is first asked for."""
        home = _HOME_OF.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value: object = getattr(import_module(home), name)
        globals()[name] = value
        return value


__all__ = [
    "ASGIViolation",
    "ClientSocket",
    "Clock",
    "Denied",
    "FakeBroker",
    "FakeCodec",
    "FakeConnection",
    "FakeDelivery",
    "FakeEndpoint",
    "FakeFrame",
    "FakeGuard",
    "FakeLink",
    "FakeMatch",
    "FakeMember",
    "FakeMiddleware",
    "FakeResolver",
    "FakeSocketMember",
    "FakeTopic",
    "Peer",
    "Published",
    "SocketFaultError",
    "SocketStateError",
    "SocketTimeoutError",
    "TaskManagerConformance",
    "WebSocketLiveServerTestCase",
    "capture_publishes",
    "connect",
    "freeze_clock",
    "websocket_scope",
]

_HOME_OF: Final = {
    "ClientSocket": "django_ws.testing.socket",
    "Denied": "django_ws.testing.handshake",
    "Published": "django_ws.testing.publishes",
    "WebSocketLiveServerTestCase": "django_ws.testing.live",
    "capture_publishes": "django_ws.testing.publishes",
    "connect": "django_ws.testing.client",
}
