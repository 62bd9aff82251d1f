"""SIGTERM with sockets open: each is cleaned up, and the server stops."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from servers.habits import SERVERS, Habits
from servers.harness import NEVER, Server, Visit, tracebacks
from servers.raw import TEXT


@pytest.fixture(params=[pytest.param(habits, id=habits.key) for habits in SERVERS])
def start(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Server]]:
    """Give the way to start a server of one's own, for it is to be stopped."""
    habits: Habits = request.param
    servers: list[Server] = []

    def start() -> Server:
        servers.append(Server(habits, tmp_path_factory.mktemp(habits.key)))
        return servers[-1]

    try:
        yield start
    finally:
        for server in servers:
            server.kill()


PATHS = ("echo/text/", "waiting/idle/", "waiting/none/", "waiting/message/", "waiting/open/", "waiting/close/")


async def test_sigterm(start: Callable[[], Server]) -> None:
    server = start()
    visits = await stop_with_sockets(server)
    for _ in range(4):
        if not server.crashed:
            break
        server = start()
        visits = await stop_with_sockets(server)
    see_the_end(server, visits)


async def stop_with_sockets(server: Server) -> list[Visit]:
    """Open a socket of each kind, send SIGTERM, and wait for the server's end."""
    habits = server.habits
    if habits.hangs_at_shutdown_from is not None and sys.version_info >= habits.hangs_at_shutdown_from:
        pytest.skip(f"{habits.title} does not stop while a socket is open, on this Python")
    visits = [Visit(server, path, {}) for path in PATHS]
    clients = [await visit.raw_open() for visit in visits]
    for visit, client in zip(visits, clients, strict=True):
        await visit.wait("open")
        if "message" in visit.target:
            client.send(TEXT, b"1")
        if "message" in visit.target or "open" in visit.target:
            await visit.wait("wait")
    began = time.monotonic()
    server.terminate()
    ends = await asyncio.gather(*[client.messages() for client in clients])
    try:
        await asyncio.to_thread(server.process.wait, 15)
    except subprocess.TimeoutExpired:
        pytest.fail(f"{habits.title} did not stop:\n{server.output()}")
    assert time.monotonic() - began < 10
    for client in clients:
        await client.leave()
    assert [code for _, code in ends] == [habits.shutdown_code] * len(PATHS)
    return visits


def see_the_end(server: Server, visits: list[Visit]) -> None:
    """See that each socket was cleaned up."""
    habits = server.habits
    if not habits.shutdown_lifespan:
        pytest.skip(f"{habits.title} stops without a word to the application: no on_close, nothing helps")
    for visit in visits:
        names = visit.names()
        assert names.count("close") == 1, (visit.target, names)
        assert names[-1] == "end", names
        assert names.count("task") == names.count("task ended"), names
        if "close" in visit.target:
            assert visit.events("waited"), names
    output = server.output()
    if habits.quiet_shutdown:
        assert tracebacks(output) == 0, output
    assert "ERROR django_ws" not in output, output
    for text in NEVER:
        assert text not in output, output


async def test_sigterm_without_sockets(start: Callable[[], Server]) -> None:
    """What has ended does not hold the server up."""
    server = start()
    visit = Visit(server, "waiting/none/", {})
    client = await visit.raw_open()
    await client.farewell()
    await visit.end()
    server.terminate()
    await asyncio.to_thread(server.process.wait, 10)
    assert tracebacks(server.output()) == 0, server.output()
