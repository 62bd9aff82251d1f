"""topics/engines/valkey_ends.py: who asks gets his own answers, who hears all that there is."""

import asyncio

import pytest
from redis.exceptions import ResponseError

from django_ws.exceptions import BrokerError
from topics.engines.support_valkey import FakeConnection
from topics.engines.support_wire import Ends, put, turn

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


async def test_a_sign_of_life_is_no_message(ends: Ends, connection: FakeConnection) -> None:
    wire = ends.hearing(connection)
    wire.ping()
    await turn()
    assert connection.sent == [("PING",)]
    put(connection, [b"pong", b""])
    await turn()
    assert ends.messages == []
    assert wire.error is None
