"""A fault in the project's code ends one socket, is logged once, and goes no further."""

import pytest
from websockets.exceptions import ConnectionClosed

from servers.harness import Run


@pytest.mark.parametrize("hook", ["open", "message", "encoding"])
async def test_fault(run: Run, hook: str) -> None:
    if hook == "encoding":
        run.expect_fault(
            "UnicodeEncodeError: 'utf-8' codec can't encode character '\\ud800' in position 0: surrogates not allowed"
        )
    else:
        run.expect_fault(f"ValueError: a fault in {hook}")
    visit = run.visit(f"faulty/{hook}/")
    async with run.visit("echo/text/").connect() as neighbour, visit.connect() as ws:
        # A fault in on_open may have closed it before the message goes out.
        with pytest.raises(ConnectionClosed):
            await ws.send("hello")
            await ws.recv()
        assert ws.close_code == run.close_code(1011)
        assert ws.close_reason == ""
        await neighbour.send("still there")
        assert await neighbour.recv() == "still there"
    event = await visit.wait("close")
    assert event["code"] == 1011
    assert len(visit.events("error")) == 1
    assert run.output().count("ERROR django_ws: Websocket fault: ") == 1


async def test_fault_in_on_close(run: Run) -> None:
    run.expect_fault("ValueError: a fault in close")
    visit = run.visit("faulty/close/")
    async with visit.connect() as ws:
        await ws.send("hello")
        assert await ws.recv() == "hello"
    await visit.end()


async def test_fault_in_a_task(run: Run) -> None:
    run.expect_fault("ValueError: a fault in task")
    visit = run.visit("faulty/task/")
    async with visit.connect() as ws:
        assert (await visit.wait("task error"))["error"] == "a fault in task"
        await ws.send("hello")
        assert await ws.recv() == "hello"
    assert (await visit.end())["outcome"] == "ok"


async def test_many_faults(run: Run) -> None:
    """Each is logged once; nothing piles up."""
    for _ in range(20):
        async with run.visit("faulty/message/").connect() as ws:
            await ws.send("hello")
            with pytest.raises(ConnectionClosed):
                await ws.recv()
    for visit in run.visits:
        await visit.end()
    run.faults = ["ValueError: a fault in message"] * 20
