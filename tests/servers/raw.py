"""A websocket client over a plain socket, for what a proper one does not do: stall, break frames, reset."""

import asyncio
import base64
import contextlib
import os
import socket
import struct
from dataclasses import dataclass
from typing import Final, Self

TEXT: Final = 1
BINARY: Final = 2
CLOSE: Final = 8
PING: Final = 9
PONG: Final = 10


def mask(payload: bytes, key: bytes) -> bytes:
    """Mask ``payload`` (RFC 6455 section 5.3)."""
    size = len(payload)
    keys = key * (size // 4 + 1)
    return (int.from_bytes(payload, "big") ^ int.from_bytes(keys[:size], "big")).to_bytes(size, "big")


def frame(opcode: int, payload: bytes, *, final: bool = True) -> bytes:
    """Build a masked frame (RFC 6455 section 5.2)."""
    first = (0x80 if final else 0) | opcode
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", first, 0x80 | size)
    elif size < 1 << 16:
        head = struct.pack("!BBH", first, 0x80 | 126, size)
    else:
        head = struct.pack("!BBQ", first, 0x80 | 127, size)
    key = os.urandom(4)
    return head + key + mask(payload, key)


@dataclass(frozen=True, slots=True)
class Response:
    """The answer to a handshake."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes = b""

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name.lower()]


@dataclass(slots=True)
class RawClient:
    """A client; :meth:`open` makes one and sends its handshake, :meth:`answer` reads the answer."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    socket: socket.socket
    closing: bool = False

    @classmethod
    async def open(
        cls, port: int, target: str, *, buffer: int | None = None, headers: tuple[tuple[str, str], ...] = ()
    ) -> Self:
        """Connect and send the handshake.

        Args:
            port: On 127.0.0.1.
            target: Path and query string.
            buffer: Bytes of the kernel's receive buffer, for a client that is to stall early.
            headers: More headers.
        """
        sock = socket.socket()
        sock.setblocking(False)
        if buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
        reader, writer = await asyncio.open_connection(sock=sock, limit=1 << 16)
        lines = [
            f"GET {target} HTTP/1.1",
            f"Host: 127.0.0.1:{port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
            "Sec-WebSocket-Version: 13",
            *[f"{name}: {value}" for name, value in headers],
        ]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        return cls(reader, writer, sock)

    async def answer(self) -> Response:
        """Read the answer to the handshake, with its body if it is no 101."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(head[0].split(" ")[1])
        headers: list[tuple[str, str]] = []
        for line in head[1:-2]:
            name, _, value = line.partition(":")
            headers.append((name.strip().lower(), value.strip()))
        response = Response(status, headers)
        if status == 101:
            return response
        lengths = response.all("content-length")
        if lengths:
            body = await self.reader.readexactly(int(lengths[0]))
        else:
            body = await self.reader.read()
        return Response(status, headers, body)

    def send(self, opcode: int, payload: bytes = b"", *, final: bool = True) -> None:
        """Send one frame."""
        self.writer.write(frame(opcode, payload, final=final))

    def close(self, code: int | None = 1000, reason: str = "") -> None:
        """Send a close frame, and nothing else."""
        self.closing = True
        self.send(CLOSE, b"" if code is None else struct.pack("!H", code) + reason.encode())

    async def receive(self) -> tuple[int, bytes]:
        """Read one frame.

        Raises:
            asyncio.IncompleteReadError: The server has ended the connection.
        """
        first, second = await self.reader.readexactly(2)
        size = second & 0x7F
        if size == 126:
            (size,) = struct.unpack("!H", await self.reader.readexactly(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", await self.reader.readexactly(8))
        return first & 0x0F, await self.reader.readexactly(size)

    async def messages(self) -> tuple[list[bytes], int]:
        """Read messages until the end.

        A close frame of the server is answered, and then TCP ended, as a proper client does.

        Returns:
            The messages, and the code of the server's close frame: 1005 without one, 1006 if there was no frame.
        """
        messages: list[bytes] = []
        while True:
            try:
                opcode, payload = await self.receive()
            except (asyncio.IncompleteReadError, ConnectionError):
                return messages, 1006
            if opcode == CLOSE:
                if not self.closing:
                    self.send(CLOSE, payload)
                self.writer.close()
                return messages, struct.unpack("!H", payload[:2])[0] if payload else 1005
            if opcode == PING:
                self.send(PONG, payload)
            else:
                messages.append(payload)

    def reset(self) -> None:
        """End the connection with an RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def leave(self) -> None:
        """End the connection with a FIN, whatever the server thinks of it."""
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()

    async def farewell(self, code: int | None = 1000, reason: str = "") -> int:
        """End the connection as a proper client does.

        Returns:
            The code of the server's close frame, as :meth:`messages` gives it.
        """
        self.close(code, reason)
        _, answer = await self.messages()
        await self.leave()
        return answer
