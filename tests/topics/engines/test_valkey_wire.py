"""topics/engines/valkey_wire.py: one connection, whatever is cancelled, and however it breaks."""

import asyncio

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from django_ws.exceptions import BrokerError
from django_ws.topics.engines.valkey_wire import opened
from topics.engines.support_valkey import FakeConnection
from topics.engines.support_wire import HASTY, Ends, put, turn

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


# --- in use ----------------------------------------------------------------------------------------


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


async def test_a_close_that_is_cancelled_disconnects_all_the_same(ends: Ends, connection: FakeConnection) -> None:
    wire = ends.asking(connection)
    await turn()
    closing = asyncio.ensure_future(wire.close())
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    assert connection.is_disconnected


async def test_an_error_of_the_server_is_a_reply_like_any_other(ends: Ends, connection: FakeConnection) -> None:
    wire = ends.asking(connection)
    error = ResponseError("ERR unknown command")
    asked = asyncio.ensure_future(wire.ask([("A",)]))
    await turn()
    put(connection, error)
    assert await asked == [error]
    assert wire.error is None


async def test_nothing_goes_out_over_one_that_broke(ends: Ends, connection: FakeConnection) -> None:
    wire = ends.asking(connection)
    put(connection, OSError("reset by peer"))
    await ends.wait()
    with pytest.raises(BrokerError, match=r"^the connection to Valkey broke: reset by peer$"):
        wire.send([("A",)])
    assert connection.sent == []
