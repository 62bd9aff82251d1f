"""A crowd of sockets in-process, and how long it takes to send all of them what one of them said.

The server is uvicorn's own protocol over a transport that goes nowhere: everything is there that a message costs but
the kernel. Or it is none at all: ``send`` takes and forgets.
"""

import asyncio
import gc
import re
import tracemalloc
from time import perf_counter, process_time_ns
from typing import TYPE_CHECKING, Any, Final, final

import psutil  # type: ignore[import-untyped] # it has no types
import uvicorn
from typing_extensions import override
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

from benchmarks.made_up import make_scope
from benchmarks.workers.load import handshake, masked_frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.apps import Application, Message

__all__ = ["Crowd", "membership"]

_SECONDS: Final = 60.0
"""How long anything may take."""


@final
class _Nowhere(asyncio.Transport):
    """A transport whose bytes are counted, by the piece, and forgotten.

    Args:
        written: Told of each.
    """

    def __init__(self, written: "Callable[[], None]") -> None:
        super().__init__({"peername": ("127.0.0.1", 50000), "sockname": ("127.0.0.1", 8000)})
        self._written: Callable[[], None] = written
        self._closed: bool = False

    # asyncio: anything that holds bytes.
    @override
    def write(self, data: Any) -> None:
        self._written()

    @override
    def is_closing(self) -> bool:
        return self._closed

    @override
    def close(self) -> None:
        self._closed = True

    @override
    def pause_reading(self) -> None:
        pass

    @override
    def resume_reading(self) -> None:
        pass


@final
class _Bare:
    """A socket without a server.

    Args:
        application: What serves it.
        path: Where it is.
        written: Told of each message that is sent.
    """

    def __init__(self, application: "Application", path: str, written: "Callable[[], None]") -> None:
        self._written: Callable[[], None] = written
        self._incoming: asyncio.Queue[Message] = asyncio.Queue()
        self._incoming.put_nowait({"type": "websocket.connect"})
        self._task = asyncio.create_task(application(make_scope(path), self._incoming.get, self._send))

    async def _send(self, message: "Message") -> None:
        if message["type"] in {"websocket.send", "websocket.accept"}:
            self._written()

    def say(self, text: str) -> None:
        """Let the application receive a message."""
        self._incoming.put_nowait({"type": "websocket.receive", "text": text})

    async def leave(self) -> None:
        """Disconnect."""
        self._incoming.put_nowait({"type": "websocket.disconnect", "code": 1000, "reason": ""})
        await self._task


@final
class _Served:
    """A socket behind uvicorn's protocol; see :class:`_Bare`."""

    def __init__(self, config: uvicorn.Config, path: str, written: "Callable[[], None]") -> None:
        self._state = ServerState()
        self._protocol = WebSocketsSansIOProtocol(config, self._state, {})
        self._protocol.connection_made(_Nowhere(written))
        # With its names in lower case, as it comes from uvicorn's protocol of HTTP.
        request = re.sub(rb"(?m)^[\w-]+:", lambda name: name[0].lower(), handshake(8000, path))
        self._protocol.data_received(request)

    def say(self, text: str) -> None:
        """Let the application receive a message."""
        self._protocol.data_received(masked_frame(text.encode()))

    async def leave(self) -> None:
        """Disconnect."""
        tasks = tuple(self._state.tasks)
        self._protocol.connection_lost(None)
        await asyncio.gather(*tasks)


@final
class Crowd:
    """Open sockets in-process.

    Args:
        application: What serves them.
        path: Where they are.
        count: How many.
        served: Whether uvicorn's protocol is between; else there is no server.
    """

    def __init__(self, application: "Application", path: str, count: int, *, served: bool) -> None:
        self._missing: int = count
        self._all: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._members: list[_Bare | _Served] = []
        config = uvicorn.Config(
            application,
            interface="asgi3",
            ws="websockets-sansio",
            lifespan="off",
            log_level="error",
            access_log=False,
            ws_ping_interval=None,
        )
        config.load()
        for _ in range(count):
            self._members.append(
                _Served(config, path, self._written) if served else _Bare(application, path, self._written)
            )
        self._count: int = count

    def _written(self) -> None:
        self._missing -= 1
        if not self._missing:
            self._all.set_result(None)

    async def heard(self, count: int) -> None:
        """Wait until so many messages have been sent since the last time."""
        async with asyncio.timeout(_SECONDS):
            await self._all
        self._expect(count)

    def _expect(self, count: int) -> None:
        self._missing, self._all = count, asyncio.get_running_loop().create_future()

    async def opened(self) -> None:
        """Wait until all handshakes have been accepted, and on_open has been run."""
        await self.heard(self._count)
        # Whoever has been accepted may still have to subscribe.
        await asyncio.sleep(0.2)

    async def delivery_time(self, text: str, events: int) -> float:
        """Give the nanoseconds of one delivery, over so many events, each said when all had heard the one before."""
        gc.collect()
        start = process_time_ns()
        for _ in range(events):
            self._members[0].say(text)
            await self.heard(self._count)
        return (process_time_ns() - start) / events / self._count

    async def tell_all(self, text: str) -> None:
        """Say something on every socket, and wait until each has sent one message."""
        for member in self._members:
            member.say(text)
        await self.heard(self._count)

    async def leave(self) -> None:
        """Close them."""
        self._expect(-1)
        for member in self._members:
            await member.leave()


async def membership(
    application: "Application", path: str, topics: int, sockets: int, *, traced: bool
) -> tuple[float, float]:
    """Let so many sockets join so many topics each; give the seconds, and the bytes of a membership.

    The bytes are those of the heap by tracemalloc, which slows it down, or those of RSS, which are only meant where
    there are very many.
    """
    if traced:
        # What is made once, or kept for the next time, is there already.
        await _join(application, path, topics, sockets, lambda: 0)
        tracemalloc.start()
    try:
        return await _join(application, path, topics, sockets, _traced if traced else _resident)
    finally:
        tracemalloc.stop()


def _traced() -> int:
    return tracemalloc.get_traced_memory()[0]


def _resident() -> int:
    size: int = psutil.Process().memory_info().rss
    return size


async def _join(
    application: "Application", path: str, topics: int, sockets: int, used: "Callable[[], int]"
) -> tuple[float, float]:
    crowd = Crowd(application, path, sockets, served=False)
    await crowd.opened()
    # What a message leaves behind is there already, as the bytes begin to be counted.
    await crowd.tell_all("0")
    gc.collect()
    before, start = used(), perf_counter()
    await crowd.tell_all(str(topics))
    seconds = perf_counter() - start
    gc.collect()
    size = (used() - before) / topics / sockets
    await crowd.leave()
    return seconds, size
