"""``ws_connect`` without a terminal: lines in, messages out, for scripts."""

import asyncio
import contextlib
import threading
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Final, TextIO, TypeAlias

from django.core.management.base import CommandError

from django_ws.close_codes import CloseCode
from django_ws.management.client.language import Close, Ping, Send, read_order

if TYPE_CHECKING:
    from collections.abc import Callable

    from django_ws.management.client.link import Ended, Link

__all__ = ["run_pipe"]

_AHEAD: Final = 16
"""Lines that are read before they are sent."""

_Line: TypeAlias = "str | Exception | None"


async def run_pipe(
    link: "Link",
    lines: TextIO,
    write: "Callable[[str], object]",
    tell: "Callable[[str], object]",
    *,
    wait: float,
    receive: int | None,
) -> "Ended":
    """Send each line and write each message, a line too; a binary one as ``/hex 00ff``, as it would be sent.

    Args:
        link: An open connection.
        lines: What is sent.
        write: Takes each message.
        tell: Takes what is no message: pongs.
        wait: Seconds of silence after the last line, before it closes.
        receive: Number of messages to wait for; ``None``: until there is silence.

    Raises:
        CommandError: A line cannot be carried out, or fewer messages came than were waited for.
    """
    pipe = _Pipe(link, write, receive)
    receiving = asyncio.create_task(pipe.receive())
    sending = asyncio.create_task(_send(link, lines, tell))
    try:
        await asyncio.wait({receiving, sending}, return_when=asyncio.FIRST_COMPLETED)
        if sending.done():
            sending.result()
            await pipe.wait_for_silence(receiving, wait)
        enough = receive is None or pipe.count >= receive
        await link.close(CloseCode.NORMAL_CLOSURE)
        await receiving
    finally:
        sending.cancel()
        receiving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sending
    ended = link.ended()
    if not enough and ended.as_asked:
        raise CommandError(f"{pipe.count} of {receive} messages came. {ended}; see --wait")
    return ended


class _Pipe:
    def __init__(self, link: "Link", write: "Callable[[str], object]", most: int | None) -> None:
        self.count: int = 0
        self._link: Link = link
        self._write: Callable[[str], object] = write
        self._most: int | None = most
        self._came: asyncio.Event = asyncio.Event()

    async def receive(self) -> None:
        async for message in self._link.messages():
            self._write(message if isinstance(message, str) else f"/hex {message.hex()}")
            self.count += 1
            self._came.set()
            if self.count == self._most:
                return

    async def wait_for_silence(self, receiving: "asyncio.Task[None]", seconds: float) -> None:
        while not receiving.done():
            self._came.clear()
            came = asyncio.create_task(self._came.wait())
            done, _ = await asyncio.wait({came, receiving}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            came.cancel()
            if not done:
                return


async def _send(link: "Link", lines: TextIO, tell: "Callable[[str], object]") -> None:
    queue: asyncio.Queue[_Line] = asyncio.Queue(_AHEAD)
    loop = asyncio.get_running_loop()

    def read() -> None:
        # A pipe blocks the thread that reads it, and nothing but its other end can wake it.
        # The loop may have been closed meanwhile, with or without a line on its way; and so may the input.
        with contextlib.suppress(RuntimeError, CancelledError, ValueError):
            put = _putter(queue, loop)
            try:
                for line in lines:
                    put(line)
                put(None)
            except (OSError, UnicodeError) as error:
                put(error)

    threading.Thread(target=read, name="ws_connect input", daemon=True).start()
    number = 0
    while (line := await queue.get()) is not None:
        number += 1
        if isinstance(line, Exception):
            raise CommandError(f"The input cannot be read behind line {number - 1}: {line}") from line
        try:
            order = read_order(line.rstrip("\r\n"))
        except ValueError as error:
            raise CommandError(f"Line {number}: {error}") from error
        if isinstance(order, Send):
            await link.send(order.message)
        elif isinstance(order, Ping):
            tell(await link.ping(order.payload))
        elif isinstance(order, Close):
            await link.close(order.code, order.reason)
            return


def _putter(queue: "asyncio.Queue[_Line]", loop: asyncio.AbstractEventLoop) -> "Callable[[_Line], None]":
    def put(line: _Line) -> None:
        asyncio.run_coroutine_threadsafe(queue.put(line), loop).result()

    return put
