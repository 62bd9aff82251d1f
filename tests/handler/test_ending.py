"""handler/ending.py"""

# Much is sent without await, on purpose.
# mypy: disable-error-code=unused-awaitable

import asyncio
import logging
import re
from collections.abc import Iterator

import pytest
from django.core.exceptions import PermissionDenied
from typing_extensions import override

from django_ws.close_codes import CloseCode
from django_ws.handler import WebSocket, WebSocketHandler, as_factory, ending, runtime
from django_ws.handler.runtime import Phase
from django_ws.interfaces import Data
from django_ws.routing import WebSocketRequest
from django_ws.signals import websocket_closed, websocket_opened
from django_ws.testing import FakeCodec, FakeConnection, FakeTopic, websocket_scope
from handler.support import Hasty, Noted, Rated, Slow, make, messages, opened, slow, start, turns, until


@pytest.fixture(autouse=True)
def quick_closes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "_CLOSE_SECONDS", 0.01)
    monkeypatch.setattr(runtime, "TICK", 3600)


# --- the end noticed while a hook runs ------------------------------------------------------------


async def test_the_clients_end_cancels_the_tasks_at_once_and_lets_the_hook_finish() -> None:
    socket, connection, task = await slow()
    socket.start_task("linger", socket.linger, "task")
    socket.start_task("other", asyncio.sleep, 60)
    await turns(2)
    connection.feed("second")
    socket.ws_tick()
    socket.ws_tick()
    await turns()
    connection.disconnect(4001)
    await until(lambda: "task ended" in socket.journal)
    assert not task.done()
    socket.go.set()
    await task
    assert socket.journal == [
        "open",
        "first begun",
        "task ended",
        "first done",
        "second begun",
        "second done",
        "close 4001",
    ]


async def test_without_grace_the_hook_is_cancelled_and_what_waits_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    socket, connection, task = await slow(Hasty)
    connection.feed("second", "third")
    socket.ws_tick()
    socket.ws_tick()
    await turns()
    connection.disconnect(1001)
    assert await task is None
    assert socket.journal == ["open", "first begun", "close 1001"]
    assert task.cancelling() == 0
    (line,) = messages(caplog)
    assert line.startswith("Hasty: a hook was still running 0 s after the end of the connection and is cancelled")
    assert line.endswith("2 messages are not handled")


async def test_a_socket_at_rest_is_not_said_to_run_a_hook(caplog: pytest.LogCaptureFixture) -> None:
    socket, connection, task = await slow(Hasty)
    socket.ws_tick()
    socket.ws_tick()
    await turns()
    socket.go.set()
    await turns()
    assert socket.ws_phase is Phase.RECEIVING
    connection.disconnect(1001)
    await task
    assert socket.journal[-1] == "close 1001"
    assert messages(caplog) == []


async def test_the_end_is_noticed_while_messages_wait_and_the_rest_goes_when_the_grace_is_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    socket, connection, task = await opened(Rated, disconnect_grace=0, inbox_messages=100)
    connection.feed(*map(str, range(40)))
    await turns()
    socket.ws_tick()
    socket.ws_tick()
    await until(lambda: not connection._incoming)
    connection.disconnect(4001)
    await task
    assert task.cancelling() == 0
    assert socket.journal == ["open", *map(str, range(8)), "close 4001"]
    assert messages(caplog)[1:] == [
        "Rated: its messages still waited their turn 0 s after the end of the connection; 32 messages are not handled"
    ]


async def test_a_finite_grace_is_waited_for_and_ended_with_the_socket() -> None:
    class Patient(Slow):
        disconnect_grace = 60

    socket, connection, task = await slow(Patient)
    socket.ws_tick()
    socket.ws_tick()
    await turns()
    connection.disconnect()
    await until(lambda: socket._grace)
    timer = socket._grace
    assert timer is not None
    socket.ws_tick()
    await turns()
    assert socket._grace is timer
    socket.go.set()
    await task
    assert timer.cancelled()


async def test_a_hook_that_swallows_our_interruption_ends_the_socket_all_the_same() -> None:
    class Stubborn(Hasty):
        @override
        async def on_message(self, data: str, /) -> None:
            try:
                await super().on_message(data)
            except asyncio.CancelledError:
                self.journal.append("swallowed")

    socket, connection, task = await slow(Stubborn)
    socket.ws_tick()
    socket.ws_tick()
    connection.disconnect()
    await task
    assert socket.journal[-2:] == ["swallowed", "close 1000"]
    assert task.cancelling() == 0


