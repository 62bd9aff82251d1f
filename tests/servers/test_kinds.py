"""Generators, ordinary methods and several messages at once, over real servers."""

import pytest
from websockets.exceptions import ConnectionClosed

from servers.harness import Run
from servers.raw import TEXT


async def test_what_a_generator_yields_is_sent_and_its_end_closes_with_1000(run: Run) -> None:
    visit = run.visit("ticks/end/")
    async with visit.connect() as ws:
        assert [await ws.recv(), await ws.recv()] == ["first", "last"]
        with pytest.raises(ConnectionClosed):
            await ws.recv()
        assert ws.close_code == 1000
    assert (await visit.end())["outcome"] == "ok"


async def test_a_generator_takes_messages_as_well(run: Run) -> None:
    visit = run.visit("ticks/echo/")
    async with visit.connect() as ws:
        assert await ws.recv() == "first"
        for number in range(20):
            await ws.send(str(number))
            assert await ws.recv() == str(number)
    assert (await visit.end())["outcome"] == "ok"


@pytest.mark.parametrize("way", ["reset", "fin", "close"])
async def test_a_client_that_leaves_while_the_generator_waits(run: Run, way: str) -> None:
    visit = run.visit("ticks/wait/")
    client = await visit.raw_open()
    await visit.wait("wait")
    if way == "reset":
        client.reset()
    elif way == "fin":
        client.writer.close()
    else:
        assert await client.receive() == (TEXT, b"first")
        await client.farewell(4321, "enough")
    await visit.wait("close")
    assert (await visit.end())["outcome"] == "ok"


async def test_a_slow_client_slows_a_generator_down(run: Run) -> None:
    if not run.habits.backpressure:
        pytest.skip(f"{run.habits.title} has no backpressure: its send never waits, it keeps all in memory")
    visit = run.visit("ticks/flood/")
    client = await visit.raw_open(buffer=4096)
    await visit.wait("made", number=1)
    # As soon as the buffers on the way are full it stands still.
    made = -1
    while made != len(visit.events("made")):
        made = len(visit.events("made"))
        if not await visit.more("made", made, 1):
            break
    assert made < 3000
    client.reset()
    await visit.wait("close")
    await visit.end()


async def test_a_fault_in_a_generator(run: Run) -> None:
    run.expect_fault("ValueError: a fault in a generator")
    visit = run.visit("ticks/fail/")
    async with visit.connect() as ws:
        assert await ws.recv() == "first"
        with pytest.raises(ConnectionClosed):
            await ws.recv()
        assert ws.close_code == run.close_code(1011)
    await visit.wait("close")
    await visit.end()


async def test_sync_hooks_ask_the_database_and_answer_from_one_thread(run: Run) -> None:
    visit = run.visit("sync/")
    async with visit.connect() as ws:
        for text in ("one", "two", "three"):
            await ws.send(text)
        assert [await ws.recv() for _ in range(3)] == ["ONE", "TWO", "THREE"]
    await visit.wait("close")
    await visit.end()
    threads = {event["thread"] for event in visit.events() if "thread" in event}
    assert len(threads) == 1
    assert threads.pop().startswith("websocket-lane-")


async def test_a_sync_hook_closes_and_another_fails(run: Run) -> None:
    run.expect_fault("ValueError: a fault in a sync hook")
    for text, code in (("bye", 4001), ("fail", 1011)):
        visit = run.visit("sync/")
        async with visit.connect() as ws:
            await ws.send(text)
            with pytest.raises(ConnectionClosed):
                await ws.recv()
            assert ws.close_code == run.close_code(code)
        assert (await visit.wait("close"))["code"] == code
        await visit.end()


async def test_several_messages_at_once_and_no_more_than_the_bound(run: Run) -> None:
    visit = run.visit("concurrent/")
    client = await visit.raw_open()
    for text in (b"0.6", b"0.05", b"0.3", b"0.1"):
        client.send(TEXT, text)
    # The fourth begins when the second has ended.
    assert [(await client.receive())[1] for _ in range(4)] == [b"0.05", b"0.1", b"0.3", b"0.6"]
    await client.farewell()
    await visit.end()
    events = [(event["event"], event.get("text")) for event in visit.events() if event["event"] in {"begun", "waited"}]
    assert events[:4] == [("begun", "0.6"), ("begun", "0.05"), ("begun", "0.3"), ("waited", None)]
    assert events[4] == ("begun", "0.1")


async def test_a_fault_in_one_of_several(run: Run) -> None:
    run.expect_fault("ValueError: a fault in one of several")
    visit = run.visit("concurrent/")
    async with visit.connect() as ws:
        await ws.send("60")
        await ws.send("fail")
        with pytest.raises(ConnectionClosed):
            await ws.recv()
        assert ws.close_code == run.close_code(1011)
    await visit.wait("cancelled")
    assert (await visit.wait("close"))["code"] == 1011
    await visit.end()
