from collections.abc import AsyncIterator

import msgspec
from django.test import SimpleTestCase, TestCase, override_settings

from django_ws import Topic, WebSocket
from django_ws.testing import connect, freeze_clock

from . import engine, settings_engine
from .asgi import application
from .codec import Mirror, Point
from .connection import traffic
from .middleware import open_sockets
from .tasks import Works, two_feeds


class ApplicationTests(TestCase):
    async def test_the_three_of_them(self) -> None:
        traffic.clear()
        async with connect("/hello/Ada", application=application) as ws:
            self.assertEqual(await ws.receive_text(), "Hello, Ada.")
            await ws.send_text("and?")
            self.assertEqual(await ws.receive_text(), "and?")
            self.assertEqual(len(open_sockets), 1)
        self.assertEqual(len(open_sockets), 0)
        self.assertEqual(traffic, {"in": 1, "out": 2})

    async def test_no_route(self) -> None:
        async with connect("/goodbye/Ada", application=application) as ws:
            assert ws.denied is not None
            self.assertEqual(ws.denied.status, 404)


class CodecTests(SimpleTestCase):
    async def test_points(self) -> None:
        async with connect(Mirror) as ws:
            await ws.send_bytes(msgspec.msgpack.encode(Point(3, 4)))
            self.assertEqual(await ws.receive_bytes(), msgspec.msgpack.encode(Point(-3, 4)))

    async def test_what_is_none(self) -> None:
        async with connect(Mirror) as ws:
            await ws.send_bytes(b"\x01")
            self.assertEqual(await ws.wait_closed(), 1007)
        async with connect(Mirror) as ws:
            await ws.send_text("{}")
            self.assertEqual(await ws.wait_closed(), 1003)


class TaskTests(SimpleTestCase):
    async def test_both(self) -> None:
        with freeze_clock() as clock:
            async with connect(two_feeds) as ws:
                await clock.advance(1)
                self.assertEqual([await ws.receive() for _ in range(4)], ["red 1", "blue 1", "red 2", "blue 2"])
                self.assertEqual(await ws.wait_closed(), 1000)

    async def test_in_turn(self) -> None:
        with freeze_clock() as clock:
            async with connect(Works) as ws:
                for name in ("one", "two", "three", "three"):
                    await ws.send(name)
                self.assertEqual(await ws.receive(), "three is under way")
                await clock.advance(1.5)
                self.assertEqual([await ws.receive() for _ in range(2)], ["one is done", "two is done"])
                await ws.receive_nothing()
                await clock.advance(1)
                self.assertEqual(await ws.receive(), "three is done")


class News(Topic[str]):
    pattern = "howto.news"


async def news(_ws: WebSocket[str, str]) -> AsyncIterator[str]:
    async with News().listen() as events:
        yield "ready"
        async for event in events:
            yield event


class CountTests(SimpleTestCase):
    @override_settings(WS_BROKERS=settings_engine.WS_BROKERS)
    async def test_it_counts(self) -> None:
        engine.published.clear()
        async with connect(news, timeout=5) as ws:  # a generator hears of the end within a second
            self.assertEqual(await ws.receive(), "ready")
            await News().apublish("hello")
            self.assertEqual(await ws.receive(), "hello")
        self.assertEqual(list(engine.published.values()), [1])