async def test_a_reader_that_has_not_seen_the_end_is_stopped_with_the_socket() -> None:
    socket, _, task = await slow()
    socket.ws_tick()
    socket.ws_tick()
    await turns()
    await socket.close(4000)
    socket.go.set()
    await task
    assert socket.journal[-1] == "close 4000"
    assert len(asyncio.all_tasks()) == 1


async def test_an_end_that_is_read_during_the_clean_up_changes_nothing() -> None:
    class Telling(Slow):
        @override
        async def on_message(self, data: str, /) -> None:
            await super().on_message(data)
            raise ValueError("no")

        @override
        async def on_error(self, error: Exception) -> None:
            connection.disconnect(4000)
            await turns()

    socket, connection, task = await slow(Telling)
    socket.ws_tick()
    socket.ws_tick()
    await turns()
    socket.go.set()
    with pytest.raises(ValueError, match="no"):
        await task
    assert socket._grace is None
    assert socket.journal[-1] == "close 4000"


# --- closing --------------------------------------------------------------------------------------


async def test_a_close_waits_for_what_was_sent_before() -> None:
    socket, connection, task = await opened()
    connection.stall()
    socket.send("before")
    closing = asyncio.create_task(socket.close(4000, "bye"))
    await turns()
    assert await socket.send("after") is False
    connection.resume()
    await closing
    await task
    assert connection.sent == ["before"]
    assert (connection.close_code, connection.close_reason) == (4000, "bye")
    assert task.cancelling() == 0


async def test_a_close_during_any_hook_ends_the_tasks_at_once_and_the_hook_after_its_grace() -> None:
    socket, _, task = await slow(Hasty)
    socket.start_task("linger", socket.linger, "task")
    await turns(2)
    await socket.close(4000)
    await task
    assert socket.journal == ["open", "first begun", "task ended", "close 4000"]


async def test_while_a_close_waits_a_second_one_does_nothing() -> None:
    socket, connection, task = await opened(cleanup_timeout=10)
    connection.stall()
    socket.send("waiting")
    closing = asyncio.create_task(socket.close(4000))
    await turns()
    await socket.close(4001)
    assert socket.is_open
    connection.resume()
    await closing
    await task
    assert connection.close_code == 4000


async def test_while_a_close_waits_messages_are_still_handled() -> None:
    socket, connection, task = await slow()
    connection.feed("second")
    socket.ws_tick()
    socket.ws_tick()
    await turns()
    connection.stall()
    socket.send("waiting")
    closing = asyncio.create_task(socket.close(4000))
    await turns()
    socket.go.set()
    await until(lambda: "second done" in socket.journal)
    connection.resume()
    await closing
    await task
    assert socket.journal[-1] == "close 4000"


async def test_a_close_that_was_cancelled_may_be_tried_again() -> None:
    socket, connection, task = await opened(cleanup_timeout=10)
    connection.stall()
    socket.send("waiting")
    closing = asyncio.create_task(socket.close(4000))
    await turns()
    closing.cancel()
    await turns()
    assert socket.is_open
    connection.resume()
    await socket.close(4001)
    await task
    assert connection.close_code == 4001


