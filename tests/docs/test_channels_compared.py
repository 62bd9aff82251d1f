"""What docs/explain/why-not-channels.md says of Channels and of us, where no other test says it: both are run here."""

import asyncio
import threading
from importlib.metadata import metadata
from importlib.resources import files
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.test import override_settings
from typing_extensions import override

from django_ws import WebSocketHandler, get_websocket_application
from django_ws.interfaces import ASGIApplication
from django_ws.testing import FakeResolver, FakeTopic, Peer, freeze_clock, websocket_scope
from handler.support import until

pytest.importorskip("channels")

from channels.generic.websocket import AsyncWebsocketConsumer  # type: ignore[import-untyped]
from channels.layers import InMemoryChannelLayer, get_channel_layer  # type: ignore[import-untyped]
from channels.routing import URLRouter  # type: ignore[import-untyped]

LAYER = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
ours_room: FakeTopic[str] = FakeTopic()


class Books:
    """What a socket of either kind noted."""

    def __init__(self) -> None:
        self.ended = False
        self.gate = asyncio.Event()


def theirs(books: Books) -> ASGIApplication:
    # Channels has no types.
    class Consumer(AsyncWebsocketConsumer):  # type: ignore[misc]
        groups = ["room"]

        async def receive(self, text_data: Any = None, bytes_data: Any = None) -> None:
            if text_data == "fail":
                raise RuntimeError("a fault of the project")
            await books.gate.wait()

        async def disconnect(self, code: Any) -> None:
            books.ended = True

    application: ASGIApplication = Consumer.as_asgi()
    return application


def ours(books: Books) -> ASGIApplication:
    class Socket(WebSocketHandler[str, str]):
        disconnect_grace = 1.0

        @override
        async def on_open(self) -> None:
            await self.subscribe(ours_room)

        @override
        async def on_message(self, data: str) -> None:
            if data == "fail":
                raise RuntimeError("a fault of the project")
            await books.gate.wait()

        @override
        async def on_close(self) -> None:
            books.ended = True

    return serving(Socket)


async def no_http(scope: Any, receive: Any, send: Any, /) -> None:
    raise AssertionError


def serving(target: object) -> ASGIApplication:
    return get_websocket_application(no_http, resolver=FakeResolver({"/": target}))


async def opened(application: ASGIApplication) -> Peer:
    peer = Peer(application, raise_after_end=None)
    _ = peer.start()
    assert await peer.connect()
    return peer


@pytest.mark.parametrize("kind", [theirs, ours])
async def test_a_client_that_leaves_while_a_hook_runs(kind: Any) -> None:
    """Theirs hears of it when the handler has ended, be that in an hour; ours within a second, and has its grace."""
    books = Books()
    with override_settings(CHANNEL_LAYERS=LAYER), freeze_clock() as clock:
        peer = await opened(kind(books))
        peer.text("wait")
        await clock.rest()
        peer.disconnect()
        await clock.advance(3600)
        assert books.ended == (kind is ours)
        books.gate.set()
        await clock.rest()
        await peer.wait()
    assert books.ended


async def test_after_an_exception_theirs_stays_in_its_group() -> None:
    books = Books()
    with override_settings(CHANNEL_LAYERS=LAYER):
        peer = await opened(theirs(books))
        layer = get_channel_layer()
        peer.text("fail")
        with pytest.raises(RuntimeError, match="a fault of the project"):
            await peer.wait()
        assert len(layer.groups["room"]) == 1
        assert peer.close_code is None
    assert not books.ended


async def test_after_an_exception_ours_has_left(caplog: pytest.LogCaptureFixture) -> None:
    books = Books()
    peer = await opened(ours(books))
    await until(lambda: len(ours_room.members) == 1)
    peer.text("fail")
    await peer.wait()
    assert books.ended
    assert not ours_room.members
    assert peer.close_code == 1011
    assert len([record for record in caplog.records if record.exc_info]) == 1


@pytest.mark.parametrize("kind", [theirs, ours])
async def test_a_page_of_another_site(kind: Any) -> None:
    with override_settings(CHANNEL_LAYERS=LAYER):
        scope = websocket_scope(headers=[("origin", "https://elsewhere.example")])
        async with Peer(kind(Books()), scope, raise_after_end=None) as peer:
            assert await peer.connect() == (kind is theirs)


async def test_over_the_capacity_nobody_is_told() -> None:
    layer = InMemoryChannelLayer(capacity=2)
    channel = await layer.new_channel()
    await layer.group_add("room", channel)
    for number in range(5):
        await layer.group_send("room", {"type": "said", "number": number})
    assert [(await layer.receive(channel))["number"] for _ in range(2)] == [0, 1]
    assert channel not in layer.channels or layer.channels[channel].empty()


async def test_on_how_many_threads_sync_code_runs() -> None:
    used: set[str] = set()
    both = threading.Barrier(2)

    def work() -> None:
        used.add(threading.current_thread().name)

    def meet() -> None:
        both.wait(10)

    # Channels has no types.
    class Consumer(AsyncWebsocketConsumer):  # type: ignore[misc]
        async def receive(self, text_data: Any = None, bytes_data: Any = None) -> None:
            await sync_to_async(work)()
            await self.send("done")

    class Socket(WebSocketHandler[str, str]):
        @override
        async def on_message(self, data: str) -> None:
            await sync_to_async(meet)()
            await self.send("done")

    for application in (Consumer.as_asgi(), serving(Socket)):
        peers = [await opened(application) for _ in range(2)]
        for peer in peers:
            peer.text("go")
        # Ours meet: both calls are under way at once.
        assert [await peer.receive() for peer in peers] == ["done", "done"]
        for peer in peers:
            peer.disconnect()
            await peer.wait()
    assert len(used) == 1


async def test_theirs_serves_scopes_of_any_type() -> None:
    """What ours does not: any ASGI consumer has its place in their router."""
    served = []

    async def consumer(scope: Any, receive: Any, send: Any) -> None:
        served.append(scope["type"])

    from channels.routing import ProtocolTypeRouter
    from django.urls import re_path

    # To Django's types, what stands in a route is a view.
    as_view: Any = consumer
    application = ProtocolTypeRouter({"telegram": consumer, "http": URLRouter([re_path("", as_view)])})
    await application({"type": "telegram"}, None, None)
    await application({**websocket_scope(), "type": "http"}, None, None)
    assert served == ["telegram", "http"]


def test_what_their_package_says_of_itself() -> None:
    about = metadata("channels")
    assert about["Requires-Python"] == ">=3.9"
    assert "Django>=4.2" in about.get_all("Requires-Dist", [])
    assert any(each.startswith("types-channels") for each in about.get_all("Requires-Dist", []))
    assert not (files("channels") / "py.typed").is_file()
    assert (files("django_ws") / "py.typed").is_file()
