"""handler/concurrent.py"""

import asyncio
from typing import Any

import pytest
from typing_extensions import override

from django_ws.exceptions import InvalidMessageError
from django_ws.handler import Flood
from django_ws.handler.runtime import runtime
from django_ws.interfaces import Data
from django_ws.testing import FakeConnection
from handler.support import Noted, make, messages, turns, until


class Many(Noted):
    """Each message waits for a word of its own; ``now`` counts those that are at it."""

    max_concurrent_messages = 3
    cleanup_timeout = 1

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.begun: list[str] = []
        self.now = self.most = 0
        self.words: dict[str, asyncio.Event] = {}

    def say(self, *names: str) -> None:
        for name in names:
            self.words.setdefault(name, asyncio.Event()).set()

    @override
    async def on_message(self, data: str, /) -> None:
        self.begun.append(data)
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await self.words.setdefault(data, asyncio.Event()).wait()
            if data.startswith("fail"):
                raise ValueError(data)
            await self.send(data)
        except asyncio.CancelledError:
            await turns(3)
            self.journal.append(f"{data} cancelled")
            if data.startswith("late"):
                raise ValueError(data) from None
            raise
        finally:
            self.now -= 1


async def begun(*texts: str, cls: type[Many] = Many, **attributes: object) -> tuple[Many, FakeConnection, Any]:
    """One that is at as many of the messages as it may be."""
    connection = FakeConnection(texts, end=None)
    derived: Any = type(cls.__name__, (cls,), attributes)
    socket: Many = make(derived, connection)
    task = asyncio.create_task(socket.run())
    await until(lambda: socket.now == min(len(texts), derived.max_concurrent_messages))
    await turns()
    return socket, connection, task


async def test_by_default_messages_are_handled_one_after_the_other() -> None:
    socket, connection, task = await begun("a", "b", max_concurrent_messages=1)
    socket.say("b")
    await turns()
    assert socket.begun == ["a"]
    socket.say("a")
    await until(lambda: len(connection.sent) == 2)
    connection.disconnect()
    await task
    assert socket.begun == connection.sent == ["a", "b"]
    assert socket.most == 1


async def test_never_more_than_the_bound_run_and_they_begin_in_order_of_arrival() -> None:
    texts = [str(number) for number in range(8)]
    socket, connection, task = await begun(*texts)
    assert socket.begun == texts[:3]
    socket.say("1")
    await turns()
    assert socket.begun == texts[:4]
    assert connection.sent == ["1"]
    socket.say(*texts)
    await until(lambda: len(connection.sent) == 8)
    connection.disconnect()
    await task
    assert socket.begun == texts
    assert socket.most == 3
    assert socket.journal == ["open", "close 1000"]


async def test_while_as_many_run_as_may_nothing_is_received() -> None:
    _, connection, task = await begun("a", "b", "c", "d", "e")
    assert list(connection._incoming) == ["d", "e"]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_limits_hold_and_what_cannot_be_taken_is_told_of_before_the_next_message() -> None:
    class Small(Many):
        max_message_size = 4

        @override
        async def on_invalid(self, error: InvalidMessageError, message: Data) -> None:
            self.journal.append(f"{int(error.code)} {len(message)}")
            await turns(3)
            self.journal.append(str(len(self.begun)))

    connection = FakeConnection(["a", "ü" * 3, b"x", "b"], end=None)
    socket = make(Small, connection)
    task = asyncio.create_task(socket.run())
    await until(lambda: len(socket.begun) == 2)
    socket.say("a", "b")
    connection.disconnect()
    await task
    assert socket.journal == ["open", "1009 3", "1", "1003 1", "1", "close 1000"]


async def test_a_message_that_cannot_be_taken_closes_and_those_that_run_have_their_grace() -> None:
    class Patient(Many):
        disconnect_grace = None

    connection = FakeConnection(["a", b"x", "b"], end=None)
    socket = make(Patient, connection)
    task = asyncio.create_task(socket.run())
    await until(lambda: connection.close_code)
    await turns()
    assert not task.done()
    socket.say("a")
    await task
    assert (socket.begun, connection.close_code) == (["a"], 1003)


