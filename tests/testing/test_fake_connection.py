"""testing/fake_connection.py"""

import asyncio
from collections.abc import Awaitable, Generator
from contextvars import copy_context

import pytest

from django_ws.exceptions import ConnectionClosed, LocalProtocolError
from django_ws.testing import FakeFrame
from django_ws.testing.fake_connection import FakeConnection


async def test_a_fake_connection_is_accepted_with_what_is_noted() -> None:
    connection = FakeConnection(subprotocols=("a", "b"))
    assert connection.subprotocols == ("a", "b")
    assert not connection.is_open
    assert not connection.is_answered
    await connection.accept("b", [("x", "1")])
    assert connection.accepted == ("b", [("x", "1")])
    assert connection.denied is None
    assert connection.is_answered


async def test_a_fake_connection_is_open_once_it_is_accepted() -> None:
    connection = FakeConnection()
    await connection.accept()
    assert connection.is_open
    assert connection.accepted == (None, [])


async def test_a_fake_connection_is_denied_with_what_is_noted() -> None:
    connection = FakeConnection()
    await connection.deny(401, [("x", "1")], b"who?")
    assert connection.denied == (401, [("x", "1")], b"who?")
    assert connection.is_answered
    assert not connection.is_open
    assert connection.close_code is None
    with pytest.raises(ConnectionClosed, match="1006"):
        connection.send("x")
    with pytest.raises(ConnectionClosed, match="1006"):
        await connection.receive()


@pytest.mark.parametrize("first", ["accept", "deny"])
@pytest.mark.parametrize("second", ["accept", "deny"])
async def test_a_fake_handshake_is_answered_once(first: str, second: str) -> None:
    connection = FakeConnection()
    await getattr(connection, first)()
    with pytest.raises(LocalProtocolError, match=f"cannot {second}: the handshake was answered before"):
        await getattr(connection, second)()


@pytest.mark.parametrize("verb", ["accept", "deny"])
async def test_a_fake_client_that_has_left_cannot_be_answered(verb: str) -> None:
    connection = FakeConnection()
    connection.disconnect(4001, "bye")
    assert connection.is_answered
    with pytest.raises(ConnectionClosed, match=r"4001 \(bye\)"):
        await getattr(connection, verb)()
    assert connection.accepted is None
    assert connection.denied is None


async def test_the_messages_of_a_fake_connection_come_in_order_and_then_the_end() -> None:
    connection = FakeConnection(["a", b"b"], is_open=True, end=4001)
    assert [await connection.receive(), await connection.receive()] == ["a", b"b"]
    for _ in range(2):
        with pytest.raises(ConnectionClosed, match="4001"):
            await connection.receive()
    assert connection.close_code == 4001
    with pytest.raises(ConnectionClosed, match="4001"):
        connection.send("x")


async def test_a_fake_client_that_stays_can_be_fed() -> None:
    connection = FakeConnection(is_open=True, end=None)
    waiting = asyncio.ensure_future(connection.receive())
    await asyncio.sleep(0)
    assert not waiting.done()
    connection.feed("a", "b")
    assert await waiting == "a"
    assert await connection.receive() == "b"


async def test_a_fake_client_that_leaves_ends_a_receive_that_waits() -> None:
    connection = FakeConnection(is_open=True, end=None)
    waiting = asyncio.ensure_future(connection.receive())
    await asyncio.sleep(0)
    connection.disconnect(1001, "going")
    connection.disconnect(1000)
    with pytest.raises(ConnectionClosed, match=r"1001 \(going\)"):
        await waiting
    assert connection.close_reason == "going"


async def test_a_fake_connection_that_is_not_accepted_carries_no_messages() -> None:
    connection = FakeConnection(["a"])
    with pytest.raises(LocalProtocolError):
        await connection.receive()
    with pytest.raises(LocalProtocolError):
        connection.send("x")
    await connection.accept()
    assert await connection.receive() == "a"


async def test_what_is_sent_to_a_fake_connection_is_noted() -> None:
    connection = FakeConnection(is_open=True)
    assert connection.send("a") is None
    assert connection.send(b"b") is None
    assert connection.sent == ["a", b"b"]


