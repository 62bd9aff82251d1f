"""Limits on connections and messages, and the two ways to refuse a handshake."""

import asyncio
import contextlib
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from servers.habits import SERVERS, Habits
from servers.harness import Run, Server
from servers.raw import RawClient

MANY = 20
"""Connections that an address may have open, in the test of that limit."""

LINE = (
    "WARNING django_ws: Too Many Requests: '/echo/text/': "
    "127.0.0.1 has 20 open connections, as many as WS_MAX_CONNECTIONS_PER_ADDRESS allows"
)


@pytest.mark.parametrize("habits", [pytest.param(habits, id=habits.key) for habits in SERVERS])
async def test_an_address_has_so_many_connections_and_gets_them_back(habits: Habits, tmp_path: Path) -> None:
    server = Server(habits, tmp_path, environment={"MAX_CONNECTIONS": str(MANY)})
    try:
        run = Run(server)
        clients: list[RawClient] = []
        statuses: list[int] = []
        for _ in range(MANY + 3):
            clients.append(await run.visit("echo/text/").raw())
            statuses.append((await clients[-1].answer()).status)
        refused = 429 if habits.denial_response else 403
        assert statuses == [101] * MANY + [refused] * 3
        assert run.output().count(LINE) == 3
        for client, visit in zip(clients, run.visits, strict=True):
            await client.leave()
            if visit.events("begin"):
                await visit.end()
        again = await run.visit("echo/text/").raw()
        assert (await again.answer()).status == 101
        await run.finish()
    finally:
        server.stop()


async def test_messages_over_the_rate_wait_their_turn(run: Run) -> None:
    async with run.connect("throttled/") as ws:
        for number in range(12):
            await ws.send(str(number))
        assert [await ws.recv() for _ in range(12)] == [str(number) for number in range(12)]
    line = "Throttled: more than 20 messages a second came; they wait their turn"
    assert run.output().count(line) >= 1


async def test_messages_over_the_rate_may_end_the_connection(run: Run) -> None:
    visit = run.visit("floodable/")
    async with visit.connect() as ws:
        # One over the burst and not one more: where a server closes the TCP connection with input that it has not read,
        # the kernel answers with a reset, which may overtake the close frame.
        for number in range(4):
            await ws.send(str(number))
        assert [await ws.recv() for _ in range(4)] == ["0", "1", "2", "3"]
        await ws.send("4")
        with pytest.raises(ConnectionClosed):
            await ws.recv()
        assert ws.close_code == run.close_code(1008)
    assert (await visit.wait("close"))["code"] == 1008
    assert run.output().count("Floodable: more than 0.001 messages a second came; closed with 1008") == 1


async def test_a_silent_client_is_closed(run: Run) -> None:
    visit = run.visit("idle/")
    async with visit.connect() as ws:
        with pytest.raises(ConnectionClosed):
            await ws.recv()
        assert ws.close_code == 3008
    await visit.wait("close")
    assert run.output().count("Idle: no message came for 0.2 s; closed with 3008") == 1


@pytest.mark.parametrize(
    ("path", "code", "reason"),
    [
        ("denying-by-close/forbidden/", 4403, "Forbidden"),
        ("denying-by-close/missing/", 4404, "Not Found"),
        ("denying-by-close/json/", 4401, "Unauthorized"),
        ("denying-by-close/redirect/", 4302, "/elsewhere/"),
        ("members-by-close/", 4401, "Unauthorized"),
    ],
)
async def test_a_denial_by_a_close_code(run: Run, path: str, code: int, reason: str) -> None:
    visit = run.visit(path)
    async with visit.connect() as ws:
        with pytest.raises(ConnectionClosed):
            await ws.recv()
        assert ws.close_code == code
        assert ws.close_reason == (reason if run.habits.close_reason else "")
    await visit.end()
    assert visit.events("open") == []


async def test_a_guard_denies_over_http(run: Run) -> None:
    client = await run.visit("members/").raw()
    response = await client.answer()
    if not run.habits.denial_response:
        assert response.status == 403
        return
    assert (response.status, response.all("www-authenticate")) == (401, ["Session"])


# --- hostile handshakes ---------------------------------------------------------------------------

HANDSHAKE = (
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
)

HOSTILE: dict[str, tuple[str, tuple[str, ...]]] = {
    "no host": ("/echo/text/", ()),
    "a host of ours twice": ("/echo/text/", ("Host: 127.0.0.1", "Host: 127.0.0.1")),
    "a foreign host": ("/echo/text/", ("Host: evil.example",)),
    "a malformed host": ("/echo/text/", ("Host: [::1", "Cookie: a=b")),
    "an impossible port": ("/echo/text/", ("Host: 127.0.0.1:99999", "Origin: http://127.0.0.1:99999")),
    "a foreign origin": ("/echo/text/", ("Host: 127.0.0.1", "Origin: https://evil.example")),
    "an empty origin": ("/echo/text/", ("Host: 127.0.0.1", "Origin:")),
    "two origins": ("/echo/text/", ("Host: 127.0.0.1", "Origin: http://127.0.0.1", "Origin: http://127.0.0.1")),
    "16 KiB of cookies": ("/echo/text/", ("Host: 127.0.0.1", f"Cookie: a={'x' * 16_384}")),
    "a path that is not UTF-8": ("/echo/%ff%fe/", ("Host: 127.0.0.1",)),
    "a NUL in the path": ("/echo/%00/", ("Host: 127.0.0.1",)),
    "bad percent-encoding": ("/echo/%zz/%", ("Host: 127.0.0.1",)),
    "a query that is not UTF-8": ("/echo/text/?a=%ff", ("Host: 127.0.0.1",)),
    "a query of many fields": (f"/echo/text/?{'a=1&' * 1500}", ("Host: 127.0.0.1",)),
    "an odd length": ("/echo/text/", ("Host: 127.0.0.1", "Content-Length: 0")),
    "an unknown extension": ("/echo/text/", ("Host: 127.0.0.1", "Sec-WebSocket-Extensions: nonsense; a=b")),
    "odd subprotocols": ("/echo/text/", ("Host: 127.0.0.1", "Sec-WebSocket-Protocol: a, , b, bearer.x")),
    "an absolute target": ("http://evil.example/echo/text/", ("Host: 127.0.0.1",)),
}


@pytest.mark.parametrize("kind", HOSTILE)
async def test_a_hostile_handshake_is_answered_and_nothing_else_suffers(run: Run, kind: str) -> None:
    if (run.habits.key, kind) == ("uvicorn-sansio", "16 KiB of cookies"):
        pytest.skip("uvicorn on the sans-I/O parser of websockets leaves a header over 8 KiB without an answer")
    target, headers = HOSTILE[kind]
    reader, writer = await asyncio.open_connection("127.0.0.1", run.server.port)
    writer.write("\r\n".join([f"GET {target} HTTP/1.1", *headers, *HANDSHAKE, "", ""]).encode())
    async with asyncio.timeout(10):
        line = await reader.readline()
    # A server may hang up instead of answering what it cannot read.
    status = int(line.split()[1]) if line else 400
    assert status in {101, 400, 403, 404, 414, 431}
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    async with run.visit("echo/text/").connect() as ws:
        await ws.send("still here")
        assert await ws.recv() == "still here"