async def test_the_rate_is_held() -> None:
    socket, connection, task = await begun("a", messages_per_second=0.001, messages_burst=1, flood=Flood.CLOSE)
    socket.say("a")
    connection.feed("b")
    await task
    assert (socket.begun, connection.close_code) == (["a"], 1008)


# --- the connection ends ----------------------------------------------------------------------------


async def test_what_runs_when_the_client_leaves_may_finish_within_its_grace() -> None:
    socket, connection, task = await begun("a", "b", disconnect_grace=None)
    _ = socket.start_task("background", socket.linger, "background")
    await turns()
    connection.disconnect(4000)
    await turns()
    assert socket.journal == ["open", "background ended"]
    socket.say("a")
    await turns()
    assert not task.done()
    socket.say("b")
    await task
    assert socket.journal == ["open", "background ended", "close 4000"]


async def test_past_its_grace_it_is_cancelled(caplog: pytest.LogCaptureFixture) -> None:
    socket, connection, task = await begun("a", "b", disconnect_grace=0)
    connection.disconnect()
    await task
    assert sorted(socket.journal[1:-1]) == ["a cancelled", "b cancelled"]
    assert socket.journal[-1] == "close 1000"
    assert ["a hook was still running 0 s after the end" in line for line in messages(caplog)] == [True]


async def test_the_end_is_noticed_while_as_many_run_as_may(caplog: pytest.LogCaptureFixture) -> None:
    socket, connection, task = await begun("a", "b", "c", "d", disconnect_grace=0)
    socket.ws_tick()
    socket.ws_tick()
    await turns()
    connection.disconnect()
    await task
    assert len(socket.journal) == 5
    assert socket.begun == ["a", "b", "c"]
    assert "1 messages are not handled" in messages(caplog)[0]


async def test_a_message_may_close_and_go_on_with_the_others() -> None:
    class Closing(Many):
        @override
        async def on_message(self, data: str, /) -> None:
            if data == "close":
                await self.close(4001)
                self.journal.append("closed")
            await super().on_message(data)

    socket, connection, task = await begun("a", "close", cls=Closing, disconnect_grace=None)
    assert connection.close_code == 4001
    assert socket.journal == ["open", "closed"]
    socket.say("a", "close")
    await task
    assert socket.journal == ["open", "closed", "close 4001"]


@pytest.mark.parametrize("full", [False, True])
async def test_a_task_may_close_and_past_the_grace_what_runs_is_cancelled(full: bool) -> None:
    socket, connection, task = await begun(*"abc" if full else "ab", disconnect_grace=0)
    _ = socket.start_task("closer", socket.close, 4002)
    await task
    assert connection.close_code == 4002
    assert len(socket.journal) == (5 if full else 4)


async def test_a_fault_after_the_end_is_a_fault() -> None:
    socket, connection, task = await begun("a", "fail", disconnect_grace=None)
    connection.disconnect()
    await turns()
    socket.say("fail")
    with pytest.raises(ValueError, match="fail"):
        await task
    assert socket.journal[1:] == ["a cancelled", "close 1000"]


async def test_a_client_that_reads_too_slowly_is_given_up_at_once() -> None:
    socket, connection, task = await begun("a", "b", disconnect_grace=None, outbox_messages=1)
    connection.stall()
    for _ in range(4):
        _ = socket.send("x")
    await turns()
    connection.resume()
    await task
    assert connection.close_code == 1013
    assert sorted(socket.journal[1:-1]) == ["a cancelled", "b cancelled"]


# --- faults and shutdown ----------------------------------------------------------------------------


async def test_a_fault_is_told_once_and_cancels_the_others(caplog: pytest.LogCaptureFixture) -> None:
    socket, connection, task = await begun("a", "fail 1", "late")
    socket.say("fail 1")
    with pytest.raises(ValueError, match="fail 1"):
        await task
    assert connection.is_open  # the application closes with 1011
    assert [str(error) for error in socket.errors] == ["fail 1"]
    assert sorted(socket.journal[1:-1]) == ["a cancelled", "late cancelled"]
    assert socket.journal[-1] == "close 1011"
    assert messages(caplog) == ["Many: another on_message failed"]


