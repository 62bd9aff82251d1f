"""Layers that cannot be swapped in."""

from django.core.handlers.asgi import ASGIHandler

from django_ws import Endpoint, Next, WebSocket, WebSocketHandler, get_websocket_application
from django_ws.application import WebSocketApplication
from django_ws.interfaces import ASGIReceive, ASGISend, Connection, Scope
from django_ws.protocol import ASGIConnection
from django_ws.routing import DjangoResolver
from django_ws.testing import FakeConnection, FakeMiddleware, FakeResolver


class Handler(WebSocketHandler):
    pass


class TextMiddleware:
    """Says that it takes one kind of socket; it gets every kind."""

    def __init__(self, next_: Next) -> None:
        self.next = next_

    async def __call__(self, ws: WebSocket[str, str]) -> None:
        await ws.close()


def wsgi(environ: dict[str, object], start_response: object) -> list[bytes]:
    del environ, start_response
    return []


def no_connection(_scope: Scope, _receive: ASGIReceive, _send: ASGISend, /) -> str:
    return ""


async def middleware_without_factory(ws: Endpoint) -> None:
    await ws.run()


def connect(connection: Connection) -> Connection:
    return connection


get_websocket_application(1)  # E
get_websocket_application(wsgi)  # E
get_websocket_application(Handler)  # E
get_websocket_application(DjangoResolver())  # E
get_websocket_application(None, DjangoResolver())  # E
get_websocket_application(resolver="ws_urls")  # E
get_websocket_application(resolver=DjangoResolver)  # E
get_websocket_application(resolver=[])  # E
# A str is a Sequence[str]. It is refused when the application is made: its first character cannot be imported.
get_websocket_application(middleware="a.b.C")  # E[]
get_websocket_application(middleware=[1])  # E
get_websocket_application(middleware=FakeMiddleware())  # E
get_websocket_application(middleware=[TextMiddleware])  # E
get_websocket_application(middleware=[middleware_without_factory])  # E
get_websocket_application(middleware=[Handler])  # E
get_websocket_application(connection_factory=FakeConnection)  # E
get_websocket_application(connection_factory=FakeConnection())  # E
get_websocket_application(connection_factory=no_connection)  # E
get_websocket_application(connection_factory=connect)  # E
get_websocket_application(connection_factory="a.b.C")  # E
get_websocket_application(protocol=ASGIConnection)  # E
get_websocket_application(urlconf="ws_urls")  # E
WebSocketApplication()  # E
WebSocketApplication(ASGIHandler(), FakeResolver({}))  # E
FakeResolver()  # E


class Derived(WebSocketApplication):  # E
    pass
