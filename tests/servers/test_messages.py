"""What is said comes through: every kind of message, whole, in order."""

import asyncio
import json

import pytest
from websockets.exceptions import ConnectionClosed

from servers.harness import Run
from servers.raw import BINARY, PING, PONG, TEXT

TEXTS = [
    "hello",
    "",
    "🦄 👩\u200d👩\u200d👧 é",
    "a NUL \0 in it",
    "\u202b\u05e9\u05dc\u05d5\u05dd\u202c and \u0645\u0631\u062d\u0628\u0627",
    "\ufeff\uffff\U0010ffff\u2028",
    "x" * 125,
    "x" * 126,
    "ü" * 70_000,
]


async def test_text(run: Run) -> None:
    async with run.connect("echo/text/") as ws:
        for text in TEXTS:
            await ws.send(text)
        for text in TEXTS:
            if text or run.habits.empty_messages:
                assert await ws.recv() == text


async def test_bytes(run: Run) -> None:
    messages = [b"", bytes(range(256)), b"\0" * 66_000]
    async with run.connect("echo/bytes/") as ws:
        for message in messages:
            await ws.send(message)
        for message in messages:
            if message or run.habits.empty_messages:
                assert await ws.recv() == message


async def test_json(run: Run) -> None:
    values = [None, True, 0, -1.5e300, "", "☃", [], {}, [[1, {"a": None}]], {"ключ": ["\0", "\u2028"]}, 10**50]
    async with run.connect("echo/json/") as ws:
        for value in values:
            await ws.send(json.dumps(value))
        for value in values:
            assert json.loads(await ws.recv()) == value


async def test_function(run: Run) -> None:
    visit = run.visit("function/")
    async with visit.connect() as ws:
        await ws.send("one")
        assert await ws.recv() == "one"
        await ws.send("stop")
        with pytest.raises(ConnectionClosed):
            await ws.recv()
        assert ws.close_code == 1000
    assert (await visit.end())["outcome"] == "ok"


@pytest.mark.parametrize("deflate", [False, True], ids=["plain", "deflate"])
async def test_a_mebibyte(run: Run, deflate: bool) -> None:
    compression = "deflate" if deflate else None
    text = "0123456789abcdef" * (1 << 16)
    async with run.visit("echo/text/").connect(compression=compression) as ws:
        await ws.send(text)
        assert await ws.recv() == text
    async with run.visit("echo/bytes/").connect(compression=compression) as ws:
        await ws.send(text.encode())
        assert await ws.recv() == text.encode()


@pytest.mark.parametrize("await_every", [0, 1, 2, 7])
async def test_order(run: Run, await_every: int) -> None:
    """Awaited or not, sends go out in order of call."""
    visit = run.visit("mixed/")
    async with visit.connect() as ws:
        await ws.send(json.dumps({"count": 500, "size": 100, "await_every": await_every}))
        for number in range(500):
            assert json.loads(await ws.recv())["number"] == number
        assert (await visit.wait("all taken"))["taken"] == 500


async def test_fragments(run: Run) -> None:
    """A message in several frames, with a ping between them (RFC 6455 section 5.4)."""
    for path, opcode in (("echo/text/", TEXT), ("echo/bytes/", BINARY)):
        client = await run.visit(path).raw_open()
        client.send(opcode, b"one ", final=False)
        client.send(PING, b"there?")
        client.send(0, b"two ", final=False)
        client.send(0, b"three")
        assert await client.receive() == (PONG, b"there?")
        assert await client.receive() == (opcode, b"one two three")
        assert await client.farewell() == 1000


async def test_many_at_once(run: Run) -> None:
    """What comes in one packet is handled one by one."""
    client = await run.visit("echo/text/").raw_open()
    for number in range(100):
        client.send(TEXT, str(number).encode())
    for number in range(100):
        assert await client.receive() == (TEXT, str(number).encode())


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("small/text/", "x" * 1001),
        ("small/text/", "ü" * 501),
        ("small/bytes/", b"x" * 1001),
        ("small/json/", '"' + "☃" * 400 + '"'),
    ],
    ids=["text", "umlauts", "bytes", "json"],
)
async def test_too_big_for_the_socket(run: Run, path: str, message: str | bytes) -> None:
    visit = run.visit(path)
    async with visit.connect() as ws:
        await ws.send(message)
        with pytest.raises(ConnectionClosed):
            await ws.recv()
        assert ws.close_code == run.close_code(1009)
    assert (await visit.wait("close"))["code"] == 1009


async def test_too_big_by_default(run: Run) -> None:
    if run.habits.message_limit == 1:
        pytest.skip(f"{run.habits.title} itself drops the connection over 1 MiB, without a close frame")
    visit = run.visit("echo/text/")
    async with visit.connect() as ws:
        await ws.send("x" * ((1 << 20) + 1))
        with pytest.raises(ConnectionClosed):
            await ws.recv()
        assert ws.close_code == 1009
    assert (await visit.wait("close"))["code"] == 1009


async def test_a_crowd(run: Run) -> None:
    """500 sockets at once lose nothing and leave nothing."""
    visits = [run.visit("echo/text/") for _ in range(500)]
    handshakes = asyncio.Semaphore(50)
    all_open = asyncio.Barrier(500)

    async def talk(index: int) -> None:
        async with handshakes:
            client = await visits[index].raw_open()
        await all_open.wait()
        for number in range(5):
            client.send(TEXT, f"{index}:{number}".encode())
        for number in range(5):
            assert await client.receive() == (TEXT, f"{index}:{number}".encode())
        assert await client.farewell() == 1000

    async with asyncio.timeout(60):
        await asyncio.gather(*[talk(index) for index in range(500)])
    for visit in visits:
        await visit.end()
        assert visit.names() == ["begin", "open", "close", "end"]
