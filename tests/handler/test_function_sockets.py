"""handler/function_sockets.py: functions are in test_functions, too; here it is about generators"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from django.test import override_settings

from django_ws.handler import Overflow, WebSocket, as_factory
from django_ws.handler.runtime import runtime
from django_ws.routing import WebSocketRequest
from django_ws.signals import websocket_opened
from django_ws.testing import FakeConnection, websocket_scope
from handler.support import messages, turns


def start(target: object, connection: FakeConnection, *args: object, **kwargs: object) -> "asyncio.Task[Any]":
    socket = as_factory(target)(WebSocketRequest(websocket_scope()), connection, *args, **kwargs)
    return asyncio.create_task(socket.run())


def notice() -> None:
    """Let the ticker look twice: at the second time it reads on."""
    for _ in range(2):
        for socket in list(runtime()._sockets):
            socket.ws_tick()


class Journal(list[str]):
    """What a generator does; ``waiting`` is set when it waits for ever."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting = asyncio.Event()
        self.tasks: set[object] = set()

    def ticks(self, first: str = "tick", clean_up: Callable[[], Any] = turns) -> Callable[..., AsyncIterator[str]]:
        """A generator that yields once and waits then."""

        async def ticks(ws: WebSocket[str, str]) -> AsyncIterator[str]:
            self.tasks.add(asyncio.current_task())
            try:
                yield first
                self.waiting.set()
                await asyncio.Event().wait()
            finally:
                self.append("cleaning up")
                await clean_up()
                self.append("cleaned up")
                self.tasks.add(asyncio.current_task())

        return ticks


async def count(ws: WebSocket[str, str], to: int, *, unit: str = "") -> AsyncIterator[str]:
    for number in range(to):
        yield f"{number}{unit}"


async def test_what_it_yields_is_sent_and_its_end_closes_with_1000() -> None:
    connection = FakeConnection(end=None)
    assert await start(count, connection, 3, unit=" s") is None
    assert connection.accepted == (None, [])
    assert connection.sent == ["0 s", "1 s", "2 s"]
    assert connection.close_code == 1000


async def test_it_may_take_messages_as_well() -> None:
    async def shout(ws: WebSocket[str, str]) -> AsyncIterator[str]:
        yield "hello"
        async for text in ws:
            yield text.upper()

    connection = FakeConnection(["a", "b"])
    await start(shout, connection)
    assert connection.sent == ["hello", "A", "B"]


async def test_a_slow_client_slows_it() -> None:
    made: list[int] = []

    async def numbers(ws: WebSocket[str, str]) -> AsyncIterator[str]:
        for number in range(10):
            made.append(number)
            yield str(number)

    connection = FakeConnection(end=None)
    connection.stall()
    task = start(numbers, connection)
    await turns(50)
    assert made == [0]
    connection.resume()
    await task
    assert connection.sent == [str(number) for number in range(10)]


async def test_one_that_never_waits_leaves_the_others_their_turn() -> None:
    stop = False

    async def for_ever(ws: WebSocket[str, str]) -> AsyncIterator[str]:
        while not stop:
            yield ""

    task = start(for_ever, FakeConnection(end=None))
    await turns(10)
    stop = True
    await task


# --- the client leaves ----------------------------------------------------------------------------


async def test_it_is_cancelled_as_soon_as_it_is_noticed_that_the_client_left_while_it_waits() -> None:
    journal = Journal()
    connection = FakeConnection(end=None)
    with override_settings(WS_DISCONNECT_GRACE=None):
        task = start(journal.ticks(), connection)
        await journal.waiting.wait()
        connection.disconnect(4000)
        notice()
        assert await task is None
    assert journal == ["cleaning up", "cleaned up"]
    assert len(journal.tasks) == 1
    assert connection.close_code == 4000


async def test_one_that_is_at_a_message_has_its_grace(caplog: pytest.LogCaptureFixture) -> None:
    go, journal = asyncio.Event(), Journal()

    async def save(ws: WebSocket[str, str]) -> AsyncIterator[str]:
        async for text in ws:
            journal.waiting.set()
            await go.wait()
            journal.append(text)
            yield text

    connection = FakeConnection(["a", "b"], end=None)
    with override_settings(WS_DISCONNECT_GRACE=None):
        task = start(save, connection)
        await journal.waiting.wait()
        notice()
        connection.disconnect()
        await turns()
        go.set()
        await task
    # At the first yield it is found out that nobody listens any more.
    assert journal == ["a"]
    assert messages(caplog) == []


async def test_one_with_messages_that_wait_for_it_has_its_grace() -> None:
    ready, go, journal = asyncio.Event(), asyncio.Event(), Journal()

    async def slow(ws: WebSocket[str, str]) -> AsyncIterator[str]:
        ready.set()
        await go.wait()
        async for text in ws:
            journal.append(text)
        if journal == [""]:
            yield ""

    connection = FakeConnection(["a"])
    with override_settings(WS_DISCONNECT_GRACE=None):
        task = start(slow, connection)
        await ready.wait()
        notice()
        await turns()
        go.set()
        await task
    assert journal == ["a"]


async def test_a_yield_after_the_end_ends_it_and_its_clean_up_is_waited_for() -> None:
    journal, connection = Journal(), FakeConnection(end=None)

    async def leave(ws: WebSocket[str, str]) -> AsyncIterator[str]:
        connection.disconnect()
        journal.tasks.add(asyncio.current_task())
        try:
            yield "nobody listens"
            journal.append("it went on")
        finally:
            await turns(5)
            journal.append("cleaned up")
            journal.tasks.add(asyncio.current_task())

    await start(leave, connection)
    assert (journal, connection.sent) == (["cleaned up"], [])
    assert len(journal.tasks) == 1


