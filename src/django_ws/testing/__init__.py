"""Tools for tests: a strict in-process ASGI peer, and a fake of every joint. Needs no server package."""

from django_ws.testing.fakes import (
    FakeCodec,
    FakeConnection,
    FakeEndpoint,
    FakeGuard,
    FakeMatch,
    FakeMiddleware,
    FakeResolver,
)
from django_ws.testing.peer import ASGIViolation, Peer, websocket_scope

__all__ = [
    "ASGIViolation",
    "FakeCodec",
    "FakeConnection",
    "FakeEndpoint",
    "FakeGuard",
    "FakeMatch",
    "FakeMiddleware",
    "FakeResolver",
    "Peer",
    "websocket_scope",
]