async def test_a_stalled_fake_client_makes_senders_wait() -> None:
    connection = FakeConnection(is_open=True)
    connection.resume()
    connection.stall()
    rest = connection.send("a")
    assert rest is not None
    waiting = asyncio.ensure_future(rest)
    await asyncio.sleep(0)
    assert connection.sent == []
    connection.resume()
    await waiting
    assert connection.send("b") is None
    assert connection.sent == ["a", "b"]


async def test_a_fake_client_that_leaves_while_it_is_stalled_gets_nothing() -> None:
    connection = FakeConnection(is_open=True)
    connection.stall()
    rest = connection.send("a")
    assert rest is not None
    connection.disconnect(1001)
    connection.resume()
    with pytest.raises(ConnectionClosed, match="1001"):
        await rest
    assert connection.sent == []


async def test_closing_a_fake_connection_is_noted_once() -> None:
    connection = FakeConnection(is_open=True)
    await connection.close(4001, "enough")
    await connection.close(4002, "again")
    await connection.close(1006)
    assert (connection.close_code, connection.close_reason) == (4001, "enough")
    assert not connection.is_open
    assert connection.denied is None
    with pytest.raises(ConnectionClosed, match="4001"):
        await connection.receive()


async def test_closing_a_fake_handshake_denies_it() -> None:
    connection = FakeConnection()
    await connection.close(4001, "no")
    assert connection.denied == (403, [], b"")
    assert connection.is_answered
    assert (connection.close_code, connection.close_reason) == (4001, "no")
    with pytest.raises(ConnectionClosed, match="4001"):
        await connection.receive()


@pytest.mark.parametrize("is_open", [False, True])
async def test_a_fake_connection_refuses_the_codes_that_a_real_one_refuses(is_open: bool) -> None:
    connection = FakeConnection(is_open=is_open)
    with pytest.raises(ValueError, match=r"^1006 may not stand in a close frame$"):
        await connection.close(1006)
    assert connection.close_code is None
    assert connection.is_open is is_open


async def test_a_fake_connection_cuts_a_reason_as_a_real_one_does() -> None:
    connection = FakeConnection(is_open=True)
    await connection.close(1011, "é" * 100)
    assert connection.close_reason == "é" * 61


async def test_a_fake_connection_is_an_outlet() -> None:
    connection = FakeConnection()
    with pytest.raises(LocalProtocolError):
        _ = connection.begin_send(FakeFrame("early"))
    await connection.accept()
    send = connection.begin_send(FakeFrame("a"))
    assert connection.sent == []
    await send
    connection.stall()
    steps = connection.begin_send(FakeFrame("b")).__await__()
    rest = asyncio.ensure_future(wait_for(connection.rest_of_send(next(steps), as_generator(steps), copy_context())))
    await asyncio.sleep(0)
    assert connection.sent == ["a"]
    connection.resume()
    await rest
    assert connection.sent == ["a", "b"]


async def test_the_rest_of_a_fake_send_can_be_cancelled() -> None:
    connection = FakeConnection(is_open=True)
    connection.stall()
    steps = connection.begin_send(FakeFrame("a")).__await__()
    rest = asyncio.ensure_future(wait_for(connection.rest_of_send(next(steps), as_generator(steps), copy_context())))
    await asyncio.sleep(0)
    rest.cancel()
    with pytest.raises(asyncio.CancelledError):
        await rest
    assert connection.sent == []


async def wait_for(rest: Awaitable[None]) -> None:
    await rest


def as_generator(steps: Generator[object, None, None]) -> Generator[object, None, None]:
    return steps


async def test_a_fake_outlet_takes_an_oserror_for_the_end() -> None:
    connection = FakeConnection(is_open=True)
    error = ValueError("a fault")
    assert connection.send_failed(error) is error
    assert connection.is_open
    assert isinstance(connection.send_failed(OSError("gone")), ConnectionClosed)
    assert (connection.is_open, connection.close_code) == (False, 1006)
