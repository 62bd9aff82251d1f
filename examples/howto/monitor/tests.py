import asyncio
import io
import json
import logging.config
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from django.test import SimpleTestCase, TestCase, override_settings
from opentelemetry.metrics import set_meter_provider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, NumberDataPoint
from typing_extensions import override

from django_ws import Overflow, WebSocketHandler, get_websocket_application
from django_ws.guards import login_required
from django_ws.refusals import Limit, count_refusal
from django_ws.signals import broker_lost, broker_restored
from django_ws.testing import FakeBroker, connect, websocket_scope
from django_ws.topics import Topic, brokers
from django_ws.urls import path

from . import apps, metrics, settings_logging, views  # noqa: F401 - INSTALLED_APPS names the first two

reader = InMemoryMetricReader()
set_meter_provider(MeterProvider([reader]))


def total(name: str, **labels: object) -> float:
    """Add up all series that have these labels, in which a dot is written as _."""
    data, found = reader.get_metrics_data(), 0.0
    for metric in data.resource_metrics[0].scope_metrics[0].metrics if data else ():
        if metric.name == f"websocket.server.{name}":
            for point in metric.data.data_points:
                has = {key.replace(".", "_"): value for key, value in (point.attributes or {}).items()}
                if labels.items() <= has.items():
                    found += point.value if isinstance(point, NumberDataPoint) else point.count
    return found


class News(Topic[str]):
    pattern = "monitored-news"


class Talk(WebSocketHandler[str, str]):
    """Does as it is told."""

    @override
    async def on_message(self, data: str) -> None:
        if data == "fail":
            raise ValueError("a fault of the test")
        if data.isdecimal():
            await self.close(int(data))
        await self.send(data)


@login_required
class Private(WebSocketHandler):
    """Is for members."""


class Faulty(WebSocketHandler):
    @override
    async def on_open(self) -> None:
        raise ValueError("a fault of the test")

    @override
    async def on_close(self) -> None:
        raise ValueError("another one")


class Unready(WebSocketHandler):
    @override
    async def on_connect(self) -> None:
        raise ValueError("a fault of the test")


class Hasty(WebSocketHandler[str, str]):
    """Sends more than may wait."""

    outbox_messages = 2
    overflow = Overflow.DROP_NEWEST

    @override
    async def on_open(self) -> None:
        for _ in range(10):
            _ = self.send("x")


class TooHasty(WebSocketHandler[str, str]):
    """Is closed for that in the moment in which it opens."""

    outbox_messages = 2
    overflow = Overflow.CLOSE

    @override
    async def on_connect(self) -> None:
        await self.accept()
        for _ in range(10):
            _ = self.send("x")


urlpatterns = [
    path("talk/<int:room>/", Talk),
    path("ends/<int:room>/", Talk),
    path("faulty/", Faulty),
    path("unready/", Unready),
    path("private/", Private),
    path("hasty/", Hasty),
    path("too-hasty/", TooHasty),
]


