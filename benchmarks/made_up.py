"""A made-up server: ``receive`` and ``send`` are plain coroutines, and no socket, parser or thread is there.

As every server must, it makes an event of each message that comes, and looks at what each event is that goes.

What remains is what the application costs, in CPU time of its process: nothing here waits for anything else, and
what other processes do on the machine does not count.
"""

import asyncio
import gc
import tracemalloc
from itertools import chain, repeat
from time import process_time_ns
from typing import TYPE_CHECKING, Final, final

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from benchmarks.apps import Application, Message, Receive, Scope, Send

__all__ = ["Idle", "connection_time", "echo", "heap_bytes", "make_scope", "message_time", "open_idle"]

_HEADERS: Final = (
    ("host", "127.0.0.1:8000"),
    ("user-agent", "benchmarks"),
    ("origin", "http://127.0.0.1:8000"),
    ("upgrade", "websocket"),
    ("connection", "Upgrade"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ("sec-websocket-version", "13"),
)

_CONNECT: "Final[Message]" = {"type": "websocket.connect"}
_DISCONNECT: "Final[Message]" = {"type": "websocket.disconnect", "code": 1000, "reason": ""}


def make_scope(path: str) -> "Scope":
    """Make a scope, as uvicorn makes it of a browser's handshake: nothing in its headers is shared with another."""
    return {
        "type": "websocket",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "scheme": "ws",
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 50000),
        "root_path": "",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in _HEADERS],
        "subprotocols": [],
        "state": {},
        "extensions": {"websocket.http.response": {}},
    }


@final
class _Turn:
    """Awaited, it waits one turn of the loop."""

    __slots__ = ()

    def __await__(self) -> "Generator[None, None, None]":
        """Wait."""
        yield


_TURN: Final = _Turn()


def _receive_from(events: "Iterator[Message]", *, waiting: bool = False) -> "Receive":
    async def receive() -> "Message":
        return next(events)

    async def receive_waiting() -> "Message":
        await _TURN
        return next(events)

    return receive_waiting if waiting else receive


async def _send(message: "Message") -> None:
    """Take a message, as a server does whose buffer has room."""
    if message["type"] == "websocket.send":
        _taken[0] += len(message["text"])


_taken: Final = [0]
"""Characters that were sent."""


def _texts(count: int, text: str) -> "Iterator[Message]":
    return ({"type": "websocket.receive", "text": one} for one in [text] * count)


async def echo(application: "Application", path: str, text: str, count: int = 3) -> list[str]:
    """Give what the application sends back, to see that it does the work that is measured."""
    sent: list[Message] = []

    async def send(message: "Message") -> None:
        sent.append(message)

    events: Iterator[Message] = chain([_CONNECT], _texts(count, text), repeat(_DISCONNECT))
    await asyncio.create_task(_run(application, path, events, send))
    return [str(message["text"]) for message in sent if message["type"] == "websocket.send"]


async def _run(application: "Application", path: str, events: "Iterator[Message]", send: "Send") -> None:
    await application(make_scope(path), _receive_from(events), send)


async def message_time(application: "Application", path: str, text: str, count: int, *, waiting: bool) -> float:
    """Give the microseconds of one message, without those of its connection."""
    stamps: list[int] = []

    def stamp() -> "Generator[Message, None, None]":
        # An iterator without items between two lists: the clock is read there, and nothing is added to a message.
        stamps.append(process_time_ns())
        yield from ()

    events = chain([_CONNECT], stamp(), _texts(count, text), stamp(), repeat(_DISCONNECT))
    receive = _receive_from(events, waiting=waiting)
    gc.collect()
    await asyncio.create_task(application(make_scope(path), receive, _send))
    return (stamps[1] - stamps[0]) / count / 1000


async def connection_time(application: "Application", path: str, text: str, count: int, *, own_task: bool) -> float:
    """Give the microseconds of one connection with one message, in a task of its own as servers run it, or bare."""
    message: Message = {"type": "websocket.receive", "text": text}
    made = [(make_scope(path), _receive_from(iter([_CONNECT, message, _DISCONNECT]))) for _ in range(count)]
    gc.collect()
    create_task = asyncio.get_running_loop().create_task
    start = process_time_ns()
    if own_task:
        for scope, receive in made:
            await create_task(application(scope, receive, _send))
    else:
        for scope, receive in made:
            await application(scope, receive, _send)
    return (process_time_ns() - start) / count / 1000


@final
class Idle:
    """A connection that stays open until it is told to end.

    Args:
        application: What serves it.
        path: Where it is.
    """

    __slots__ = ("_connected", "_end", "task")

    def __init__(self, application: "Application", path: str) -> None:
        self._connected: bool = False
        self._end: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self.task: asyncio.Task[None] = asyncio.create_task(application(make_scope(path), self.receive, _send))

    async def receive(self) -> "Message":
        """Give the handshake, then wait."""
        if self._connected:
            return await self._end
        self._connected = True
        return _CONNECT

    async def end(self) -> None:
        """Disconnect, and wait until the application has ended."""
        if not self._end.done():
            self._end.set_result(_DISCONNECT)
        await self.task


async def heap_bytes(application: "Application", path: str, count: int) -> float:
    """Give the heap bytes of one open connection on which nothing happens, the server's part included."""
    await _idle_bytes(application, path, 50, _nothing)  # so that what is made once is there
    tracemalloc.start()
    try:
        return await _idle_bytes(application, path, count, lambda: tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()


def _nothing() -> int:
    return 0


async def open_idle(application: "Application", path: str, count: int) -> "list[Idle]":
    """Open so many connections on which nothing happens."""
    idle = [Idle(application, path) for _ in range(count)]
    await asyncio.sleep(0.2)
    return idle


async def _idle_bytes(application: "Application", path: str, count: int, used: "Callable[[], int]") -> float:
    await asyncio.sleep(0.05)
    gc.collect()
    before = used()
    idle = await open_idle(application, path, count)
    gc.collect()
    after = used()
    for one in idle:
        await one.end()
    return (after - before) / count
