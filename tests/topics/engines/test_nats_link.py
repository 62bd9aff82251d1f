"""topics/engines/nats_link.py: nothing lost without a word, whatever the server, the network or a caller does."""

import asyncio
import contextlib
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from django_ws.exceptions import BrokerError, PayloadTooBigError
from django_ws.interfaces import ChannelMessage
from django_ws.topics.engines import nats_link
from django_ws.topics.engines.nats_link import NatsLink
from topics.engines.certificates import make_certificates
from topics.engines.nats_server import INFO, SECONDS, NatsServer, fake_server, greet, nats_server


@pytest.fixture(scope="module")
def server() -> Iterator[NatsServer]:
    with nats_server("max_payload: 100000") as server:
        yield server


async def opened(url: str, prefix: str = "p", timeout: float = SECONDS, **secrets: str) -> NatsLink:
    link = NatsLink(url, prefix, timeout)
    await link.open(secrets, "", {}, SECONDS)
    return link


@asynccontextmanager
async def linked(url: str, *channels: str, prefix: str = "p", timeout: float = SECONDS) -> AsyncIterator[NatsLink]:
    link = await opened(url, prefix, timeout)
    try:
        if channels:
            await link.subscribe(channels)
        yield link
    finally:
        await link.close()


async def take(link: NatsLink, count: int) -> list[ChannelMessage]:
    taken: list[ChannelMessage] = []
    async with asyncio.timeout(SECONDS):
        while len(taken) < count:
            batch = await link.receive()
            assert 1 <= len(batch) <= 100
            taken.extend(batch)
    return taken


async def lost(link: NatsLink) -> str:
    """Wait for the loss; give what is said of it."""
    async with asyncio.timeout(SECONDS):
        with pytest.raises(BrokerError) as caught:
            while True:
                await link.receive()
    assert link.is_lost
    return str(caught.value)


# --- what comes -----------------------------------------------------------------------------------


async def test_messages_come_in_the_order_of_their_publisher_over_all_channels(server: NatsServer) -> None:
    channels = [f"order.{number}" for number in range(5000)]
    messages = [(channels[number * 7 % 5000], b"%d" % number) for number in range(20000)]
    async with linked(server.url, *channels) as link, linked(server.url) as other:
        publishing = asyncio.ensure_future(other.publish(messages))
        assert await take(link, 20000) == messages
        await publishing


async def test_a_subscription_is_confirmed_before_it_returns(server: NatsServer) -> None:
    async with linked(server.url) as link, linked(server.url) as other:
        for number in range(200):
            channel = f"confirmed.{number}"
            await link.subscribe([channel])
            await other.publish([(channel, b"")])
            assert await take(link, 1) == [(channel, b"")]


async def test_what_has_been_published_is_with_the_server(server: NatsServer) -> None:
    async with linked(server.url, "with") as link:
        for _ in range(50):
            other = await opened(server.url)
            await other.publish([("with", b"1")])
            other._client._transport.close()  # type: ignore[union-attr]  # what is not with the server would be lost
            assert await take(link, 1) == [("with", b"1")]
            await other.close()


async def test_unsubscribed_means_no_more(server: NatsServer) -> None:
    async with linked(server.url, "gone", "stays") as link:
        await link.unsubscribe(["gone", "never there"])
        await link.publish([("gone", b"1"), ("stays", b"2")])
        assert await take(link, 1) == [("stays", b"2")]
        await link.subscribe(["gone", "stays"])
        await link.publish([("gone", b"3"), ("stays", b"4")])
        assert await take(link, 2) == [("gone", b"3"), ("stays", b"4")]


async def test_a_batch_with_one_that_is_too_big_is_not_published_at_all(server: NatsServer) -> None:
    async with linked(server.url, "big") as link:
        assert link.max_payload == 100000
        with pytest.raises(PayloadTooBigError) as caught:
            await link.publish([("big", b"1"), ("big", bytes(100001))])
        assert str(caught.value) == (
            f"the payload for 'big' has 100001 bytes, but NATS at {server.url} takes 100000 (max_payload of the server)"
        )
        await link.publish([("big", b"2")])
        assert await take(link, 1) == [("big", b"2")]