async def test_two_faults_in_one_turn_are_one_and_a_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    socket, _, task = await begun("fail 1", "fail 2")
    socket.say("fail 1", "fail 2")
    with pytest.raises(ValueError, match="fail 1"):
        await task
    assert [str(error) for error in socket.errors] == ["fail 1"]
    assert messages(caplog) == ["Many: another on_message failed"]


async def test_a_fault_in_on_invalid_cancels_them_all() -> None:
    class Strict(Many):
        @override
        async def on_invalid(self, error: InvalidMessageError, message: Data) -> None:
            raise LookupError

    connection = FakeConnection(["a", b"x"], end=None)
    socket = make(Strict, connection)
    with pytest.raises(LookupError):
        await socket.run()
    # Where a task begins at its next turn of the loop (Python 3.11), this one was cancelled before it.
    assert socket.journal == ["open", *[f"{text} cancelled" for text in socket.begun], "close 1011"]


async def test_what_is_cancelled_by_something_else_is_a_fault(caplog: pytest.LogCaptureFixture) -> None:
    class Stray(Many):
        @override
        async def on_message(self, data: str, /) -> None:
            other = asyncio.create_task(asyncio.Event().wait())
            asyncio.get_running_loop().call_soon(other.cancel)
            await other

    connection = FakeConnection(["a"], end=None)
    await make(Stray, connection).run()
    assert connection.close_code == 1011
    assert messages(caplog) == ["Stray: a hook was cancelled by something that it awaited"]


@pytest.mark.parametrize("times", [1, 2])
async def test_at_a_shutdown_all_are_cancelled_and_waited_for(times: int) -> None:
    socket, connection, task = await begun("a", "b")
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sorted(socket.journal[1:-1]) == ["a cancelled", "b cancelled"]
    assert connection.close_code == 1012


async def test_a_cancellation_in_the_clean_up_after_the_end_is_passed_on() -> None:
    socket, connection, task = await begun("a", "b", disconnect_grace=0)
    connection.disconnect()
    await until(lambda: socket._interrupted)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(socket.journal) == 4


async def test_what_ignores_its_cancellation_is_abandoned(caplog: pytest.LogCaptureFixture) -> None:
    go = asyncio.Event()

    class Stubborn(Many):
        @override
        async def on_message(self, data: str, /) -> None:
            self.now = 1
            while not go.is_set():
                try:
                    await go.wait()
                except asyncio.CancelledError:
                    self.journal.append("ignored")

    socket, _, task = await begun("a", cls=Stubborn, cleanup_timeout=0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert socket.journal == ["open", "ignored", "close 1012"]
    assert messages(caplog) == [
        "Stubborn: 1 calls of on_message ignored their cancellation for 0.01 s and are abandoned"
    ]
    go.set()
    await turns()


async def test_where_the_loop_is_gone_nothing_is_awaited() -> None:
    connection = FakeConnection(["a"], end=None)
    socket = make(Many, connection)
    running: Any = socket.run()
    waits_for = running.send(None)
    assert asyncio.isfuture(waits_for)
    running.close()
    assert socket.journal == ["open"]
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    await turns()


# --- the rest ---------------------------------------------------------------------------------------


async def test_a_socket_is_not_idle_while_a_message_is_at_work() -> None:
    socket, connection, task = await begun("a", idle_timeout=60)
    watch = runtime().idle
    watch.discard(socket)
    socket.ws_idle()
    assert socket in watch._watched
    assert socket.is_open
    socket.say("a")
    await turns()
    socket.ws_idle()
    await task
    assert connection.close_code == 3008


async def test_one_after_the_other_a_socket_is_idle_as_ever() -> None:
    socket, connection, task = await begun("a", max_concurrent_messages=1, idle_timeout=60)
    socket.say("a")
    await turns()
    socket.ws_idle()
    await task
    assert connection.close_code == 3008
