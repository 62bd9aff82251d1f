"""A websocket client that costs little, so that one process can hold ten thousand of them."""

import asyncio
from collections.abc import Callable

from typing_extensions import override

from resilience.scenarios.fuzzed_frames import handshake
from servers.raw import BINARY, CLOSE, PING, PONG, TEXT, frame

__all__ = ["Stream"]

_DEADLINE = 60.0
"""Seconds for a handshake, with thousands of others before it."""


class Stream(asyncio.Protocol):
    """One connection; takes frames that are whole messages, as servers send short ones.

    Args:
        port: On 127.0.0.1.
        target: Path and query string.
        on_message: Called with each message.
    """

    def __init__(self, port: int, target: str, on_message: Callable[[bytes], None]) -> None:
        loop = asyncio.get_running_loop()
        self._request: bytes = handshake(port, target)
        self._on_message: Callable[[bytes], None] = on_message
        self._buffer: bytearray = bytearray()
        self._transport: asyncio.Transport | None = None
        self.opened: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[None] = loop.create_future()
        self.close_code: int | None = None
        """The code of the server's close frame."""

    @classmethod
    async def open(cls, port: int, target: str, on_message: Callable[[bytes], None]) -> "Stream":
        """Connect and complete the handshake.

        Raises:
            ConnectionError: It was refused.
        """
        loop = asyncio.get_running_loop()
        _, stream = await loop.create_connection(lambda: cls(port, target, on_message), "127.0.0.1", port)
        async with asyncio.timeout(_DEADLINE):
            await stream.opened
        return stream

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request)

    @override
    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self.opened.done():
            head, separator, rest = self._buffer.partition(b"\r\n\r\n")
            if not separator:
                return
            if not head.startswith(b"HTTP/1.1 101"):
                self.opened.set_exception(ConnectionError(head.decode("latin-1")))
                return
            self._buffer = rest
            self.opened.set_result(None)
        self._take_frames()

    def _take_frames(self) -> None:
        buffer = self._buffer
        at = 0
        while len(buffer) >= at + 2:
            opcode, size, start = buffer[at] & 0x0F, buffer[at + 1] & 0x7F, at + 2
            if size >= 126:
                width = 2 if size == 126 else 8
                if len(buffer) < start + width:
                    break
                size = int.from_bytes(buffer[start : start + width], "big")
                start += width
            if len(buffer) < start + size:
                break
            at = start + size
            self._take(opcode, bytes(buffer[start:at]))
        del buffer[:at]

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode in {TEXT, BINARY}:
            self._on_message(payload)
        elif opcode == PING:
            self.write(frame(PONG, payload))
        elif opcode == CLOSE:
            self.close_code = int.from_bytes(payload[:2], "big") if payload else 1005
            self.write(frame(CLOSE, payload))
            if self._transport is not None:
                self._transport.close()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_exception(ConnectionError("the server ended the handshake"))
        self.closed.set_result(None)

    def write(self, data: bytes) -> None:
        """Send bytes that are frames already."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    async def leave(self) -> None:
        """Close as a proper client does, and wait for the end, but not for long."""
        self.write(frame(CLOSE, b"\x03\xe8"))
        await asyncio.wait([self.closed], timeout=5)
        if self._transport is not None:
            self._transport.abort()