async def test_whoever_waits_may_give_up_and_the_link_goes_on(server: NatsServer) -> None:
    async with linked(server.url, "a") as link:
        for work in (link.receive(), link.publish([("a", b"1")]), link.subscribe([f"b.{n}" for n in range(3000)])):
            task = asyncio.ensure_future(work)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        await link.subscribe(["b.2999"])  # which may be under way
        await link.publish([("a", b"2"), ("b.2999", b"3")])
        assert await take(link, 3) == [("a", b"1"), ("a", b"2"), ("b.2999", b"3")]
        await link.unsubscribe(["b.2999"])
        await link.publish([("b.2999", b"4"), ("a", b"5")])
        assert await take(link, 1) == [("a", b"5")]


# --- loss -----------------------------------------------------------------------------------------


async def test_a_killed_server_is_noticed_and_nothing_hangs() -> None:
    with nats_server() as server:
        async with linked(server.url, "a") as link, linked(server.url) as other:
            await other.publish([("a", b"before")])
            await link.publish([("nobody", b"")])  # answered, so what was before it has come
            server.kill()
            assert await take(link, 1) == [("a", b"before")]
            assert (await lost(link)).startswith(f"NATS at {server.url}: ")
            server.start()
            # It does not mend itself.
            for work in (link.subscribe(["b"]), link.unsubscribe(["a"]), link.publish([("a", b"")]), link.receive()):
                with pytest.raises(BrokerError):
                    await work
            async with linked(server.url, "a") as another:
                await another.publish([("a", b"after")])
                assert await take(another, 1) == [("a", b"after")]


async def test_a_connection_that_ends_while_an_answer_is_waited_for_is_told_at_once() -> None:
    async def leave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(reader, writer)
        await reader.readuntil(b"PING\r\n")
        writer.close()

    async with fake_server(leave) as url, linked(url) as link:
        with pytest.raises(BrokerError, match="unexpected EOF"):
            await link.publish([("a", b"1")])


async def test_a_server_that_says_nothing_of_why_is_told_all_the_same(server: NatsServer) -> None:
    async with linked(server.url) as link:
        link._client._err = None
        await link._client.close()
        assert await lost(link) == f"NATS at {server.url}: the connection has ended"


async def test_an_answer_that_does_not_come_is_not_waited_for_without_end() -> None:
    async def fall_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(reader, writer)
        await reader.read()

    async with fake_server(fall_silent) as url, linked(url, timeout=0.01) as link:
        with pytest.raises(BrokerError, match=r": it does not answer within 0\.01 s"):
            await link.publish([("a", b"1")])
        assert link.is_lost


async def test_a_peer_that_is_gone_without_a_word_is_noticed_by_its_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fall_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(reader, writer)
        await reader.read()

    monkeypatch.setattr(nats_link, "_PING_EVERY", 0.01)
    async with fake_server(fall_silent) as url, linked(url) as link:
        assert "stale connection" in (await lost(link)).lower()


async def test_what_is_held_up_by_tcp_is_confirmed_only_when_it_is_there() -> None:
    read = asyncio.Event()
    came: list[bytes] = []

    async def read_late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(reader, writer)
        await read.wait()
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                line = await reader.readuntil(b"\r\n")
                if line == b"PING\r\n":
                    came.append(b"PING")
                    writer.write(b"PONG\r\n")
                else:
                    came.append((await reader.readexactly(int(line.split()[-1]) + 2))[:1])

    async with fake_server(read_late) as url, linked(url) as link:
        first = asyncio.ensure_future(link.publish([("a", b"1" * 1_000_000)] * 10))
        while not link._client.pending_data_size and not link._tasks:
            await asyncio.sleep(0)
        for _ in range(10):
            await asyncio.sleep(0)
        second = asyncio.ensure_future(link.publish([("a", b"2")]))
        for _ in range(10):
            await asyncio.sleep(0)
        assert link._client.pending_data_size
        assert not second.done()
        read.set()
        async with asyncio.timeout(SECONDS):
            await asyncio.gather(first, second)
        assert came.index(b"2") < len(came) - 1 - came[::-1].index(b"PING")


