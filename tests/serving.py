"""Applications of one route, for the tests of the composition root and its parts."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from typing_extensions import override

from django_ws import WebSocketHandler, get_websocket_application
from django_ws.application import WebSocketApplication
from django_ws.interfaces import Connection, Endpoint, Next
from django_ws.testing import FakeResolver, Peer
from handler.support import Noted


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


def failing(error: BaseException) -> type[Noted]:
    class Failing(Noted):
        @override
        async def on_open(self) -> None:
            raise error

    return Failing


class Refusing:
    """Middleware that answers by itself."""

    def __init__(self, next_: Next) -> None:
        self.next = next_

    async def __call__(self, ws: Endpoint) -> object:
        return HttpResponse("not you", status=401)


def silent(next_: Next) -> Callable[[Endpoint], Any]:
    """Middleware that neither answers nor goes on."""

    async def middleware(ws: Endpoint) -> None:
        return None

    return middleware


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


async def denied(application: WebSocketApplication, scope: Any = None, **kwargs: Any) -> Peer:
    async with Peer(application, scope, **kwargs) as peer:
        assert not await peer.connect()
    return peer
