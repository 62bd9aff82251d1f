"""Where the time of ours goes: of one message, of one connection, and what an idle connection holds on the heap.

Runs in a process of its own (:mod:`benchmarks.workers.profiler`). The parts are timed alone, each called many times,
an empty call taken off; they do not add up to the whole exactly, for the whole finds the processor's caches fuller.
"""

import asyncio
import cProfile
import gc
import tracemalloc
from time import process_time_ns
from typing import TYPE_CHECKING, Final

from benchmarks.apps import PATHS, ours, raw
from benchmarks.made_up import connection_time, make_scope, message_time, open_idle
from benchmarks.measures import MESSAGE
from django_ws.handler.lanes import enter_lanes
from django_ws.handler.options import options_of
from django_ws.handler.websocket import WebSocket
from django_ws.protocol import ASGIConnection
from django_ws.protocol.asgi import build_data, parse_data
from django_ws.routing import DjangoResolver, WebSocketRequest, check_origin, path_info, script_prefix

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from benchmarks.apps import Message

__all__ = ["profile"]

_CALLS: Final = 5_000
_REPEATS: Final = 5
_CONNECTIONS: Final = 2_000
_LINES: Final = 25


def _nanoseconds(call: "Callable[[], object]") -> float:
    best = float("inf")
    for _ in range(_REPEATS):
        start = process_time_ns()
        for _ in range(_CALLS):
            call()
        best = min(best, (process_time_ns() - start) / _CALLS)
    return best


async def _awaited_nanoseconds(call: "Callable[[], Awaitable[object]]") -> float:
    best = float("inf")
    for _ in range(_REPEATS):
        start = process_time_ns()
        for _ in range(_CALLS):
            await call()
        best = min(best, (process_time_ns() - start) / _CALLS)
    return best


