"""What an ended socket leaves behind: nothing that only the garbage collector could free."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any
from weakref import WeakSet

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from typing_extensions import override

from django_ws import (
    Endpoint,
    Flood,
    Next,
    SyncWebSocketHandler,
    WebSocket,
    WebSocketHandler,
    get_websocket_application,
)
from django_ws.guards import user_passes_test
from django_ws.handler.runtime import runtime
from django_ws.signals import websocket_closed, websocket_opened
from django_ws.testing import FakeGuard, FakeResolver, Peer
from handler.support import turns, until

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


class SavingAtTheEnd(Counted):
    @override
    async def on_close(self) -> None:
        await sync_to_async(len)("")


class FailingAtTheEnd(SavingAtTheEnd):
    @override
    async def on_message(self, data: str, /) -> None:
        raise ValueError(data)

    @override
    async def on_error(self, error: Exception) -> None:
        await sync_to_async(len)("")


class Throttled(Busy):
    """Waits for its second message until it is interrupted."""

    messages_per_second = 0.001
    messages_burst = 1
    disconnect_grace = 0

    @override
    async def on_message(self, data: str, /) -> None:
        await self.send(data)
        _ = self.start_task("closer", self.end_soon)

    async def end_soon(self) -> None:
        await until(lambda: self._throttled)
        await self.close(4000)


class Flooded(Throttled):
    flood = Flood.CLOSE


class Idle(Busy):
    idle_timeout = 60

    @override
    async def on_message(self, data: str, /) -> None:
        await self.send(data)
        _ = self.start_task("silence", self.be_silent)

    async def be_silent(self) -> None:
        await until(lambda: not self.ws_phase)
        watch = runtime().idle
        watch._watched[self] = (60, self.ws_received, -1e9)
        timer = watch._timer
        assert timer is not None
        timer.cancel()
        watch._look()


class Overflowing(Busy):
    outbox_messages = 1

    @override
    async def on_message(self, data: str, /) -> None:
        for _ in range(4):
            _ = self.send(data)
        await turns(5)


async def anybody(request: HttpRequest) -> HttpResponse | None:
    return None


class Guarded(Busy):
    guards = (FakeGuard(), anybody)


class Refused(Busy):
    guards = (FakeGuard(HttpResponse(status=402)),)


async def nobody(request: HttpRequest) -> HttpResponse | None:
    raise PermissionDenied  # one of its own for each socket: an exception knows the frames that it passed


class Forbidden(Busy):
    guards = (nobody,)


async def function(ws: WebSocket[str, str]) -> None:
    _sockets.add(ws)
    async for data in ws:
        await ws.send(data)


async def generator(ws: WebSocket[str, str]) -> AsyncIterator[str]:
    _sockets.add(ws)
    async for data in ws:
        yield data


async def waiting_generator(ws: WebSocket[str, str]) -> AsyncIterator[str]:
    _sockets.add(ws)
    yield "one"
    _ = ws.start_task("closer", close_soon, ws)
    await asyncio.Event().wait()


async def close_soon(ws: WebSocket[str, str]) -> None:
    await turns(5)
    await ws.close(4000)


async def failing_generator(ws: WebSocket[str, str]) -> AsyncIterator[str]:
    _sockets.add(ws)
    yield await ws.receive()
    raise ValueError


async def badly_ending_generator(ws: WebSocket[str, str]) -> AsyncIterator[str]:
    try:
        async for data in waiting_generator(ws):
            yield data
    finally:
        await fail()


class Concurrent(Busy):
    max_concurrent_messages = 2


class FailingAtOnce(Failing):
    max_concurrent_messages = 2


class ClosingAtOnce(Closing):
    max_concurrent_messages = 2


class Sync(SyncWebSocketHandler[str, str]):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _sockets.add(self)

    @override
    def on_message(self, data: str, /) -> None:
        self.send(data)

    @override
    def on_close(self) -> None:
        self.send("too late")


class FailingSync(Sync):
    @override
    def on_message(self, data: str, /) -> None:
        raise ValueError(data)


class SendingBadly(Sync):
    @override
    def on_message(self, data: str, /) -> None:
        self.send("\ud800")


@user_passes_test(lambda user: user is not None)
async def guarded_function(ws: WebSocket[str, str]) -> None:
    await function(ws)


async def no_http(scope: Any, receive: Any, send: Any, /) -> None:
    raise AssertionError


TARGETS: list[Any] = [
    Counted,
    Busy,
    Failing,
    Denying,
    Closing,
    UsingALane,
    SavingAtTheEnd,
    FailingAtTheEnd,
    Throttled,
    Flooded,
    Idle,
    Overflowing,
    Guarded,
    Guarded.as_view(),
    never_cache(Guarded.as_view()),
    Refused,
    Forbidden,
    function,
    guarded_function,
    generator,
    waiting_generator,
    failing_generator,
    badly_ending_generator,
    Concurrent,
    FailingAtOnce,
    ClosingAtOnce,
    Sync,
    FailingSync,
    SendingBadly,
]


# They end by themselves, of what is to be seen here.
WAITS: list[Any] = [Throttled, Flooded, Idle, waiting_generator, badly_ending_generator]


def plainly(websocket: WebSocket[str, str], **more: object) -> None:
    assert websocket.request is not None


async def asynchronously(websocket: WebSocket[str, str], **more: object) -> None:
    await turns(2)


def fail_plainly(**more: object) -> None:
    raise ValueError


async def fail(**more: object) -> None:
    raise ValueError


@pytest.fixture(params=["nobody listens", "some listen"])
def listening(request: pytest.FixtureRequest) -> Iterator[None]:
    connected = [
        (signal, receiver)
        for signal in (websocket_opened, websocket_closed)
        for receiver in (plainly, asynchronously, fail_plainly, fail)
        if request.param == "some listen"
    ]
    for signal, receiver in connected:
        signal.connect(receiver)
    yield
    for signal, receiver in connected:
        signal.disconnect(receiver)


def with_a_user(next_: Next) -> Any:
    async def middleware(ws: Endpoint) -> object:
        ws.request.user = AnonymousUser()
        return await next_(ws)

    return middleware


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.__name__)
@pytest.mark.parametrize("slow", [False, True])
async def test_an_ended_socket_is_freed_by_reference_counting(target: Any, slow: bool, listening: None) -> None:
    application = get_websocket_application(no_http, resolver=FakeResolver({"/": target}), middleware=[with_a_user])
    for _ in range(3):
        peer = Peer(application)
        _ = peer.start()
        if await peer.connect():
            if slow:
                peer.pause()
            peer.text("hello")
            peer.text("again")
            await turns(3)
            if slow:
                peer.resume()
            if target in WAITS:
                await peer.wait_closed()
            peer.disconnect()
        await peer.wait()
        del peer
    for _ in range(1000):
        if not _sockets:
            return
        # A thread that ran a receiver lets go of it in its own time.
        await asyncio.sleep(0.001)
    assert len(_sockets) == 0
