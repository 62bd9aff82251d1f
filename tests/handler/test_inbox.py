"""handler/inbox.py"""

import asyncio

import pytest

from django_ws.exceptions import ConnectionClosed, RemoteProtocolError
from django_ws.handler.inbox import Inbox
from django_ws.interfaces import Data
from django_ws.testing import FakeConnection
from handler.support import turns


class Ends:
    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


def make(connection: FakeConnection, bound: int = 3) -> tuple[Inbox, Ends]:
    ends = Ends()
    return Inbox(connection, bound, ends), ends


async def test_it_takes_in_what_comes_and_gives_it_in_order() -> None:
    connection = FakeConnection(["a", b"b"], is_open=True, end=None)
    inbox, ends = make(connection)
    inbox.read_on()
    await turns()
    assert len(inbox) == 2
    assert [await inbox.get(), await inbox.get()] == ["a", b"b"]
    connection.feed("c")
    assert await inbox.get() == "c"
    assert ends.count == 0


async def test_at_the_bound_reading_stops_until_there_is_room_and_a_call() -> None:
    connection = FakeConnection([str(number) for number in range(10)], is_open=True, end=None)
    inbox, _ = make(connection, bound=3)
    inbox.read_on()
    await turns()
    assert len(inbox) == 3
    inbox.read_on()
    await turns()
    assert len(inbox) == 3
    assert await inbox.get() == "0"
    await turns()
    assert len(inbox) == 2
    inbox.read_on()
    await turns()
    assert [await inbox.get() for _ in range(3)] == ["1", "2", "3"]


async def test_only_one_reader_reads() -> None:
    connection = FakeConnection([], is_open=True, end=None)
    inbox, _ = make(connection)
    inbox.read_on()
    inbox.read_on()
    await turns()
    assert len(inbox.stop()) == 1
    await turns()
    assert inbox.stop() == []


async def test_with_nothing_waiting_and_nothing_read_it_is_done_with() -> None:
    inbox, _ = make(FakeConnection([], is_open=True, end=None))
    assert await inbox.get() is None


async def test_a_message_that_is_being_read_is_waited_for_and_the_reader_then_stops() -> None:
    connection = FakeConnection([], is_open=True, end=None)
    inbox, _ = make(connection)
    inbox.read_on()
    getter = asyncio.create_task(inbox.get())
    await turns()
    connection.feed("late", "later")
    assert await getter == "late"
    assert await inbox.get() is None
    assert await connection.receive() == "later"


async def test_a_reader_that_was_stopped_can_be_started_again() -> None:
    connection = FakeConnection([], is_open=True, end=None)
    inbox, _ = make(connection)
    inbox.read_on()
    getter = asyncio.create_task(inbox.get())
    await turns()
    connection.feed("late")
    assert await getter == "late"
    inbox.read_on()
    connection.feed("next")
    await turns()
    assert len(inbox) == 1
    inbox.stop()
    await turns()


async def test_the_end_is_told_once_and_raised_after_the_last_message() -> None:
    inbox, ends = make(FakeConnection(["a"], is_open=True, end=4000))
    inbox.read_on()
    await turns()
    assert ends.count == 1
    assert await inbox.get() == "a"
    for _ in range(2):
        with pytest.raises(ConnectionClosed) as caught:
            await inbox.get()
        assert caught.value.code == 4000
    inbox.read_on()
    await turns()
    assert ends.count == 1


async def test_another_error_is_raised_in_the_task_that_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = FakeConnection([], is_open=True)

    async def receive() -> Data:
        raise RemoteProtocolError("bad server")

    monkeypatch.setattr(connection, "receive", receive)
    inbox, ends = make(connection)
    inbox.read_on()
    await turns()
    with pytest.raises(RemoteProtocolError, match="bad server"):
        await inbox.get()
    assert ends.count == 0


async def test_what_waits_can_be_given_up() -> None:
    inbox, _ = make(FakeConnection(["a", "b"], is_open=True, end=None))
    inbox.read_on()
    await turns()
    assert inbox.drop() == 2
    assert inbox.drop() == 0


async def test_a_stopped_reader_ends() -> None:
    inbox, ends = make(FakeConnection([], is_open=True, end=None))
    inbox.read_on()
    await turns()
    (reader,) = inbox.stop()
    with pytest.raises(asyncio.CancelledError):
        await reader
    assert ends.count == 0