async def test_messages_over_the_bound_are_not_dropped_in_silence(
    server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nats_link, "_MAX_PENDING", 3 * (256 + 100))
    async with linked(server.url, "slow") as link, linked(server.url) as other:
        for _ in range(2):  # what was taken does not count
            await other.publish([("slow", bytes(100))] * 3)
            assert await take(link, 3) == [("slow", bytes(100))] * 3
        await other.publish([("slow", bytes(100))] * 5)
        async with asyncio.timeout(SECONDS):
            while not link.is_lost:
                await asyncio.sleep(0)
        # Those before the first that was lost are still good.
        assert await take(link, 3) == [("slow", bytes(100))] * 3
        assert (
            await lost(link)
            == f"NATS at {server.url}: messages were lost, because more than 1068 bytes wait to be taken"
        )


async def test_a_client_that_is_too_slow_for_the_server_is_told() -> None:
    with nats_server("max_pending: 100000\nwrite_deadline: 100ms\nmax_payload: 90000") as server:
        async with linked(server.url, "slow") as link:
            # From another process, while this one's event loop stands still.
            script = (
                "import asyncio, sys\n"
                "from django_ws.topics.engines.nats import NatsBroker\n"
                "broker = NatsBroker(sys.argv[1], {'PREFIX': 'p', 'TIMEOUT': 20})\n"
                "for _ in range(30): broker.publish([('slow', bytes(80000))] * 30)\n"
            )
            subprocess.run([sys.executable, "-c", script, server.url], check=True, timeout=SECONDS)
            await lost(link)


async def test_an_error_that_the_server_tells_ends_the_link() -> None:
    async def complain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(reader, writer)
        writer.write(b"-ERR 'Slow Consumer Detected'\r\n")
        await reader.read()

    async with fake_server(complain) as url, linked(url) as link:
        assert await lost(link) == f"NATS at {url}: slow consumer detected"


async def test_what_the_library_cannot_read_ends_the_link_though_the_library_goes_on() -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(reader, writer)
        writer.write(b"INFO {broken\r\n")
        await reader.read()

    async with fake_server(babble) as url, linked(url) as link:
        reason = f"NATS at {url}: nothing is read any more; the log of nats.aio.client says why"
        assert await lost(link) == reason
        with pytest.raises(BrokerError) as refused:
            await link.publish([("a", b"1")])
        assert str(refused.value) == reason


