"""Starts the servers, and reads what the application in them notes and logs."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import urlencode
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect

from servers.habits import Habits
from servers.raw import RawClient

__all__ = ["DEADLINE", "Event", "Run", "Server", "Visit"]

DEADLINE: Final = 20.0
"""Seconds within which anything happens, on a busy machine."""

APPLICATION: Final = "servers.app.asgi:application"

NEVER: Final = (
    "was never awaited",
    "was never retrieved",
    "was destroyed but it is pending",
    "ASGI callable should return None",
    "ignored its cancellation",
    "The server refused",
)
"""What no server's output may have in it."""

# An event's fields are of any JSON type.
Event: TypeAlias = dict[str, Any]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """A server in a process of its own, and its process group.

    Args:
        habits: Which one.
        folder: Where its journal and its output go.
        application: What it serves.
        settings: The module of Django's settings.
        arguments: More arguments of its command line.
        environment: More of it.
    """

    def __init__(
        self,
        habits: Habits,
        folder: Path,
        *,
        application: str = APPLICATION,
        settings: str = "servers.app.settings",
        arguments: tuple[str, ...] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.habits: Habits = habits
        self._application: str = application
        self._settings: str = settings
        self._more_arguments: tuple[str, ...] = arguments
        self._more_environment: dict[str, str] = dict(environment or {})
        self.journal: Path = folder / "journal"
        self.journal.touch()
        self.log: Path = folder / "output"
        self._offset: int = 0
        self._rest: str = ""
        self._events: dict[str, list[Event]] = {}
        for attempt in range(3):
            self.port: int = free_port()
            with self.log.open("wb") as output:
                self.process: subprocess.Popen[bytes] = subprocess.Popen(
                    [sys.executable, *self._arguments()],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=self._environment(),
                    start_new_session=True,
                )
            try:
                self._wait_until_ready()
            except BaseException as error:
                self.kill()
                if attempt == 2 or not isinstance(error, RuntimeError):
                    raise
            else:
                break

    def _arguments(self) -> list[str]:
        command = [part.format(port=self.port, app=self._application) for part in self.habits.command]
        return [*command, *self._more_arguments]

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[1]),
            "PYTHONUNBUFFERED": "1",
            "DJANGO_SETTINGS_MODULE": self._settings,
            "JOURNAL": str(self.journal),
            **self._more_environment,
        }

    def _wait_until_ready(self) -> None:
        """Wait until it answers, and see that it is this server and not another one that took the port."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.habits.title} did not start:\n{self.output()}")
            with contextlib.suppress(OSError):
                if self.ask_ready() == f"ready {self.journal}":
                    return
            time.sleep(0.05)
        raise RuntimeError(f"{self.habits.title} did not answer:\n{self.output()}")

    def ask_ready(self) -> str:
        """Make one HTTP request."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://127.0.0.1:{self.port}/ready/", timeout=5) as response:
            body: bytes = response.read()
            return body.decode()

    def output(self, offset: int = 0) -> str:
        """Give what the server has written since ``offset``."""
        with self.log.open("rb") as file:
            file.seek(offset)
            return file.read().decode("utf-8", "replace")

    @property
    def crashed(self) -> bool:
        """Whether it broke down at SIGTERM by a fault of its own."""
        text = self.habits.crash_at_shutdown
        return text is not None and text in self.output()

    def events(self, key: str) -> list[Event]:
        """Give what has happened to the connection of that id."""
        with self.journal.open(encoding="utf-8") as file:
            file.seek(self._offset)
            text = self._rest + file.read()
            self._offset = file.tell()
        *lines, self._rest = text.split("\n")
        for line in lines:
            event: Event = json.loads(line)
            self._events.setdefault(event["id"], []).append(event)
        return self._events.get(key, [])

    def terminate(self) -> None:
        """Send SIGTERM to the process that was started, as an operator does."""
        self.process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the process and its workers, at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)

    def stop(self) -> None:
        """End the process and its workers, politely first."""
        self.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(5)
        self.kill()


