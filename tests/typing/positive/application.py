"""get_websocket_application() with each layer swapped."""

from typing import Any, assert_type

from django_ws import Endpoint, Next, WebSocketHandler, get_websocket_application
from django_ws.application import WebSocketApplication
from django_ws.interfaces import ASGIApplication, ASGIReceive, ASGISend, Connection, Match, Scope
from django_ws.protocol import ASGIConnection
from django_ws.routing import DjangoResolver
from django_ws.testing import FakeConnection, FakeMatch, FakeMiddleware, FakeResolver


class Handler(WebSocketHandler):
    pass


class OwnResolver:
    """A resolver that derives from nothing."""

    def resolve(self, path: str, /) -> Match:
        return FakeMatch(Handler, route=path)


def own_connection(scope: Scope, receive: ASGIReceive, send: ASGISend, /) -> Connection:
    return ASGIConnection(scope, receive, send)


def fake_connection(_scope: Scope, _receive: ASGIReceive, _send: ASGISend, /) -> Connection:
    return FakeConnection()


async def http(scope: Any, receive: Any, send: Any) -> None:
    del scope, receive
    await send({"type": "http.response.start", "status": 404})


class Own:
    """A middleware of one's own."""

    def __init__(self, next_: Next) -> None:
        self.next = next_

    async def __call__(self, ws: Endpoint) -> object:
        return await self.next(ws)


def applications() -> None:
    assert_type(get_websocket_application(), WebSocketApplication)
    assert_type(get_websocket_application(http), WebSocketApplication)
    get_websocket_application(get_websocket_application())
    get_websocket_application(None, resolver=DjangoResolver("other.ws_urls"))
    get_websocket_application(resolver=FakeResolver({"/": Handler}))
    get_websocket_application(resolver=OwnResolver())
    get_websocket_application(middleware=())
    get_websocket_application(middleware=["a.b.C"])
    get_websocket_application(middleware=[FakeMiddleware(), Own, "a.b.C"])
    get_websocket_application(connection_factory=ASGIConnection)
    get_websocket_application(connection_factory=own_connection)
    get_websocket_application(http, resolver=OwnResolver(), middleware=[Own], connection_factory=fake_connection)
    application: ASGIApplication = get_websocket_application()
    del application
