"""A client that goes away, whatever the socket is at."""

import time

import pytest

from servers.harness import Run, Visit
from servers.raw import TEXT, RawClient


async def wait_in(visit: Visit, hook: str) -> RawClient:
    """Connect, and bring the socket into the hook that its path names."""
    client = await visit.raw()
    if hook == "connect":
        await visit.wait("wait", where="connect")
        return client
    assert (await client.answer()).status == 101
    await visit.wait("open")
    if hook != "idle":
        await visit.wait("task")
    if hook == "message":
        client.send(TEXT, b"1")
    if hook in {"open", "message"}:
        await visit.wait("wait", where=hook)
    return client


async def go(client: RawClient, way: str) -> None:
    if way == "reset":
        client.reset()
    elif way == "fin":
        client.writer.close()
    else:
        await client.farewell(4321, "enough")


@pytest.mark.parametrize("way", ["reset", "fin", "close"])
@pytest.mark.parametrize("hook", ["idle", "none", "close"])
async def test_while_it_waits_for_a_message(run: Run, hook: str, way: str) -> None:
    visit = run.visit(f"waiting/{hook}/")
    client = await wait_in(visit, hook)
    await go(client, way)
    await visit.wait("close", 2)
    if hook == "close":
        await visit.wait("waited", where="close")
    assert (await visit.end())["outcome"] == "ok"


@pytest.mark.parametrize("way", ["reset", "fin", "close"])
@pytest.mark.parametrize("hook", ["open", "message"])
@pytest.mark.parametrize("path", ["waiting", "impatient"])
async def test_while_a_hook_waits(run: Run, path: str, hook: str, way: str) -> None:
    """Noticed within a second; the hook is cancelled when its grace is over."""
    visit = run.visit(f"{path}/{hook}/")
    client = await wait_in(visit, hook)
    began = time.monotonic()
    await go(client, way)
    await visit.wait("task ended")
    # A tick takes 0.5 s, the second one acts; the rest is what a busy machine takes.
    assert time.monotonic() - began < 2
    await visit.wait("cancelled", where=hook)
    assert time.monotonic() - began < 2 + (0.2 if path == "waiting" else 0)
    await visit.wait("close", 2)
    assert (await visit.end())["outcome"] == "ok"
    names = visit.names()
    if path == "waiting":
        assert names.index("task ended") < names.index("cancelled")


@pytest.mark.parametrize("way", ["reset", "fin"])
async def test_before_the_handshake_is_answered(run: Run, way: str) -> None:
    """``on_close`` comes if and only if ``on_open`` did; not every server says that the client has gone."""
    visit = run.visit("waiting/connect/")
    client = await wait_in(visit, "connect")
    await go(client, way)
    assert (await visit.end())["outcome"] == "ok"


async def test_messages_before_the_end_are_handled(run: Run) -> None:
    """They came, so they count, also those behind a hook that takes long."""
    visit = run.visit("busy/")
    client = await visit.raw_open()
    client.send(TEXT, b"1.2")
    await visit.wait("wait")
    for _ in range(20):
        client.send(TEXT, b"0")
    await go(client, "close")
    await visit.end()
    assert len(visit.events("waited")) == 21


async def test_the_inbox_is_bounded(run: Run) -> None:
    """While a hook takes long, no more than the bound is read; nothing is lost for it."""
    visit = run.visit("busy/")
    client = await visit.raw_open()
    client.send(TEXT, b"1.2")
    await visit.wait("wait")
    for _ in range(200):
        client.send(TEXT, b"0")
    for _ in range(201):
        await client.receive()
    await go(client, "close")
    await visit.end()
    assert len(visit.events("waited")) == 201
