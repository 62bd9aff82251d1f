"""The sockets that functions are: one that is awaited, and one whose yields are sent."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, ClassVar, Concatenate, Final, TypeAlias

from typing_extensions import TypeVar, override

from django_ws.handler.waiting import start_eagerly
from django_ws.handler.websocket import WebSocket
from django_ws.signals import websocket_opened

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from django.http.response import HttpResponseBase

__all__ = ["FunctionSocket", "GeneratorSocket", "SocketFunction", "SocketGenerator"]

OutT = TypeVar("OutT")

# Django: a socket function takes its own WebSocket type and whatever its route captures.
SocketFunction: TypeAlias = Callable[Concatenate[WebSocket[Any, Any], ...], Coroutine[Any, Any, None]]
"""``async def room(ws: WebSocket[str, str], room_id: int) -> None``: accepted first, closed with 1000 at its end."""

# The same; what comes in does not matter to what is yielded.
SocketGenerator: TypeAlias = Callable[Concatenate[WebSocket[Any, OutT], ...], AsyncIterator[OutT]]
"""``async def ticks(ws: WebSocket[str, str]) -> AsyncIterator[str]``: the same, and what it yields is sent."""

_AT_ONCE: Final = 16
"""Messages that a generator may send in one turn of the loop: one that never waits must not stop all the others."""


# The function's own annotation says what its messages are.
class FunctionSocket(WebSocket[Any, Any]):
    """Runs a socket function; a class is made for each function, so that options are worked out once."""

    __slots__ = ()

    # What a function gives depends on its kind.
    function: ClassVar[Callable[..., Any]]
    """What stands in the route."""

    async def run(self) -> "HttpResponseBase | None":
        """Accept, run the function, clean up."""
        response = await self._handshake()
        if not self._connection.is_open:
            return response
        self._begin()
        ended: BaseException | None = None
        try:
            if websocket_opened.receivers:
                await self._announce_opened()
            await self._serve()
        except BaseException as error:  # noqa: BLE001 - it is raised again, unless it is an end like any other
            ended = error
        # After the except clause: see WebSocketHandler.run.
        try:
            if not await self._finish(ended) and ended is not None:
                raise ended
        finally:
            ended = None
        return None

    def _serve(self) -> Coroutine[Any, Any, None]:
        """Give what is to be awaited; no coroutine of its own, for each stays in memory while the socket is idle."""
        coroutine: Coroutine[Any, Any, None] = type(self).function(self, *self.args, **self.kwargs)
        return coroutine

    @property
    @override
    def _sender(self) -> object:
        return type(self).function


class GeneratorSocket(FunctionSocket):
    """Sends what an async generator function yields.

    The generator lives in one task of its own from its first line to its last ``finally``, so that a time-out or a
    cancel scope that it holds across a ``yield`` ends where it began. The socket's task does nothing but wait for it:
    whatever breaks into that wait, the clean-up of the generator goes on, within its bound.
    """

    __slots__ = ("_ending",)

    @override
    async def _serve(self) -> None:
        # Whether the generator closes itself, and need not be cancelled.
        self._ending: bool = False
        task = start_eagerly(self._send_yields())
        ended: asyncio.CancelledError | None = None
        try:
            try:
                await asyncio.wait([task])
            except asyncio.CancelledError as error:
                ended = error
            if ended is not None:
                if not self._ending:
                    task.cancel()
                await self._wait_for(task, "the generator", may_be_cancelled=True)
            if ended is None or (task.done() and not task.cancelled()):
                # What it raised in its clean-up is a fault, as in a function.
                task.result()
            if ended is not None:
                raise ended
        finally:
            # An exception knows this frame, which must not know its task: that is a ring.
            self._helper = None
            del task, ended

    async def _send_yields(self) -> None:
        self._helper = asyncio.current_task()
        generator: AsyncGenerator[Any, None] = type(self).function(self, *self.args, **self.kwargs)
        sent = 0
        async with aclosing(generator):
            async for message in generator:
                if not await self.send(message) and not self._connection.is_open:
                    # The socket's task waits for the rest from now on, within the bound.
                    self._ending = True
                    self._interrupt()
                    return
                sent += 1
                if sent % _AT_ONCE == 0:
                    await asyncio.sleep(0)

    @override
    def _end_noticed(self) -> None:
        super()._end_noticed()
        # What it makes has nobody to go to; only one that is at messages which came has its grace, as any hook has.
        if not self.ws_received and not self._inbox:
            self._interrupt()
