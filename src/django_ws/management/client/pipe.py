"""``ws_connect`` without a terminal: lines in, messages out, for scripts."""

import asyncio
import contextlib
import threading
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
    queue = _Queue()
    # A pipe blocks the thread that reads it, and nothing but its other end can wake it.
    threading.Thread(target=_read, args=(lines, queue), name="ws_connect input", daemon=True).start()
    number = 0
    try:
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
    finally:
        queue.leave()


def _read(lines: TextIO, queue: "_Queue") -> None:
    # The event loop may have been closed meanwhile, and so may the input.
    with contextlib.suppress(RuntimeError, ValueError):
        try:
            for line in lines:
                queue.put(line)
            queue.put(None)
        except (OSError, UnicodeError) as error:
            queue.put(error)


class _Queue:
    """From a thread into the event loop; nothing of it is left behind when the loop ends before the input does."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop = asyncio.get_running_loop()
        self._lines: asyncio.Queue[_Line] = asyncio.Queue()
        self._room: threading.Semaphore = threading.Semaphore(_AHEAD)
        self._left: bool = False

    def put(self, line: _Line) -> None:
        """Put it in, in the thread, as soon as there is room.

        Raises:
            RuntimeError: Nobody gets it any more.
        """
        self._room.acquire()
        if self._left:
            raise RuntimeError("the lines are read no more")
        self._loop.call_soon_threadsafe(self._lines.put_nowait, line)

    async def get(self) -> _Line:
        line = await self._lines.get()
        self._room.release()
        return line

    def leave(self) -> None:
        """Let the thread go that waits for room."""
        self._left = True
        self._room.release()