async def test_clean_up_that_hangs_is_cancelled_in_the_end(caplog: pytest.LogCaptureFixture) -> None:
    connection = FakeConnection(end=None)
    cancelled: list[str] = []

    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append("cancelled")
            raise

    async def stubborn(ws: WebSocket[str, str]) -> AsyncIterator[str]:
        connection.disconnect()
        try:
            yield "nobody listens"
        finally:
            await hang()

    with override_settings(WS_CLEANUP_TIMEOUT=0.01):
        await start(stubborn, connection)
    assert cancelled == ["cancelled"]
    assert messages(caplog) == ["stubborn: the generator took longer than 0.01 s and is cancelled"]


async def test_a_message_that_was_dropped_is_no_end() -> None:
    base: Any = as_factory(count)
    dropping: Any = type("Dropping", (base,), {"overflow": Overflow.DROP_NEWEST})
    connection = FakeConnection(end=None)
    socket = dropping(WebSocketRequest(websocket_scope()), connection, 3)

    async def dropped(self: object, message: str) -> bool:
        connection.sent.append(message)
        return False

    dropping.send = dropped
    await socket.run()
    assert connection.sent == ["0", "1", "2"]


# --- other ends -----------------------------------------------------------------------------------


async def test_a_fault_passes_up_with_the_connection_open() -> None:
    async def fail(ws: WebSocket[str, str]) -> AsyncIterator[str]:
        yield "before"
        raise ZeroDivisionError

    connection = FakeConnection(end=None)
    with pytest.raises(ZeroDivisionError):
        await start(fail, connection)
    assert connection.is_open
    assert connection.sent == ["before"]


async def test_a_message_that_cannot_be_encoded_is_a_fault_and_the_generator_cleans_up() -> None:
    journal = Journal()
    with pytest.raises(UnicodeEncodeError):
        await start(journal.ticks("\ud800"), FakeConnection(end=None))
    assert journal == ["cleaning up", "cleaned up"]


async def test_a_fault_in_its_clean_up_is_a_fault() -> None:
    async def fail() -> None:
        raise ZeroDivisionError

    journal, connection = Journal(), FakeConnection(end=None)
    task = start(journal.ticks(clean_up=fail), connection)
    await journal.waiting.wait()
    connection.disconnect()
    notice()
    with pytest.raises(ZeroDivisionError):
        await task


@pytest.mark.parametrize("times", [1, 3])
async def test_at_a_shutdown_it_cleans_up_however_often_it_is_cancelled(times: int) -> None:
    journal, connection = Journal(), FakeConnection(end=None)
    task = start(journal.ticks(), connection)
    await journal.waiting.wait()
    for _ in range(times):
        task.cancel()
        await turns(3)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert journal == ["cleaning up", "cleaned up"]
    assert connection.close_code == 1012


async def test_what_is_cancelled_in_it_by_something_else_is_a_fault(caplog: pytest.LogCaptureFixture) -> None:
    async def stray(ws: WebSocket[str, str]) -> AsyncIterator[str]:
        other = asyncio.create_task(asyncio.Event().wait())
        asyncio.get_running_loop().call_soon(other.cancel)
        await other
        yield ""

    connection = FakeConnection(end=None)
    await start(stray, connection)
    assert connection.close_code == 1011
    assert messages(caplog) == ["stray: a hook was cancelled by something that it awaited"]


async def test_it_may_close_and_go_on() -> None:
    journal = Journal()

    async def done(ws: WebSocket[str, str]) -> AsyncIterator[str]:
        yield "bye"
        await ws.close(4001)
        await turns(50)
        journal.append("saved")

    connection = FakeConnection(end=None)
    await start(done, connection)
    assert (connection.sent, connection.close_code, journal) == (["bye"], 4001, ["saved"])


async def test_a_background_task_may_close_while_it_waits() -> None:
    journal, connection = Journal(), FakeConnection(end=None)

    async def ticks(ws: WebSocket[str, str]) -> AsyncIterator[str]:
        _ = ws.start_task("closer", ws.close, 4002)
        try:
            await asyncio.Event().wait()
            yield ""
        finally:
            journal.append("cleaned up")

    await start(ticks, connection)
    assert (connection.close_code, journal) == (4002, ["cleaned up"])


async def test_it_begins_when_all_have_been_told_and_is_what_the_signals_are_sent_by() -> None:
    told: list[object] = []

    def receiver(sender: object, **_: object) -> None:
        told.append(sender)

    websocket_opened.connect(receiver)
    try:
        await start(count, FakeConnection(), 1)
    finally:
        websocket_opened.disconnect(receiver)
    assert told == [count]


async def test_a_client_that_has_gone_before_the_answer_begins_nothing() -> None:
    connection = FakeConnection()
    connection.disconnect()
    assert await start(count, connection, 1) is None
    assert connection.sent == []


async def test_a_function_is_run_as_it_is() -> None:
    async def echo(ws: WebSocket[str, str], mark: str) -> None:
        async for text in ws:
            await ws.send(text + mark)

    connection = FakeConnection(["a"])
    await start(echo, connection, "!")
    assert connection.sent == ["a!"]
