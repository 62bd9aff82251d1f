"""What an ended socket leaves behind: nothing that only the garbage collector could free."""

import asyncio
import gc
import logging
from collections.abc import Iterator
from typing import Any
from weakref import WeakSet

import pytest
from asgiref.sync import sync_to_async
from django.core.exceptions import PermissionDenied
from typing_extensions import override

from django_ws import WebSocket, WebSocketHandler, get_websocket_application
from django_ws.testing import FakeResolver, Peer
from handler.support import turns

_sockets: WeakSet[Any] = WeakSet()


@pytest.fixture(autouse=True)
def by_counting_alone() -> Iterator[None]:
    """A log record that a handler keeps would keep the fault's frames."""
    logging.disable(logging.CRITICAL)
    gc.collect()
    gc.disable()
    yield
    gc.enable()
    logging.disable(logging.NOTSET)
    _sockets.clear()


class Counted(WebSocketHandler[str, str]):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _sockets.add(self)

    @override
    async def on_message(self, data: str, /) -> None:
        await self.send(data)


class Busy(Counted):
    @override
    async def on_open(self) -> None:
        _ = self.start_ping()
        _ = self.start_task("wait", asyncio.Event().wait)

    @override
    async def on_close(self) -> None:
        await turns(2)


class Failing(Busy):
    @override
    async def on_message(self, data: str, /) -> None:
        raise ValueError(data)


class Denying(Counted):
    @override
    async def on_connect(self) -> None:
        raise PermissionDenied


class Closing(Busy):
    @override
    async def on_message(self, data: str, /) -> None:
        await self.close(4000)


class UsingALane(Busy):
    @override
    async def on_message(self, data: str, /) -> None:
        await sync_to_async(len)(data)
        await self.send(data)


async def function(ws: WebSocket[str, str]) -> None:
    _sockets.add(ws)
    async for data in ws:
        await ws.send(data)


async def no_http(scope: Any, receive: Any, send: Any, /) -> None:
    raise AssertionError


@pytest.mark.parametrize("target", [Counted, Busy, Failing, Denying, Closing, UsingALane, function])
@pytest.mark.parametrize("slow", [False, True])
async def test_an_ended_socket_is_freed_by_reference_counting(target: Any, slow: bool) -> None:
    application = get_websocket_application(no_http, resolver=FakeResolver({"/": target}))
    for _ in range(3):
        peer = Peer(application)
        _ = peer.start()
        if await peer.connect():
            if slow:
                peer.pause()
            peer.text("hello")
            await turns(3)
            if slow:
                peer.resume()
            peer.disconnect()
        await peer.wait()
        del peer
    await turns(3)
    assert len(_sockets) == 0
