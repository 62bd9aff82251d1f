"""testing/client.py"""

from collections.abc import Iterator

import pytest
from typing_extensions import override

from django_ws import WebSocket, WebSocketHandler
from django_ws.testing import FakeCodec, FakeMiddleware, connect
from django_ws.testing.targets import no_http
from serving import Echo, serving


class Room(WebSocketHandler):
    @override
    async def on_open(self) -> None:
        await self.send({"args": self.args, "kwargs": self.kwargs, "path": self.request.path})


async def length(ws: WebSocket[str, bytes], suffix: str = "") -> None:
    async for text in ws:
        await ws.send((text + suffix).encode())


NOTES = FakeMiddleware()


async def test_a_path_is_one_of_the_project() -> None:
    async with connect("/echo/") as ws:
        await ws.send("hello")
        assert await ws.receive() == "hello"
    async with connect("/nowhere/") as ws:
        assert ws.denied is not None
        assert ws.denied.status == 404


async def test_a_path_of_an_application() -> None:
    async with connect("/other/?x=1", application=serving(Room, path="/other/")) as ws:
        assert await ws.receive() == {"args": [], "kwargs": {}, "path": "/other/"}


async def test_a_class_gets_what_a_route_would_capture() -> None:
    async with connect(Room, "positional", room_id=3) as ws:
        assert await ws.receive() == {"args": ["positional"], "kwargs": {"room_id": 3}, "path": "/"}


async def test_a_view_of_a_class() -> None:
    async with connect(Room.as_view(), room_id=3) as ws:
        message = await ws.receive()
        assert message["kwargs"] == {"room_id": 3}


async def test_a_function() -> None:
    async with connect(length, suffix="!") as ws:
        await ws.send("hello")
        assert await ws.receive() == b"hello!"


async def test_the_middleware_of_the_settings_is_around_a_class(settings_middleware: None) -> None:
    async with connect(Echo) as ws:
        assert ws.is_open
    assert NOTES.notes == ["fake in", "fake out"]


@pytest.fixture
def settings_middleware() -> Iterator[None]:
    from django.test import override_settings

    with override_settings(WS_MIDDLEWARE=[f"{__name__}.NOTES"]):
        yield


async def test_a_codec_encodes_and_decodes_in_place_of_the_client() -> None:
    codec = FakeCodec()
    async with connect(Echo, codec=codec) as ws:
        await ws.send("hello")
        assert await ws.receive() == "hello"
    assert (codec.encoded, codec.decoded) == (["hello"], ["hello"])


def test_what_goes_with_another_target_is_refused() -> None:
    target: object = "/echo/"
    with pytest.raises(TypeError, match="takes no arguments of a route, but got 1, room_id"):
        connect(target, 1, room_id=3)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="give a path instead"):
        connect(Echo, application=no_http)


def test_nothing_is_asked_before_the_block_is_entered() -> None:
    ws = connect("/echo/")
    assert not ws.is_open
    assert ws.close_code is None
