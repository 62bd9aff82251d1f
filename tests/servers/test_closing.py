"""Who closes with what, and what the other one sees."""

import json
import time

import pytest
from websockets.exceptions import ConnectionClosed

from servers.harness import Run


@pytest.mark.parametrize(("code", "reason"), [(1000, ""), (4321, "enough"), (1001, ""), (None, "")])
async def test_the_client_closes(run: Run, code: int | None, reason: str) -> None:
    visit = run.visit("echo/text/")
    client = await visit.raw_open()
    assert await client.farewell(code, reason) in {code, 1000, 1005}
    event = await visit.wait("close")
    told_code = run.habits.disconnect_codes[1 if code is None else 0]
    assert event["code"] == (told_code or 1005 if told_code != 4321 else code)
    assert event["reason"] == (reason if run.habits.disconnect_reason else "")
    assert (await visit.end())["outcome"] == "ok"


REASONS = {
    "123 bytes": ("x" * 123, "x" * 123),
    "long": ("x" * 124, "x" * 123),
    "cut in a character": ("x" * 121 + "€€", "x" * 121),
    "very long": ("ü" * 1000, "ü" * 61),
}


@pytest.mark.parametrize(
    ("code", "reason", "seen"),
    [
        (1000, "", ""),
        (1001, "", ""),
        (1008, "", ""),
        (1011, "", ""),
        (1012, "", ""),
        (3000, "", ""),
        (4001, "not you 🦄", "not you 🦄"),
        *[pytest.param(4002, reason, seen, id=name) for name, (reason, seen) in REASONS.items()],
    ],
)
async def test_the_server_closes(run: Run, code: int, reason: str, seen: str) -> None:
    visit = run.visit("closing/")
    async with visit.connect() as ws:
        await ws.send(json.dumps({"code": code, "reason": reason}))
        assert json.loads(await ws.recv()) == "last words"
        with pytest.raises(ConnectionClosed):
            await ws.recv()
        assert ws.close_code == run.close_code(code)
        assert ws.close_reason == (seen if run.habits.close_reason else "")
    assert await visit.wait("closed") == {"id": visit.key, "event": "closed", "sent": False, "open": False}
    event = await visit.wait("close")
    assert (event["code"], event["reason"]) == (code, seen)
    assert (await visit.end())["outcome"] == "ok"


async def test_a_background_task_closes(run: Run) -> None:
    """The socket waits for a message; granian holds a close back while a ``receive`` is pending."""
    visit = run.visit("closing-task/")
    async with visit.connect() as ws:
        began = time.monotonic()
        with pytest.raises(ConnectionClosed):
            await ws.recv()
        assert ws.close_code == 4002
        assert ws.close_reason == ("from a task" if run.habits.close_reason else "")
        assert time.monotonic() - began < 1.5
    event = await visit.wait("close")
    assert (event["code"], event["reason"]) == (4002, "from a task")
    await visit.end(2)


async def test_a_long_hook_closes(run: Run) -> None:
    """The connection is being read on by then; granian holds a close back while a ``receive`` is pending."""
    visit = run.visit("closing-late/")
    async with visit.connect() as ws:
        await ws.send("1")
        await visit.wait("waited")
        began = time.monotonic()
        with pytest.raises(ConnectionClosed):
            await ws.recv()
        assert ws.close_code == 4003
        assert time.monotonic() - began < 1.5
    event = await visit.wait("close")
    assert (event["code"], event["reason"]) == (4003, "late")
    await visit.end(2)


BAD = {
    "half": "{",
    "empty": "",
    "two": "{} {}",
    "nan": "NaN",
    "surrogate": '"\\ud800"',
    "deep": "[" * 100_000,
    "deep object": '{"a":' * 100_000,
    "digits": "1" * 5000,
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD.keys())
async def test_bad_json(run: Run, text: str) -> None:
    visit = run.visit("echo/json/")
    async with visit.connect() as ws:
        await ws.send(text)
        with pytest.raises(ConnectionClosed):
            await ws.recv()
        assert ws.close_code == run.close_code(1007)
    assert (await visit.wait("close"))["code"] == 1007
    assert (await visit.end())["outcome"] == "ok"
    assert run.output().count("a message was refused (1007)") == 1


@pytest.mark.parametrize(
    ("path", "message"), [("echo/text/", b"\0"), ("echo/json/", b"{}"), ("echo/bytes/", "text")], ids=repr
)
async def test_the_other_kind_of_frame(run: Run, path: str, message: str | bytes) -> None:
    visit = run.visit(path)
    async with visit.connect() as ws:
        await ws.send(message)
        with pytest.raises(ConnectionClosed):
            await ws.recv()
        assert ws.close_code == run.close_code(1003)
    assert (await visit.wait("close"))["code"] == 1003
    assert run.output().count("a message was refused (1003)") == 1
