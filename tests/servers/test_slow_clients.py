"""A client that does not read, and then does."""

import json

import pytest

from servers.app.sizes import FLOOD, FLOOD_SIZE, FLOOD_WAITING
from servers.harness import Run, until
from servers.raw import TEXT, RawClient

BUFFER = 1 << 14
"""Bytes of the client's receive buffer: it is full soon."""


async def stall(run: Run, path: str, message: object) -> RawClient:
    """Connect, ask for much, and do not read it."""
    if not run.habits.backpressure:
        pytest.skip(f"{run.habits.title} has no backpressure: its send never waits, it keeps all in memory")
    client = await run.visit(path).raw_open(buffer=BUFFER)
    client.send(TEXT, json.dumps(message).encode())
    return client


def numbers(messages: list[bytes]) -> list[int]:
    decoded = [json.loads(message) for message in messages]
    assert {len(message["filler"]) for message in decoded} <= {FLOOD_SIZE}
    return [message["number"] for message in decoded]


async def test_overflow_closes(run: Run) -> None:
    client = await stall(run, "flood/close/", {})
    visit = run.visits[0]
    await until(lambda: "the outbox is full; closed with 1013" in run.output())
    messages, code = await client.messages()
    assert numbers(messages) == list(range(len(messages)))
    assert len(messages) < FLOOD
    assert code == 1013
    assert (await visit.wait("close"))["code"] == 1013


async def test_overflow_closes_a_client_that_never_reads(run: Run) -> None:
    await stall(run, "flood/close/", {})
    visit = run.visits[0]
    assert (await visit.wait("close"))["code"] == 1013
    assert (await visit.end())["outcome"] == "ok"


@pytest.mark.parametrize("policy", ["oldest", "newest"])
async def test_overflow_drops(run: Run, policy: str) -> None:
    client = await stall(run, f"flood/{policy}/", {})
    visit = run.visits[0]
    dropped = (await visit.wait("flooded"))["dropped"]
    assert dropped > 0
    received: list[bytes] = []
    while len(received) < FLOOD - dropped:
        received.append((await client.receive())[1])
    seen = numbers(received)
    assert seen == sorted(set(seen))
    if policy == "oldest":
        assert FLOOD - 1 in seen
    else:
        # What has found room stays; and there may be room again for a later one.
        assert seen[:FLOOD_WAITING] == list(range(FLOOD_WAITING))
    assert (await visit.wait("settled"))["taken"] == len(seen)


@pytest.mark.parametrize("path", ["mixed/", "timeout/mixed/", "contextvar/mixed/"])
@pytest.mark.parametrize("await_every", [1, 3, 0], ids=["awaited", "mixed", "not awaited"])
async def test_stall_and_resume(run: Run, path: str, await_every: int) -> None:
    """Nothing is lost, and the order is kept, also through ASGI middleware around ``send``."""
    client = await stall(run, path, {"count": FLOOD, "size": FLOOD_SIZE, "await_every": await_every})
    visit = run.visits[0]
    if await_every:
        await visit.wait("sent")
        seen = -1
        while (sent := len(visit.events("sent"))) != seen:
            seen = sent
            await visit.more("sent", sent, 0.3)
        assert not visit.events("all taken")
    else:
        await visit.wait("sent", number=FLOOD - 50)
    received = [(await client.receive())[1] for _ in range(FLOOD)]
    assert numbers(received) == list(range(FLOOD))
    assert (await visit.wait("all taken"))["taken"] == FLOOD


async def test_a_time_out_of_asgi_middleware(run: Run) -> None:
    """It is a fault, not a sign that the client has gone: the connection ends, and is not left half open."""
    client = await stall(run, "hasty/mixed/", {"count": FLOOD, "size": FLOOD_SIZE, "await_every": 1})
    run.expect_fault("TimeoutError")
    visit = run.visits[0]
    assert (await visit.wait("close"))["code"] == 1011
    assert (await visit.end())["outcome"] == "TimeoutError"
    messages, _ = await client.messages()
    assert numbers(messages) == list(range(len(messages)))
    assert len(messages) < FLOOD


async def test_reset_while_stalled(run: Run) -> None:
    """Sends answer ``False``; the hook goes on to its end."""
    client = await stall(run, "mixed/", {"count": FLOOD, "size": FLOOD_SIZE, "await_every": 1})
    visit = run.visits[0]
    await visit.wait("sent")
    client.reset()
    assert (await visit.end())["outcome"] == "ok"