@pytest.mark.parametrize("method", ["publish", "subscribe"])
async def test_a_fault_of_the_library_is_no_success(
    server: NatsServer, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError("a fault")

    async with linked(server.url) as link:
        monkeypatch.setattr(link._client, method, fail)
        with pytest.raises(BrokerError, match=r"nats-py failed with RuntimeError\('a fault'\)$"):
            await (link.publish([("a", b"1")]) if method == "publish" else link.subscribe(["a"]))


# --- permissions ----------------------------------------------------------------------------------

PERMISSIONS = """
authorization { users: [ { user: "me", password: "s", permissions: {
    publish: { allow: ["p.open", "p.Sub"] }, subscribe: { allow: ["p.open", "p.Closed"] }
} } ] }
"""


async def test_who_may_not_publish_somewhere_is_told_and_the_link_goes_on() -> None:
    with nats_server(PERMISSIONS) as server:
        link = await opened(server.url, user="me", password="s")
        await link.subscribe(["open", "Closed"])
        with pytest.raises(BrokerError) as caught:
            await link.publish([("open", b"1"), ("Closed", b"2")])
        assert str(caught.value) == f"NATS at {server.url} does not let this user publish to 'p.Closed'"
        await link.publish([("open", b"3")])
        assert await take(link, 2) == [("open", b"1"), ("open", b"3")]
        await link.close()


async def test_who_may_not_subscribe_somewhere_is_told() -> None:
    with nats_server(PERMISSIONS) as server:
        link = await opened(server.url, user="me", password="s")
        with pytest.raises(BrokerError, match=r'permissions violation for subscription to "p\.sub"'):
            await link.subscribe(["Sub"])
        await link.close()


# --- opening and closing --------------------------------------------------------------------------


async def test_a_server_that_does_not_greet_is_not_waited_for_without_end() -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with fake_server(say_nothing) as url:
        link = NatsLink(url, "p", SECONDS)
        with pytest.raises(BrokerError) as caught:
            await link.open({}, "", {}, 0.01)
        assert str(caught.value) == f"NATS at {url}: it does not answer within 0.01 s"


async def test_a_server_that_leaves_in_the_middle_of_the_greeting_is_told() -> None:
    async def leave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(INFO)
        await reader.readuntil(b"PING\r\n")
        writer.close()

    async with fake_server(leave) as url:
        with pytest.raises(BrokerError, match="it closed the connection at once"):
            await opened(url)


async def test_something_that_is_no_nats_is_told() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with fake_server(answer) as url:
        with pytest.raises(BrokerError, match=f"NATS at {url}: empty response from server when expecting INFO message"):
            await opened(url)


async def test_a_password_does_not_go_to_a_server_without_tls_that_should_have_it() -> None:
    connects: list[bytes] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connects.append(await greet(reader, writer))
        await reader.read()

    async with fake_server(note) as url:
        with pytest.raises(BrokerError, match="it offers no TLS, which the scheme tls:// asks for"):
            await opened(url.replace("nats:", "tls:"), user="me", password="s3cret", token="t0ken")
        await (await opened(url, user="me", password="s3cret")).close()
    first, second = connects
    assert (b"s3cret" in first, b"t0ken" in first, b"s3cret" in second) == (False, False, True)


async def test_who_gives_up_connecting_leaves_nothing_open() -> None:
    ended = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        ended.set()

    async with fake_server(say_nothing) as url, asyncio.timeout(SECONDS):
        link = NatsLink(url, "p", SECONDS)
        opening = asyncio.ensure_future(link.open({}, "", {}, SECONDS))
        while link._client._current_server is None:  # until it waits for the greeting
            await asyncio.sleep(0)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        await ended.wait()


async def test_a_password_goes_over_tls(tmp_path: Path) -> None:
    files = make_certificates(tmp_path)
    tls = f'tls {{ cert_file: "{files.certificate}", key_file: "{files.key}" }}'
    with nats_server(f"{tls}\nauthorization {{ user: me, password: s3cret }}", scheme="tls") as server:
        context = {"tls": ssl.create_default_context(cafile=files.authority)}
        link = NatsLink(server.url, "p", SECONDS)
        await link.open({"user": "me", "password": "s3cret"}, "", context, SECONDS)
        await link.publish([("a", b"1")])
        await link.close()
        with pytest.raises(BrokerError, match="Authorization Violation"):
            await NatsLink(server.url, "p", SECONDS).open({}, "", context, SECONDS)
        with pytest.raises(BrokerError, match=r"(?i)certificate.verify.failed"):
            await NatsLink(server.url, "p", SECONDS).open({}, "", {}, SECONDS)


async def test_closing_ends_whatever_waits(server: NatsServer) -> None:
    async def fall_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(reader, writer)
        await reader.read()

    async with fake_server(fall_silent) as url:
        link = await opened(url)
        waiting = [asyncio.ensure_future(work) for work in (link.publish([("a", b"1")]), link.receive())]
        await asyncio.sleep(0)
        await link.close()
        await link.close()
        for task in waiting:
            with pytest.raises(BrokerError, match="it has been closed"):
                await task
    assert not [task for task in asyncio.all_tasks() if "nats" in repr(task.get_coro()).lower()]


async def test_closing_does_not_wait_for_a_server_that_does_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nats_link, "_FAREWELL", 0.01)
    go = asyncio.Event()

    async def stand_still(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(reader, writer)
        await go.wait()

    async with fake_server(stand_still) as url:
        link = await opened(url)
        publishing = asyncio.ensure_future(link.publish([("a", bytes(1_000_000))] * 20))
        for _ in range(10):
            await asyncio.sleep(0)
        async with asyncio.timeout(SECONDS):
            await link.close()
        with pytest.raises(BrokerError, match="it has been closed"):
            await publishing
        go.set()