async def test_a_client_that_takes_no_close_frame_does_not_hold_the_end_up(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    socket, connection, task = await opened()

    async def never(code: int = 1000, reason: str = "") -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(connection, "close", never)
    with caplog.at_level(logging.DEBUG, "django_ws"):
        await socket.close()
        await task
    lines = [record.levelname for record in caplog.records if record.name == "django_ws"]
    assert lines == ["DEBUG", "DEBUG"]


async def test_a_task_that_is_cancelled_while_it_closes_still_ends_the_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    socket, connection, task = await opened()

    async def slowly(code: int = 1000, reason: str = "") -> None:
        # As granian does: the receive that waits is left waiting.
        connection.close_code = code
        connection._open = False
        await asyncio.Event().wait()

    monkeypatch.setattr(connection, "close", slowly)
    monkeypatch.setattr(ending, "_CLOSE_SECONDS", 60)
    socket.start_task("closer", socket.close, 4000)
    await turns()
    socket.cancel_task("closer")
    await task
    assert socket.journal == ["open", "close 4000"]


def hold_closes_while_receiving(connection: FakeConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Do as granian does: a close frame goes out when nobody waits for a message any more."""
    receive, close = connection.receive, connection.close
    free = asyncio.Event()
    free.set()

    async def held_receive() -> Data:
        free.clear()
        try:
            return await receive()
        finally:
            free.set()

    async def held_close(code: int = 1000, reason: str = "") -> None:
        await free.wait()
        await turns(2)
        await close(code, reason)

    monkeypatch.setattr(connection, "receive", held_receive)
    monkeypatch.setattr(connection, "close", held_close)


async def test_a_close_by_a_background_task_goes_out_where_a_waiting_receive_holds_it_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ending, "_CLOSE_SECONDS", 60)
    connection = FakeConnection(end=None)
    hold_closes_while_receiving(connection, monkeypatch)
    socket = make(Noted, connection)
    task = start(socket)
    await turns()
    socket.start_task("closer", socket.close, 4000)
    await task
    assert connection.close_code == 4000
    assert socket.journal == ["open", "close 4000"]


async def test_a_close_by_a_long_hook_goes_out_where_a_waiting_receive_holds_it_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ending, "_CLOSE_SECONDS", 60)

    class Closing(Slow):
        @override
        async def on_message(self, data: str, /) -> None:
            await super().on_message(data)
            await self.close(4000)

    connection = FakeConnection(["first"], end=None)
    hold_closes_while_receiving(connection, monkeypatch)
    socket = make(Closing, connection)
    task = start(socket)
    await socket.entered.wait()
    socket.ws_tick()
    socket.ws_tick()
    await turns()
    socket.go.set()
    await task
    assert connection.close_code == 4000


async def test_a_close_of_the_sockets_own_task_interrupts_nothing() -> None:
    class Closing(Noted):
        @override
        async def on_message(self, data: str, /) -> None:
            await self.close(4000)
            await turns()
            self.journal.append("after")

    connection = FakeConnection(["x"], end=None)
    socket = make(Closing, connection)
    await socket.run()
    assert socket.journal == ["open", "after", "close 4000"]


# --- the clean-up ---------------------------------------------------------------------------------


class Failing(Noted):
    error: BaseException = ValueError("no")

    @override
    async def on_message(self, data: str, /) -> None:
        raise self.error


async def test_a_fault_is_told_raised_again_and_cleaned_up_after_while_the_connection_is_open() -> None:
    connection = FakeConnection(["x"])
    socket = make(Failing, connection)
    with pytest.raises(ValueError, match="no"):
        await socket.run()
    assert socket.errors == [Failing.error]
    assert socket.journal == ["open", "close 1011"]
    assert connection.is_open


async def test_a_function_that_comes_to_its_end_closes_with_1000() -> None:
    async def brief(ws: WebSocket[str, str]) -> None:
        await ws.send("hello")

    connection = FakeConnection(end=None)
    assert await as_factory(brief)(WebSocketRequest(websocket_scope()), connection).run() is None
    assert (connection.sent, connection.close_code) == (["hello"], 1000)


async def test_a_permission_denied_means_1008() -> None:
    class Refusing(Failing):
        error = PermissionDenied()

    socket = make(Refusing, FakeConnection(["x"]))
    with pytest.raises(PermissionDenied):
        await socket.run()
    assert socket.journal == ["open", "close 1008"]


async def test_what_was_sent_before_a_fault_goes_out() -> None:
    class Sending(Failing):
        @override
        async def on_message(self, data: str, /) -> None:
            connection.stall()
            self.send("before")
            asyncio.get_running_loop().call_later(0.005, connection.resume)
            raise self.error

    connection = FakeConnection(["x"])
    with pytest.raises(ValueError, match="no"):
        await make(Sending, connection).run()
    assert connection.sent == ["before"]


async def test_what_waits_at_a_fault_is_given_up_at_the_bound_without_a_word(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ending, "_CLOSE_SECONDS", 60)  # the margin that a flush has

    class Sending(Failing):
        @override
        async def on_message(self, data: str, /) -> None:
            connection.stall()
            self.send("never taken")
            raise self.error

    connection = FakeConnection(["x"])
    with pytest.raises(ValueError, match="no"):
        await make(Sending, connection).run()
    assert messages(caplog) == []
    assert len(asyncio.all_tasks()) == 1


async def test_what_waits_for_a_client_that_has_gone_is_given_up_at_once() -> None:
    class Sending(Noted):
        cleanup_timeout = 60

        @override
        async def on_open(self) -> None:
            await super().on_open()
            connection.stall()
            self.send("never taken")

    connection = FakeConnection()
    socket = make(Sending, connection)
    await socket.run()
    assert socket.journal == ["open", "close 1000"]
    await turns(3)
    assert len(asyncio.all_tasks()) == 1


async def test_a_fault_in_on_error_is_logged_beside_the_first(caplog: pytest.LogCaptureFixture) -> None:
    class Worse(Failing):
        @override
        async def on_error(self, error: Exception) -> None:
            raise ZeroDivisionError

    socket = make(Worse, FakeConnection(["x"]))
    with pytest.raises(ValueError, match="no"):
        await socket.run()
    assert messages(caplog) == ["Worse: on_error failed"]
    assert socket.journal == ["open", "close 1011"]


async def test_a_cancellation_from_outside_cleans_up_with_1012_and_is_raised_again() -> None:
    socket, connection, task = await opened()
    socket.start_task("linger", socket.linger, "task")
    await turns(2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert connection.close_code == CloseCode.SERVICE_RESTART
    assert socket.journal == ["open", "task ended", "close 1012"]
    assert task.cancelling() == 1


async def test_a_cancellation_from_outside_is_told_from_ours_when_both_come() -> None:
    socket, _, task = await opened(outbox_messages=1)
    socket._interrupt()
    socket._interrupt()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelling() == 1
    assert socket.journal == ["open", "close 1012"]


async def test_a_cancellation_during_the_clean_up_does_not_stop_it_and_is_raised_at_its_end() -> None:
    socket, connection, task = await opened(cleanup_timeout=10)
    socket.start_task("linger", socket.linger, "task", 10)
    await turns(2)
    connection.disconnect()
    await turns(5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert socket.journal == ["open", "task ended", "close 1000"]


async def test_a_cancelled_error_that_nobody_sent_is_a_fault_and_no_shutdown(caplog: pytest.LogCaptureFixture) -> None:
    class Stray(Failing):
        error = asyncio.CancelledError()

    connection = FakeConnection(["x"])
    socket = make(Stray, connection)
    assert await socket.run() is None
    assert socket.journal == ["open", "close 1011"]
    assert messages(caplog) == ["Stray: a hook was cancelled by something that it awaited"]


async def test_a_socket_whose_loop_has_gone_is_left_where_it_is() -> None:
    running = make(Noted, FakeConnection(end=None)).run()
    running.send(None)
    running.close()


class BadAtTheEnd(Noted):
    @override
    async def on_close(self) -> None:
        await super().on_close()
        raise ZeroDivisionError


async def test_what_on_close_raises_passes_up() -> None:
    socket = make(BadAtTheEnd, FakeConnection())
    with pytest.raises(ZeroDivisionError):
        await socket.run()
    assert socket.close_code == 1000


async def test_what_on_close_raises_after_a_fault_is_logged_beside_it(caplog: pytest.LogCaptureFixture) -> None:
    class Worse(BadAtTheEnd):
        @override
        async def on_message(self, data: str, /) -> None:
            raise ValueError("first")

    with pytest.raises(ValueError, match="first"):
        await make(Worse, FakeConnection(["x"])).run()
    assert messages(caplog) == ["Worse: on_close failed"]


@pytest.mark.parametrize("obeys", [True, False])
async def test_an_on_close_that_hangs_is_cancelled_and_at_last_abandoned(
    obeys: bool, caplog: pytest.LogCaptureFixture
) -> None:
    go = asyncio.Event()

    class Hanging(Noted):
        cleanup_timeout = 0.01

        @override
        async def on_close(self) -> None:
            try:
                await go.wait()
            except asyncio.CancelledError:
                self.journal.append("cancelled")
                if not obeys:
                    await go.wait()
                raise

    socket = make(Hanging, FakeConnection())
    await socket.run()
    assert socket.journal == ["open", "cancelled"]
    assert messages(caplog) == ["Hanging: on_close took longer than 0.01 s and is cancelled"]
    go.set()
    await turns(3)


async def test_an_on_close_that_is_cancelled_by_what_it_awaits_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    class Stray(Noted):
        @override
        async def on_close(self) -> None:
            raise asyncio.CancelledError

    await make(Stray, FakeConnection()).run()
    assert messages(caplog) == ["Stray: on_close was cancelled by something that it awaited"]


# --- the end is told ------------------------------------------------------------------------------


class Told:
    """What a receiver of ``websocket_closed`` was told."""

    def __init__(self) -> None:
        self.calls: list[tuple[object, list[str], int, str]] = []

    async def note(
        self, sender: object, websocket: Noted, code: int, reason: str, duration: float, **_: object
    ) -> None:
        assert duration >= 0
        await turns()
        self.calls.append((sender, list(websocket.journal), code, reason))


@pytest.fixture
def told() -> Iterator[Told]:
    told = Told()
    websocket_closed.connect(told.note)
    yield told
    websocket_closed.disconnect(told.note)


async def test_the_signal_comes_once_after_on_close_with_code_and_reason(told: Told) -> None:
    socket, connection, task = await opened()
    connection.disconnect(4001, "bye")
    await task
    assert told.calls == [(type(socket), ["open", "close 4001"], 4001, "bye")]


async def test_after_a_fault_it_tells_of_the_1011_that_is_still_to_go_out(told: Told) -> None:
    connection = FakeConnection(["x"])
    with pytest.raises(ValueError, match="no"):
        await make(Failing, connection).run()
    assert told.calls == [(Failing, ["open", "close 1011"], 1011, "")]
    assert connection.is_open


async def test_a_fault_of_on_close_passes_up_after_the_signal(told: Told) -> None:
    with pytest.raises(ZeroDivisionError):
        await make(BadAtTheEnd, FakeConnection(end=4001)).run()
    assert told.calls == [(BadAtTheEnd, ["open", "close 4001"], 4001, "")]


async def test_what_is_cancelled_as_it_opens_has_no_on_close_but_is_cleaned_up_and_told_of(told: Told) -> None:
    opening = asyncio.Event()

    async def hang(websocket: Noted, **_: object) -> None:
        websocket.start_task("linger", websocket.linger, "task")
        await turns(2)
        opening.set()
        await asyncio.Event().wait()

    websocket_opened.connect(hang)
    try:
        connection = FakeConnection(end=None)
        socket = make(Noted, connection)
        task = start(socket)
        await opening.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    finally:
        websocket_opened.disconnect(hang)
    assert connection.close_code == 1012
    assert socket.journal == ["task ended"]
    assert told.calls == [(Noted, ["task ended"], 1012, "")]


async def test_a_receiver_that_hangs_is_cancelled_at_the_bound(caplog: pytest.LogCaptureFixture) -> None:
    cancelled: list[bool] = []

    async def hang(**_: object) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.append(True)

    websocket_closed.connect(hang)
    try:
        socket = make(Noted)
        await socket.run()
    finally:
        websocket_closed.disconnect(hang)
    assert socket.journal == ["open", "close 1000"]
    assert cancelled == [True]
    assert messages(caplog) == ["Noted: websocket_closed took longer than 0.05 s and is cancelled"]


async def test_a_cancellation_while_it_is_told_is_raised_at_its_end(told: Told) -> None:
    socket, connection, task = await opened(cleanup_timeout=60)
    connection.disconnect()
    await until(lambda: "close 1000" in socket.journal)
    await turns(3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(told.calls) == 1


async def test_the_end_is_a_line_of_the_access_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "django_ws.access"):
        await make(Noted, FakeConnection(end=4001)).run()
    record = caplog.records[-1]
    assert (record.name, record.levelname) == ("django_ws.access", "INFO")
    assert re.fullmatch(r"closed Noted with 4001 after \d\.\d{3} s", record.getMessage())
    assert vars(record)["code"] == 4001
    assert vars(record)["duration"] >= 0


async def test_a_connection_that_broke_without_a_code_ended_with_1006(told: Told) -> None:
    _, connection, task = await opened()
    connection._open = False
    connection._changed.set()
    await task
    assert [code for _, _, code, _ in told.calls] == [1006]


async def test_nothing_is_made_for_the_signals_without_receivers(monkeypatch: pytest.MonkeyPatch) -> None:
    class Plain(WebSocketHandler[str, str]):
        pass

    begun: list[object] = []
    monkeypatch.setattr(ending, "start_eagerly", begun.append)
    await make(Plain, FakeConnection(["x"])).run()
    assert begun == []


async def test_the_end_leaves_every_topic_and_forgets_what_has_been_heard() -> None:
    topics = [FakeTopic[str](), FakeTopic[str]()]

    class Hearing(Noted):
        codec = FakeCodec()  # so that it takes topics of any type

        @override
        async def on_open(self) -> None:
            for topic in topics:
                await self.subscribe(topic)

        @override
        async def on_gap(self, topic: object, /) -> None:
            await asyncio.sleep(60)

    connection = FakeConnection(end=None)
    socket = make(Hearing, connection)
    task = start(socket)
    await until(lambda: topics[1].members)
    topics[0].tell_gap()
    topics[0].tell_gap()
    connection.disconnect()
    await task
    assert [topic.members for topic in topics] == [[], []]
    topics[0].tell("late")
    assert connection.sent == []


async def test_one_that_has_only_subscribed_leaves_its_topic_too() -> None:
    topic = FakeTopic[str]()

    class Hearing(Noted):
        codec = FakeCodec()

        @override
        async def on_open(self) -> None:
            await self.subscribe(topic)

    await make(Hearing, FakeConnection()).run()
    assert topic.members == []
