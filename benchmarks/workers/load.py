"""A client for echoes that costs little: it knows how long an echo is, and counts bytes instead of parsing frames.

A client that cannot keep up measures itself. What comes with one read is answered with one write, so the further this
one falls behind, the less a message costs it.
"""

import asyncio
import base64
import os
from typing import Final, cast, final

from typing_extensions import override

__all__ = ["Echoing", "Load", "Speaking", "handshake", "masked_frame"]

_TEXT: Final = 0x81
"""The first byte of a text frame in one piece (RFC 6455 section 5.2)."""
_MASKED: Final = 0x80
_KEY: Final = b"\0\0\0\0"
"""The masking key that leaves every byte as it is."""

_CLOSE: Final = b"\x88\x82" + _KEY + (1000).to_bytes(2, "big")

_LENGTH_IN_2: Final = 126
_LENGTH_IN_8: Final = 127


def masked_frame(payload: bytes) -> bytes:
    """Build a client's text frame (RFC 6455 section 5.2)."""
    size = len(payload)
    if size < _LENGTH_IN_2:
        head = bytes([_TEXT, _MASKED | size])
    elif size < 1 << 16:
        head = bytes([_TEXT, _MASKED | _LENGTH_IN_2]) + size.to_bytes(2, "big")
    else:
        head = bytes([_TEXT, _MASKED | _LENGTH_IN_8]) + size.to_bytes(8, "big")
    return head + _KEY + payload


def frame_size(data: bytes) -> int | None:
    """Give the bytes of the server's frame that begins here; ``None`` while its length has not come."""
    if len(data) < 10:  # noqa: PLR2004 - the longest header of an unmasked frame
        return None
    if data[0] != _TEXT:
        raise RuntimeError(f"not an echo, but a frame that begins with {data[:2].hex()}")
    if data[1] == _LENGTH_IN_2:
        return 4 + int.from_bytes(data[2:4], "big")
    if data[1] == _LENGTH_IN_8:
        return 10 + int.from_bytes(data[2:10], "big")
    return 2 + data[1]


def handshake(port: int, path: str) -> bytes:
    """Build a browser's handshake (RFC 6455 section 4.1)."""
    return "\r\n".join(
        [
            f"GET {path} HTTP/1.1",
            f"Host: 127.0.0.1:{port}",
            f"Origin: http://127.0.0.1:{port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
            "Sec-WebSocket-Version: 13",
            "",
            "",
        ]
    ).encode()


@final
class Load:
    """Some open connections to one server, and what goes over them."""

    def __init__(self) -> None:
        self.connections: list[Echoing] = []
        self.frame: bytes = b""
        """What is sent, and sent again for each echo."""
        self.count: int = 0
        """Echoes that have come."""
        self.pending: int = 0
        """Messages whose echo has not come."""
        self.running: bool = False
        self.drained: asyncio.Event = asyncio.Event()
        self.lost: int = 0


class Speaking(asyncio.Protocol):
    """One connection, whose messages from the server are all of one length.

    Args:
        port: Of the server, on 127.0.0.1.
        path: The socket's.
    """

    def __init__(self, port: int, path: str) -> None:
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._request: bytes = handshake(port, path)
        self._transport: asyncio.Transport | None = None
        self._head: bytes = b""
        self._size: int | None = None
        self._have: int = 0

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's is none by its class.
        self._transport = cast("asyncio.Transport", transport)
        self.write(self._request)

    def forget_size(self) -> None:
        """Learn the length of the messages anew."""
        self._size, self._head = None, b""

    def write(self, data: bytes) -> None:
        """Send bytes."""
        if self._transport is not None:
            self._transport.write(data)

    @override
    def data_received(self, data: bytes) -> None:
        if self._size is None:
            self._learn(data)
            return
        self._took(len(data))

    def _learn(self, data: bytes) -> None:
        """Take the answer to the handshake, then the first message, which tells how long all others are."""
        data = self._head = self._head + data
        if not self.opened.done():
            response, end, rest = data.partition(b"\r\n\r\n")
            if not end:
                return
            if not response.startswith(b"HTTP/1.1 101"):
                self.opened.set_exception(RuntimeError(f"the handshake was answered {response[:40]!r}"))
                return
            self.opened.set_result(None)
            data = self._head = rest
        self._size = frame_size(data)
        if self._size is not None:
            self._have = 0
            self._took(len(data))

    def _took(self, count: int) -> None:
        size = self._size or 1
        messages, self._have = divmod(self._have + count, size)
        self.heard(messages)

    def heard(self, messages: int) -> None:
        """Take note of so many messages."""

    def lost(self) -> None:
        """Take note that the connection has ended, and not by :meth:`close`."""

    def close(self) -> None:
        """Leave."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.write(_CLOSE)
            transport.close()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_exception(RuntimeError(f"the connection ended before its handshake: {exc!r}"))
        if self._transport is not None:
            self.lost()


@final
class Echoing(Speaking):
    """One connection of a :class:`Load`.

    Args:
        load: Which.
        port: Of the server, on 127.0.0.1.
        path: The socket's.
    """

    def __init__(self, load: Load, port: int, path: str) -> None:
        super().__init__(port, path)
        self._load: Load = load

    def send(self, count: int) -> None:
        """Send the load's message so often."""
        # Another message may have another echo.
        self.forget_size()
        self.write(self._load.frame * count)

    @override
    def heard(self, messages: int) -> None:
        load = self._load
        load.count += messages
        if load.running:
            if messages:
                self.write(load.frame * messages)
        else:
            load.pending -= messages
            if load.pending <= 0:
                load.drained.set()

    @override
    def lost(self) -> None:
        self._load.lost += 1
        self._load.drained.set()