class Visit:
    """One connection of a test: its client, and what the journal says of it.

    Args:
        server: The server.
        path: Without the first slash.
        query: More parameters.
    """

    def __init__(self, server: Server, path: str, query: dict[str, str]) -> None:
        self.server: Server = server
        self.key: str = uuid4().hex
        self.clients: list[RawClient] = []
        self.target: str = f"/{path}?{urlencode({'id': self.key, **query})}"

    # websockets: connect() passes what it does not know on to the event loop.
    def connect(self, **options: Any) -> connect:
        """Connect with a proper client."""
        options = {"open_timeout": DEADLINE, "close_timeout": DEADLINE, "max_size": None, "proxy": None, **options}
        return connect(f"ws://127.0.0.1:{self.server.port}{self.target}", **options)

    async def raw(self, *, buffer: int | None = None) -> RawClient:
        """Connect with a raw client, and send its handshake."""
        client = await RawClient.open(self.server.port, self.target, buffer=buffer)
        self.clients.append(client)
        return client

    async def raw_open(self, *, buffer: int | None = None) -> RawClient:
        """Connect with a raw client, and complete the handshake."""
        client = await self.raw(buffer=buffer)
        assert (await client.answer()).status == 101
        return client

    def events(self, name: str | None = None) -> list[Event]:
        """Give what has happened, or what of that name has happened."""
        return [event for event in self.server.events(self.key) if name is None or event["event"] == name]

    def names(self) -> list[str]:
        """Give the names of what has happened, in order."""
        return [event["event"] for event in self.events()]

    # A field's expected value is of any JSON type.
    async def wait(self, name: str, seconds: float = DEADLINE, /, **fields: Any) -> Event:
        """Wait until something of that name, and with those fields, has happened."""
        deadline = time.monotonic() + seconds
        while True:
            for event in self.events(name):
                if fields.items() <= event.items():
                    return event
            if time.monotonic() > deadline:
                raise AssertionError(
                    f"no {name!r} {fields} within {seconds} s: {self.events()}\n{self.server.output()}"
                )
            await asyncio.sleep(0.01)

    async def more(self, name: str, count: int, seconds: float) -> bool:
        """Wait until something of that name has happened more than ``count`` times.

        Returns:
            Whether it has.
        """
        return await until(lambda: len(self.events(name)) > count, seconds)

    async def end(self, seconds: float = DEADLINE) -> Event:
        """Wait until everything of the connection is over in the server."""
        return await self.wait("end", seconds)


def tracebacks(output: str) -> int:
    """Count the exceptions that were logged; a chain counts as one."""
    chained = output.count("During handling of the above exception") + output.count("was the direct cause of")
    return output.count("Traceback (most recent call last)") - chained


async def until(condition: Callable[[], bool], seconds: float = DEADLINE) -> bool:
    """Wait until ``condition`` holds.

    Returns:
        Whether it came to hold.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.01)
    return True


@dataclass
class Run:
    """One test's use of a server; at its end, :meth:`finish` holds what every test is held to."""

    server: Server
    offset: int = field(init=False)
    visits: list[Visit] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    is_bare: bool = False
    """Whether it is the server itself that is looked at, which may log as it likes."""

    def __post_init__(self) -> None:
        self.offset = self.server.log.stat().st_size

    @property
    def habits(self) -> Habits:
        return self.server.habits

    def visit(self, path: str, **query: str) -> Visit:
        """Make ready for one connection."""
        visit = Visit(self.server, path, query)
        self.visits.append(visit)
        return visit

    @contextlib.asynccontextmanager
    async def connect(self, path: str) -> AsyncIterator[ClientConnection]:
        """Connect, and see at the end that nothing is left of the connection."""
        visit = self.visit(path)
        async with visit.connect() as ws:
            yield ws
        await visit.end()

    def expect_fault(self, text: str) -> None:
        """Expect one traceback in the server's output that ends in ``text``."""
        self.faults.append(text)

    def close_code(self, code: int) -> int:
        """Give what the client sees where django-ws closes with ``code``."""
        if self.habits.any_close_code or code == 1000 or code >= 3000:
            return code
        return code + 3000

    def output(self) -> str:
        """Give what the server has written during this test."""
        return self.server.output(self.offset)

    async def finish(self) -> None:
        """See that every connection was cleaned up, and that nothing but the faults that were expected was logged."""
        for visit in self.visits:
            for client in visit.clients:
                await client.leave()
            if visit.events("begin"):
                await visit.end()
        if self.is_bare:
            return
        for visit in self.visits:
            names = visit.names()
            assert names.count("begin") <= 1, names
            assert names.count("open") <= 1, names
            assert names.count("close") == names.count("open"), names
            assert names.count("task ended") == names.count("task"), names
            if "close" in names and "task ended" in names:
                assert names.index("close") > names.index("task ended"), names
        await until(lambda: tracebacks(self.output()) >= len(self.faults), 5)
        # One more round trip: what the server logs when an application has ended, it has logged by then.
        await asyncio.to_thread(self.server.ask_ready)
        output = self.output()
        for text, count in Counter(self.faults).items():
            assert output.count(f"\n{text}\n") == count, output
        assert tracebacks(output) == len(self.faults), output
        for text in NEVER:
            assert text not in output, output
