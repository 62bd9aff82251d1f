"""The table of habits, measured with bare ASGI applications: none of django-ws is in the way here."""

import asyncio
import contextlib

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from servers.harness import Run, Visit


@pytest.fixture(autouse=True)
def bare(run: Run) -> None:
    run.is_bare = True


async def closed_with(visit: Visit, seconds: float = 3) -> int | None:
    """Connect and give the code that the client sees; ``None`` if it sees no end."""
    async with visit.connect(close_timeout=0.2) as ws:
        try:
            async with asyncio.timeout(seconds):
                while True:
                    await ws.recv()
        except ConnectionClosed as closed:
            return 1006 if closed.rcvd is None else int(closed.rcvd.code)
        except TimeoutError:
            return None


async def test_denial_response(run: Run) -> None:
    visit = run.visit("bare/scope/")
    with pytest.raises(InvalidStatus) as raised:
        await visit.connect()
    assert raised.value.response.status_code == 403
    assert (await visit.wait("scope"))["denial"] is run.habits.denial_response


async def test_accept_headers(run: Run) -> None:
    async with run.visit("bare/listen/").connect() as ws:
        assert ws.response is not None
        assert ("x-greeting" in ws.response.headers) is run.habits.accept_headers


@pytest.mark.parametrize("act", ["return-early", "raise-early"])
async def test_end_before_the_handshake(run: Run, act: str) -> None:
    status: int | None = None
    try:
        async with asyncio.timeout(2):
            await run.visit(f"bare/{act}/").connect()
    except InvalidStatus as error:
        status = error.response.status_code
    except TimeoutError:
        pass
    assert status == (run.habits.return_early if act == "return-early" else run.habits.raise_early)


@pytest.mark.parametrize("act", ["return-late", "raise-late"])
async def test_end_after_the_handshake(run: Run, act: str) -> None:
    code = await closed_with(run.visit(f"bare/{act}/"), 1.5)
    assert code == (run.habits.return_late if act == "return-late" else run.habits.raise_late)


@pytest.mark.parametrize("code", [1000, 1001, 1008, 1011, 1012, 1013, 3000, 4999])
async def test_close_codes(run: Run, code: int) -> None:
    taken = run.habits.any_close_code or code == 1000 or code >= 3000
    visit = run.visit("bare/close/", code=str(code))
    assert await closed_with(visit, 0.5 if not taken else 3) == (code if taken else None)
    assert (await visit.wait("close"))["outcome"] == ("silent" if taken else "Exception")


async def test_close_reason(run: Run) -> None:
    async with run.visit("bare/close/", code="4001", reason="because").connect() as ws:
        with pytest.raises(ConnectionClosed):
            await ws.recv()
        assert ws.close_reason == ("because" if run.habits.close_reason else "")


async def test_long_close_reason(run: Run) -> None:
    visit = run.visit("bare/close/", code="4001", reason="x" * 124)
    client = await visit.raw_open()
    if (await visit.wait("close"))["outcome"] != "silent":
        assert run.habits.long_reason == "raises"
    else:
        _, payload = await client.receive()
        assert {2: "dropped", 125: "cut"}.get(len(payload), "broken") == run.habits.long_reason


@pytest.mark.parametrize("way", [0, 1, 2], ids=["4321", "no code", "reset"])
async def test_disconnect(run: Run, way: int) -> None:
    visit = run.visit("bare/listen/")
    client = await visit.raw_open()
    if way == 2:
        client.reset()
    else:
        client.close(4321 if way == 0 else None, "why" if way == 0 else "")
        # uvicorn on websockets tells of it only at the end of TCP.
        await client.messages()
        await client.leave()
    event = await visit.wait("disconnect")
    assert event["code"] == run.habits.disconnect_codes[way]
    if way == 0:
        assert event["reason"] == ("why" if run.habits.disconnect_reason else "")
    assert (await visit.wait("send"))["outcome"] == run.habits.send_after_disconnect


async def test_send_after_close(run: Run) -> None:
    visit = run.visit("bare/send-after-close/")
    await closed_with(visit)
    assert (await visit.wait("send"))["outcome"] == run.habits.send_after_close


async def test_pending_receive(run: Run) -> None:
    visit = run.visit("bare/pending/")
    assert await closed_with(visit, 0.5) == (None if run.habits.pending_receive_blocks_close else 1000)


async def test_empty_text(run: Run) -> None:
    async with run.visit("bare/empty/").connect() as ws:
        assert await ws.recv() == ("" if run.habits.empty_messages else "after")


async def test_message_limit(run: Run) -> None:
    limit = run.habits.message_limit << 20
    visit = run.visit("bare/listen/")
    async with visit.connect(compression=None) as ws:
        await ws.send("x" * (limit - 1024))
        await visit.wait("receive", size=limit - 1024)
    async with run.visit("bare/listen/").connect(compression=None, close_timeout=0.2) as ws:
        with contextlib.suppress(ConnectionClosed, TimeoutError):
            async with asyncio.timeout(0.5):
                await ws.send("x" * (limit + (1 << 20)))
                await ws.recv()
        # uvicorn on websockets would wait 10 s for the end of TCP.
        ws.transport.abort()
    await run.visits[1].wait("disconnect")
    assert not run.visits[1].events("receive")


async def test_backpressure(run: Run) -> None:
    visit = run.visit("bare/flood/")
    client = await visit.raw_open(buffer=1 << 14)
    await visit.wait("sent")
    seen = -1
    while (sent := len(visit.events("sent"))) != seen:
        seen = sent
        await asyncio.sleep(0.5)
    assert (sent < 1000) is run.habits.backpressure
    client.reset()
