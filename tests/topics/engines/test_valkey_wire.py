"""topics/engines/valkey_wire.py: one connection, whatever is cancelled, and however it breaks."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from django_ws.exceptions import BrokerError
from django_ws.topics.engines.valkey_config import ValkeyConfig
from django_ws.topics.engines.valkey_wire import Asking, Hearing, Wire, opened
from topics.engines.support_valkey import FakeConnection

QUIET: dict[str, object] = {"HEALTH_INTERVAL": 3600, "TIMEOUT": 3600}
HASTY: dict[str, object] = {"HEALTH_INTERVAL": 0.001, "TIMEOUT": 0.001}


class Ends:
    """What a wire reports."""

    def __init__(self) -> None:
        self.errors: list[BrokerError] = []
        self.messages: list[tuple[bytes, bytes]] = []
        self.room = asyncio.Event()
        self.room.set()
        self.told = asyncio.Event()
        self.wires: list[Wire] = []

    def on_error(self, error: BrokerError) -> None:
        self.errors.append(error)
        self.told.set()

    def on_message(self, name: bytes, payload: bytes) -> None:
        self.messages.append((name, payload))
        self.told.set()

    async def wait(self) -> None:
        async with asyncio.timeout(30):
            await self.told.wait()
        self.told.clear()

    def asking(self, connection: FakeConnection, options: dict[str, object] = QUIET) -> Asking:
        wire = Asking(connection, ValkeyConfig.read("redis://", options), self.on_error)
        self.wires.append(wire)
        return wire

    def hearing(self, connection: FakeConnection, options: dict[str, object] = QUIET) -> Hearing:
        config = ValkeyConfig.read("redis://", options)
        wire = Hearing(connection, config, self.on_error, self.room, self.on_message)
        self.wires.append(wire)
        return wire


@pytest.fixture
async def ends() -> AsyncIterator[Ends]:
    ends = Ends()
    yield ends
    for wire in ends.wires:
        await wire.close()


@pytest.fixture
async def connection() -> FakeConnection:
    return FakeConnection()


def put(connection: FakeConnection, *replies: Any) -> None:
    for reply in replies:
        connection.replies.put_nowait(reply)


async def turn() -> None:
    """Let every task that can run do so."""
    for _ in range(10):
        await asyncio.sleep(0)


# --- connecting --------------------------------------------------------------------------------------


async def test_opened_gives_the_connection(connection: FakeConnection) -> None:
    assert await opened(connection, 30) is connection
    assert not connection.is_disconnected


async def test_what_cannot_be_opened_is_a_broker_error_and_is_disconnected(connection: FakeConnection) -> None:
    connection.connect_error = RedisConnectionError("Error 111 connecting to localhost:1.")
    with pytest.raises(BrokerError, match=r"^Valkey cannot be reached: Error 111 connecting to localhost:1$"):
        await opened(connection, 30)
    assert connection.is_disconnected


async def test_who_does_not_answer_is_given_up(connection: FakeConnection) -> None:
    connection.hangs = True
    with pytest.raises(BrokerError, match="it did not answer in time"):
        await opened(connection, 0.001)
    assert connection.is_disconnected


async def test_opening_can_be_cancelled(connection: FakeConnection) -> None:
    connection.hangs = True
    opening = asyncio.ensure_future(opened(connection, 30))
    await turn()
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert connection.is_disconnected


# --- asking ------------------------------------------------------------------------------------------


async def test_everybody_gets_the_replies_to_what_they_asked(ends: Ends, connection: FakeConnection) -> None:
    wire = ends.asking(connection)
    error = ResponseError("NOPERM")
    asked = [asyncio.ensure_future(wire.ask([("A",), ("B",)])), asyncio.ensure_future(wire.ask([("C",)]))]
    await turn()
    put(connection, 1, error, 3)
    assert await asyncio.gather(*asked) == [[1, error], [3]]
    assert connection.sent == [("A",), ("B",), ("C",)]


async def test_replies_to_who_was_cancelled_go_to_nobody(ends: Ends, connection: FakeConnection) -> None:
    wire = ends.asking(connection)
    cancelled, staying = asyncio.ensure_future(wire.ask([("A",)])), asyncio.ensure_future(wire.ask([("B",)]))
    await turn()
    cancelled.cancel()
    put(connection, 1, 2)
    assert await staying == [2]


async def test_who_waits_when_it_breaks_is_told(ends: Ends, connection: FakeConnection) -> None:
    wire = ends.asking(connection)
    cancelled, waiting = asyncio.ensure_future(wire.ask([("A",)])), asyncio.ensure_future(wire.ask([("B",)]))
    await turn()
    cancelled.cancel()
    wire.ping()
    put(connection, OSError("reset by peer"))
    with pytest.raises(BrokerError, match="the connection to Valkey broke: reset by peer"):
        await waiting
    assert [str(error) for error in ends.errors] == ["the connection to Valkey broke: reset by peer"]
    with pytest.raises(BrokerError, match="reset by peer"):
        await wire.ask([("C",)])


async def test_a_silent_peer_is_asked_for_a_sign_of_life_and_then_given_up(
    ends: Ends, connection: FakeConnection
) -> None:
    connection.answers_pings = 3
    wire = ends.asking(connection, HASTY)
    await ends.wait()
    assert str(wire.error) == "Valkey has not answered for 0.002 s"
    assert connection.answers_pings == 0


async def test_closing_outlasts_a_connection_that_does_not_end(ends: Ends, connection: FakeConnection) -> None:
    wire = ends.asking(connection, {"TIMEOUT": 0.001})
    waiting = asyncio.ensure_future(wire.ask([("A",)]))
    await turn()
    connection.hangs = True
    await wire.close()
    with pytest.raises(BrokerError, match="the link has been closed"):
        await waiting


# --- hearing -----------------------------------------------------------------------------------------


async def test_messages_and_what_is_none(ends: Ends, connection: FakeConnection) -> None:
    wire = ends.hearing(connection)
    put(connection, [b"message", b"c", b"1"], [b"pong", b""], b"PONG", [b"smessage", b"d", b"2"])
    await turn()
    assert ends.messages == [(b"c", b"1"), (b"d", b"2")]
    assert wire.error is None


async def test_subscribe_returns_when_all_is_confirmed_and_commands_have_a_bound(
    ends: Ends, connection: FakeConnection
) -> None:
    wire = ends.hearing(connection)
    names = [f"c{number}" for number in range(1500)]
    subscribing = asyncio.ensure_future(wire.subscribe([names, ["other"]]))
    await turn()
    put(connection, *([b"subscribe", b"c", 1] for _ in range(1500)))
    await turn()
    assert not subscribing.done()
    put(connection, [b"subscribe", b"other", 1])
    await subscribing
    assert connection.sent == [("SUBSCRIBE", *names[:1000]), ("SUBSCRIBE", *names[1000:]), ("SUBSCRIBE", "other")]


async def test_confirmations_of_a_cancelled_subscribe_are_not_those_of_the_next(
    ends: Ends, connection: FakeConnection
) -> None:
    wire = ends.hearing(connection)
    cancelled, staying = (asyncio.ensure_future(wire.subscribe([[name]])) for name in "ab")
    await turn()
    cancelled.cancel()
    put(connection, [b"subscribe", b"a", 1])
    await turn()
    assert not staying.done()
    put(connection, [b"subscribe", b"b", 2])
    await staying


async def test_who_subscribes_when_it_breaks_is_told(ends: Ends, connection: FakeConnection) -> None:
    wire = ends.hearing(connection)
    cancelled, waiting = (asyncio.ensure_future(wire.subscribe([[name]])) for name in "ab")
    await turn()
    cancelled.cancel()
    await turn()
    put(connection, ResponseError("NOPERM this user has no permissions."))
    with pytest.raises(BrokerError, match=r"^Valkey refuses: NOPERM this user has no permissions$"):
        await waiting
    with pytest.raises(BrokerError):
        await wire.subscribe([["c"]])


async def test_what_the_server_unsubscribes_by_itself_is_a_gap(ends: Ends, connection: FakeConnection) -> None:
    wire = ends.hearing(connection, {"CLUSTER": True})
    wire.unsubscribe([["c"], ["c"]])
    assert connection.sent == [("SUNSUBSCRIBE", "c"), ("SUNSUBSCRIBE", "c")]
    put(connection, [b"sunsubscribe", b"c", 1], [b"sunsubscribe", b"c", 0])
    await turn()
    assert wire.error is None
    put(connection, [b"sunsubscribe", b"c", 0])
    await ends.wait()
    assert "given a slot away" in str(wire.error)


async def test_without_room_nothing_is_read_and_the_peer_is_not_given_up(
    ends: Ends, connection: FakeConnection
) -> None:
    connection.answers_pings = 1_000_000
    wire = ends.hearing(connection, HASTY)
    ends.room.clear()
    put(connection, [b"message", b"c", b"1"], [b"message", b"c", b"2"])
    await ends.wait()
    await asyncio.sleep(0.02)  # many times what it takes to give up
    assert ends.messages == [(b"c", b"1")]
    assert wire.error is None
    ends.room.set()
    await ends.wait()
    assert ends.messages == [(b"c", b"1"), (b"c", b"2")]


async def test_a_silent_peer_is_a_gap(ends: Ends, connection: FakeConnection) -> None:
    wire = ends.hearing(connection, HASTY)
    await ends.wait()
    assert connection.sent == [("PING",)]
    assert "has not answered" in str(wire.error)
