from typing import ClassVar

from django.http import HttpRequest
from django.test import SimpleTestCase, override_settings
from typing_extensions import override

from django_ws import BrokerError, Endpoint, Next, NoRouteError, Topic, WebSocketHandler
from django_ws.codecs import JSONCodec
from django_ws.interfaces import ASGIReceive, ASGISend, Scope
from django_ws.middleware import compose
from django_ws.protocol import ASGIConnection
from django_ws.routing import DjangoResolver
from django_ws.testing import (
    FakeBroker,
    FakeConnection,
    FakeEndpoint,
    FakeMiddleware,
    FakeTopic,
    Peer,
    capture_publishes,
    connect,
    websocket_scope,
)
from django_ws.topics.brokers import brokers


class ProtocolTests(SimpleTestCase):
    """A connection between a strict server in the test's process and code of the test: no routes, no handler."""

    async def test_a_conversation(self) -> None:
        async def application(scope: Scope, receive: ASGIReceive, send: ASGISend, /) -> None:
            connection = ASGIConnection(scope, receive, send)
            await connection.accept()
            self.assertEqual(await connection.receive(), "hello")
            await connection.close(4000, "bye")

        async with Peer(application, websocket_scope("/")) as peer:
            self.assertTrue(await peer.connect())
            peer.text("hello")
            self.assertEqual(await peer.wait_closed(), 4000)


class RoutingTests(SimpleTestCase):
    def test_a_route(self) -> None:
        match = DjangoResolver().resolve("/ws/me/")
        self.assertEqual((match.route, match.kwargs), ("ws/me/", {}))

    def test_none(self) -> None:
        with self.assertRaises(NoRouteError):
            DjangoResolver().resolve("/ws/nobody/")


class Busy:
    """A middleware that lets nobody in while the site is busy."""

    is_busy = False

    def __init__(self, next_: Next) -> None:
        self._next = next_

    async def __call__(self, ws: Endpoint) -> object:
        return None if self.is_busy else await self._next(ws)


class MiddlewareTests(SimpleTestCase):
    async def test_in_order_around_the_socket(self) -> None:
        notes: list[str] = []
        socket = FakeEndpoint(HttpRequest(), FakeConnection(["hello"]))
        await compose([FakeMiddleware("outer", notes), Busy, FakeMiddleware("inner", notes)])(socket)
        self.assertEqual(notes, ["outer in", "inner in", "inner out", "outer out"])
        self.assertEqual(socket.runs, 1)

    async def test_busy(self) -> None:
        class VeryBusy(Busy):
            is_busy = True

        socket = FakeEndpoint(HttpRequest(), FakeConnection())
        await compose([VeryBusy])(socket)
        self.assertEqual(socket.runs, 0)


class Counter(WebSocketHandler[str, str]):
    @override
    async def on_message(self, data: str) -> None:
        await self.send(str(len(data)))


class HandlerTests(SimpleTestCase):
    """A handler over a connection that is none: what it is given, what it sends."""

    async def test_a_class(self) -> None:
        connection = FakeConnection(["one", "three"])
        await Counter(HttpRequest(), connection).run()
        self.assertEqual(connection.sent, ["3", "5"])
        self.assertEqual(connection.close_code, 1000)


class Listening(WebSocketHandler[str, str]):
    topic: ClassVar[FakeTopic[str]]

    @override
    async def on_open(self) -> None:
        await self.subscribe(self.topic)
        self.topic.tell("hello")

    @override
    async def on_event(self, topic: object, event: str) -> None:
        await self.send(event.upper())
        await self.close()


class TopicTests(SimpleTestCase):
    """A handler that hears of events, without an engine."""

    async def test_a_topic(self) -> None:
        Listening.topic = FakeTopic()
        connection = FakeConnection(end=None)
        await Listening(HttpRequest(), connection).run()
        self.assertEqual(connection.sent, ["HELLO"])


class News(Topic[str]):
    pattern = "howto.layers.news"


class Reader(WebSocketHandler[str, str]):
    @override
    async def on_open(self) -> None:
        await self.subscribe(News())
        await self.send("ready")


class EngineTests(SimpleTestCase):
    """What an outage of the engine does to a socket: without an engine."""

    @override_settings(WS_BROKERS={"default": {"BACKEND": "django_ws.testing.FakeBroker"}})
    async def test_an_outage(self) -> None:
        broker = brokers["default"]
        assert isinstance(broker, FakeBroker)
        async with connect(Reader, timeout=10) as ws:
            self.assertEqual(await ws.receive(), "ready")
            await News().apublish("hello")
            self.assertEqual(await ws.receive(), "hello")
            with self.assertLogs("django_ws", "WARNING"):
                broker.go_down()
                with self.assertRaises(BrokerError):
                    await News().apublish("lost")
                broker.come_back()
                self.assertEqual(await ws.wait_closed(), 1012)


class PublishTests(SimpleTestCase):
    """What is published, without an engine and without sockets."""

    def test_what_is_published(self) -> None:
        with capture_publishes() as published:
            News().publish("hello")
        self.assertEqual(published, [(News(), "hello")])


class CodecTests(SimpleTestCase):
    def test_pure_functions(self) -> None:
        codec = JSONCodec()
        self.assertEqual(codec.decode('{"a": 1}'), {"a": 1})
        self.assertEqual(codec.encode({"a": 1}), '{"a":1}')