@override_settings(ROOT_WS_URLCONF="howto.monitor.tests")
class MetricsTests(TestCase):
    async def test_two_rooms_are_one_route(self) -> None:
        route = "talk/<int:room>/"
        async with connect("/talk/1/"), connect("/talk/2/"):
            self.assertEqual(total("active_connections", http_route=route), 2)
        self.assertEqual(total("active_connections", http_route=route), 0)
        ended = total("closed_connections", http_route=route, websocket_close_code="1000")
        self.assertEqual(ended, 2)
        self.assertEqual(total("connection.duration", http_route=route), 2)

    async def test_ends_by_code(self) -> None:
        route = "ends/<int:room>/"
        for said in ("1008", "1013", "4401", "4777", "3999", "fail"):
            with self.subTest(said):
                async with connect("/ends/1/", raise_faults=False) as ws:
                    self.assertEqual(total("active_connections", http_route=route), 1)
                    if said == "fail":
                        with self.assertLogs("django_ws", "ERROR"):
                            await ws.send(said)
                            await ws.wait_closed()
                    else:
                        await ws.send(said)
                        await ws.wait_closed()
                self.assertEqual(total("active_connections", http_route=route), 0)
        for code, number in {"1008": 1, "1013": 1, "4401": 1, "1011": 1, "other": 2, "1000": 0}.items():
            with self.subTest(code):
                self.assertEqual(total("closed_connections", http_route=route, websocket_close_code=code), number)
        self.assertEqual(total("connection.duration", http_route=route), 6)

    async def test_faults_of_the_hooks(self) -> None:
        with self.assertLogs("django_ws", "ERROR"):
            async with connect("/faulty/", raise_faults=False) as ws:
                self.assertEqual(await ws.wait_closed(), 1011)
        self.assertEqual(total("active_connections", http_route="faulty/"), 0)
        self.assertEqual(total("closed_connections", http_route="faulty/", websocket_close_code="1011"), 1)

    async def test_denials(self) -> None:
        expected = {("unready/", 500): 1, ("private/", 401): 2, ("", 404): 2}
        before = {each: self.denials(*each) for each in expected}
        with self.assertLogs("django_ws"):
            for url in ("/unready/", "/private/", "/private/", "/nowhere/", "/else/where/"):
                async with connect(url, raise_faults=False) as ws:
                    self.assertIsNotNone(ws.denied)
        self.assertEqual({each: self.denials(*each) - before[each] for each in expected}, expected)
        for route in ("unready/", "private/"):
            self.assertEqual(total("active_connections", http_route=route), 0)
            self.assertEqual(total("closed_connections", http_route=route), 0)

    def denials(self, route: str, status: int) -> float:
        return total("denied_handshakes", http_route=route, http_response_status_code=status)

    async def test_messages_that_a_slow_client_does_not_get(self) -> None:
        before = total("limit_hits", limit="WS_OUTBOX_MESSAGES")
        with self.assertLogs("django_ws", "WARNING"):
            await serve_slow_client("/hasty/")
        number = total("dropped_messages", http_route="hasty/")
        self.assertGreater(number, 0)
        self.assertEqual(total("limit_hits", limit="WS_OUTBOX_MESSAGES"), before + number)
        self.assertEqual(total("active_connections", http_route="hasty/"), 0)

    async def test_what_ends_as_it_opens_is_counted_first(self) -> None:
        with self.assertLogs("django_ws", "WARNING"):
            await serve_slow_client("/too-hasty/")
        self.assertEqual(total("closed_connections", http_route="too-hasty/", websocket_close_code="1013"), 1)
        self.assertEqual(total("active_connections", http_route="too-hasty/"), 0)

    async def test_an_engine_that_is_away(self) -> None:
        heard = asyncio.Queue[None]()

        async def hear(**_: object) -> None:
            heard.put_nowait(None)

        for signal in (broker_lost, broker_restored):
            signal.connect(hear)
            self.addCleanup(signal.disconnect, hear)
        with override_settings(WS_BROKERS={"default": {"BACKEND": "django_ws.testing.FakeBroker"}}):
            broker = brokers["default"]
            assert isinstance(broker, FakeBroker)
            async with News().listen(), asyncio.timeout(5):
                broker.go_down()
                await heard.get()
                self.assertEqual(total("lost_brokers", broker="default"), 1)
                broker.come_back()
                await heard.get()
                self.assertEqual(total("lost_brokers", broker="default"), 0)

    def test_limits(self) -> None:
        before = total("limit_hits", limit="WS_MESSAGES_PER_SECOND")
        count_refusal(Limit.MESSAGE_RATE)
        self.assertEqual(total("limit_hits", limit="WS_MESSAGES_PER_SECOND"), before + 1)


async def serve_slow_client(url: str) -> None:
    """Serve a client that reads nothing before it goes."""
    reads = asyncio.Event()

    # ASGI: a message is an open dict.
    async def receive() -> Any:
        if not opened.is_set():
            opened.set()
            return {"type": "websocket.connect"}
        await asyncio.wait_for(asyncio.shield(served.wait()), 5)
        return {"type": "websocket.disconnect", "code": 1001}

    async def send(message: Any) -> None:
        if message["type"] == "websocket.send":
            served.set()
            await reads.wait()

    opened, served = asyncio.Event(), asyncio.Event()
    scope: Any = websocket_scope(url)
    async with asyncio.timeout(10):
        await get_websocket_application()(scope, receive, send)


@override_settings(ROOT_WS_URLCONF="howto.monitor.tests")
class HealthTests(SimpleTestCase):
    async def test_a_host_is_drained(self) -> None:
        with TemporaryDirectory() as folder, patch.object(views, "DRAIN", Path(folder) / "drain"):
            async with connect("/talk/1/") as ws:
                self.assertEqual(await self.statuses(), [200, 200])
                views.DRAIN.touch()
                self.assertEqual(await self.statuses(), [200, 503])
                await ws.send("still here")
                self.assertEqual(await ws.receive(), "still here")

    async def statuses(self) -> list[int]:
        return [(await self.async_client.get(f"/monitor/{name}/")).status_code for name in ("live", "ready")]


@override_settings(ROOT_WS_URLCONF="howto.monitor.tests")
class LogTests(SimpleTestCase):
    async def test_a_line_is_an_object_with_the_fields(self) -> None:
        stream = io.StringIO()
        loggers = ("django_ws", "django_ws.access", "django_ws.topics")
        with patch("sys.stderr", stream):
            logging.config.dictConfig(settings_logging.LOGGING)
        try:
            async with connect("/talk/1/", raise_faults=False) as ws:
                await ws.send("fail")
                await ws.wait_closed()
        finally:
            logging.config.dictConfig(
                {
                    "version": 1,
                    "disable_existing_loggers": False,
                    "loggers": {name: {"handlers": [], "level": "NOTSET", "propagate": True} for name in loggers},
                }
            )
        opened, closed, fault = map(json.loads, stream.getvalue().splitlines())
        self.assertEqual([closed["name"], fault["name"]], ["django_ws.access", "django_ws"])
        self.assertEqual([fault["levelname"], fault["code"]], ["ERROR", 1011])
        self.assertIn("ValueError: a fault of the test", fault["exc_info"])
        for line in (opened, fault, closed):
            self.assertEqual([line["route"], line["handler"]], ["talk/<int:room>/", "Talk"])
        self.assertEqual(closed["code"], 1011)
        self.assertGreaterEqual(closed["duration"], 0)