class _Parts:
    """Times parts and keeps their lines."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._empty: float = _nanoseconds(lambda: None)

    def time(self, title: str, call: "Callable[[], object]") -> None:
        """Time one part."""
        self.lines.append(f"  {_nanoseconds(call) - self._empty:8.0f} ns  {title}")

    async def time_awaited(self, title: str, call: "Callable[[], Awaitable[object]]") -> None:
        """Time one part that is awaited."""
        self.lines.append(f"  {await _awaited_nanoseconds(call) - self._empty:8.0f} ns  {title}")


async def _nothing(_event: object = None) -> None:
    """Do what the made-up server does."""


async def _opened(incoming: "Message") -> ASGIConnection:
    """Give an open connection on which the same message comes for ever."""
    events: list[Message] = [{"type": "websocket.connect"}]

    async def receive() -> "Message":
        return events.pop() if events else incoming

    connection = ASGIConnection(make_scope(PATHS["json"]), receive, _nothing)
    await connection.accept()
    return connection


async def _message_parts() -> list[str]:
    parts = _Parts()
    incoming: Message = {"type": "websocket.receive", "text": MESSAGE}
    options, text_options = options_of(ours.Echo, WebSocket), options_of(ours.TextEcho, WebSocket)
    decoded = options.decode(MESSAGE)
    connection = await _opened(incoming)
    socket = ours.TextEcho(WebSocketRequest(make_scope(PATHS["text"])), connection)
    finished: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
    finished.set_result(True)
    await parts.time_awaited("a coroutine that does nothing, awaited", _nothing)
    await parts.time_awaited("a finished future, awaited", lambda: finished)
    parts.time("protocol: parse_data", lambda: parse_data(incoming))
    await parts.time_awaited("protocol: connection.receive(), the server's coroutine in it", connection.receive)
    parts.time("codec: JSON decode", lambda: options.decode(MESSAGE))
    parts.time("codec: JSON encode", lambda: options.encode(decoded))
    parts.time("codec: text decode", lambda: text_options.decode(MESSAGE))
    parts.time("codec: text encode", lambda: text_options.encode(MESSAGE))
    parts.time("protocol: build_data", lambda: build_data(MESSAGE))
    parts.time("protocol: connection.send(), the server's coroutine in it", lambda: connection.send(MESSAGE))
    parts.time("handler: send() of text, not awaited", lambda: socket.send(MESSAGE))
    await parts.time_awaited("handler: send() of text, awaited", lambda: socket.send(MESSAGE))
    await parts.time_awaited("handler: on_message() of a text echo", lambda: socket.on_message(MESSAGE))
    return parts.lines


async def _connection_parts() -> list[str]:
    parts = _Parts()
    scope = make_scope(PATHS["json"])
    resolver = DjangoResolver()
    request = WebSocketRequest(scope)
    connection = ASGIConnection(scope, _receive_nothing, _nothing)
    parts.time("routing: resolve", lambda: resolver.resolve(path_info(scope)))
    parts.time("routing: path_info and script_prefix", lambda: (path_info(scope), script_prefix(scope)))
    parts.time("routing: WebSocketRequest(scope)", lambda: WebSocketRequest(scope))
    parts.time("routing: check_origin", lambda: check_origin(scope, request))
    parts.time("protocol: ASGIConnection(...)", lambda: ASGIConnection(scope, _receive_nothing, _nothing))
    parts.time("protocol: connection.subprotocols", lambda: connection.subprotocols)
    lines = parts.lines
    for title, make in (
        ("handler: the socket, enter_lanes included, and a Task for it", lambda: ours.Echo(request, connection)),
        ("handler: enter_lanes, and a Task for it", lambda: enter_lanes(8)),
        ("a Task", lambda: None),
    ):
        lines.append(f"  {await _in_tasks(make):8.0f} ns  {title}")
    return lines


async def _receive_nothing() -> "Message":
    return {"type": "websocket.connect"}


async def _in_tasks(call: "Callable[[], object]") -> float:
    """Time what leaves something on its task: a fresh one for each call, as each connection has."""

    async def once() -> None:
        call()

    create_task = asyncio.get_running_loop().create_task
    return await _awaited_nanoseconds(lambda: create_task(once()))


async def _functions() -> list[str]:
    """Name the functions in which the time of a connection is spent."""
    application = ours.application()
    profiler = cProfile.Profile()
    await connection_time(application, PATHS["text"], MESSAGE, _CONNECTIONS, own_task=True)
    profiler.enable()
    await connection_time(application, PATHS["text"], MESSAGE, _CONNECTIONS, own_task=True)
    profiler.disable()
    lines = []
    for one in sorted(profiler.getstats(), key=lambda entry: -entry.inlinetime)[:_LINES]:
        calls = one.callcount / _CONNECTIONS
        if isinstance(one.code, str):
            name = one.code
        else:
            name = f"{one.code.co_qualname}  ({_shorten(one.code.co_filename)}:{one.code.co_firstlineno})"
        if calls >= 1:
            lines.append(f"  {one.inlinetime / _CONNECTIONS * 1e6:8.2f} us  {calls:3.0f} x  {name}")
    return lines


async def _heap() -> list[str]:
    """Name the lines whose allocations an idle connection holds, beside those of the ceiling."""
    told = []
    for title, application in (("the ceiling", raw.application("json")), ("ours", ours.application())):
        for one in await open_idle(application, PATHS["json"], 50):
            await one.end()
        gc.collect()
        tracemalloc.start()
        idle = await open_idle(application, PATHS["json"], _CONNECTIONS)
        gc.collect()
        snapshot = tracemalloc.take_snapshot()
        tracemalloc.stop()
        for one in idle:
            await one.end()
        found = snapshot.statistics("lineno")
        told.append(f"{title}: {sum(one.size for one in found) / _CONNECTIONS:,.0f} bytes")
        for line in found[:_LINES]:
            size = line.size / _CONNECTIONS
            if size >= 1:
                frame = line.traceback[0]
                told.append(f"  {size:8.0f} bytes  {_shorten(frame.filename)}:{frame.lineno}")
    return told


def _shorten(name: str) -> str:
    for mark in ("site-packages/", "/src/", "/lib/"):
        name = name.rpartition(mark)[2]
    return name.rpartition("/benchmarks/")[2]


async def profile() -> str:
    """Give the whole profile as text."""
    application, text, json_path = ours.application(), PATHS["text"], PATHS["json"]
    parts = ["One message, in-process (µs: ours, the ceiling)"]
    for title, path, ceiling in (("JSON", json_path, raw.json_echo), ("text", text, raw.text_echo)):
        our_time = await message_time(application, path, MESSAGE, _CALLS, waiting=False)
        its_time = await message_time(ceiling, path, MESSAGE, _CALLS, waiting=False)
        parts.append(f"  {title}: {our_time:.2f}, {its_time:.2f}")
    parts += ["", "Its parts", *await _message_parts()]
    our_time = await connection_time(application, text, MESSAGE, _CONNECTIONS, own_task=True)
    its_time = await connection_time(raw.text_echo, text, MESSAGE, _CONNECTIONS, own_task=True)
    parts += ["", f"One connection with a text echo, in-process (µs): {our_time:.2f}, {its_time:.2f}", "", "Its parts"]
    # In a task of its own, so that what the parts leave on theirs goes with it.
    parts += await asyncio.create_task(_connection_parts())
    parts += ["", "Its functions, by their own time (the profiler makes small ones look dearer)", *await _functions()]
    parts += ["", "The heap of an idle connection, by line", *await _heap()]
    return "\n".join(parts)
