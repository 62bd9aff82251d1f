"""handler/state.py"""

# Much is sent without await, on purpose.
# mypy: disable-error-code=unused-awaitable

import asyncio
import logging

import pytest
from django.http import HttpRequest
from typing_extensions import override

from django_ws.exceptions import ConnectionClosed
from django_ws.handler import WebSocket, WebSocketHandler, ending, runtime
from django_ws.handler.outbox import Overflow
from django_ws.handler.state import SocketState
from django_ws.handler.tasks import TaskGroup
from django_ws.testing import FakeConnection, FakeGuard, FakeTopic
from handler.support import Noted, make, messages, opened, turns, until


@pytest.fixture(autouse=True)
def quick_closes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "_CLOSE_SECONDS", 0.01)
    monkeypatch.setattr(runtime, "TICK", 3600)


# --- sending --------------------------------------------------------------------------------------


async def test_a_send_that_the_server_takes_at_once_makes_nothing() -> None:
    socket, connection, task = await opened()
    assert await socket.send("now") is True
    assert socket._outbox is None
    connection.disconnect()
    assert await socket.send("late") is False
    await task
    assert connection.sent == ["now"]


async def test_the_outbox_is_there_while_the_client_reads_slowly() -> None:
    socket, connection, task = await opened()
    connection.stall()
    sends = [asyncio.ensure_future(socket.send(text)) for text in ("a", "b")]
    assert socket._outbox is not None
    await turns()
    connection.resume()
    assert await asyncio.gather(*sends) == [True, True]
    await until(lambda: socket._outbox is None)
    connection.disconnect()
    await task
    assert connection.sent == ["a", "b"]


async def test_events_go_out_at_once_only_where_there_are_any_and_nothing_waits() -> None:
    connection = FakeConnection(is_open=True)
    socket = make(Noted, connection)
    socket._open_outlet()
    outlets = [socket.ws_outlet]
    socket._memberships = [await FakeTopic[str]().join(socket)]
    socket._open_outlet()
    outlets.append(socket.ws_outlet)
    outbox = socket._open_outbox()
    socket._open_outlet()
    outlets.append(socket.ws_outlet)
    outbox.seal()
    socket._forget_outbox()
    outlets.append(socket.ws_outlet)
    assert outlets == [None, connection, None, connection]


async def test_past_the_bound_the_connection_is_closed_with_1013_and_that_is_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    # A client that was given up is not waited for.
    socket, connection, task = await opened(outbox_messages=2, cleanup_timeout=60)
    connection.stall()
    for number in range(10):
        socket.send(str(number))
    assert await socket.send("more") is False
    assert await task is None
    assert socket.journal == ["open", "close 1013"]
    assert socket.dropped_messages == 1
    assert len(messages(caplog)) == 1
    assert "closed with 1013" in messages(caplog)[0]


@pytest.mark.parametrize("policy", [Overflow.DROP_OLDEST, Overflow.DROP_NEWEST])
async def test_what_a_policy_drops_is_counted_and_said_once(policy: Overflow, caplog: pytest.LogCaptureFixture) -> None:
    socket, connection, task = await opened(outbox_messages=2, overflow=policy)
    connection.stall()
    for number in range(10):
        socket.send(str(number))
    assert socket.dropped_messages == 7
    connection.resume()
    await until(lambda: socket._outbox is None)
    connection.disconnect()
    await task
    assert connection.sent == (["0", "8", "9"] if policy is Overflow.DROP_OLDEST else ["0", "1", "2"])
    assert len(messages(caplog)) == 1
    assert policy.value in messages(caplog)[0]


# --- what a subclass says -------------------------------------------------------------------------


async def test_a_plain_websocket_has_no_hook_for_the_end_and_says_nothing_of_faults() -> None:
    socket = make(WebSocket)
    assert socket._on_close_hook() is None
    assert await socket.on_connect() is None
    await SocketState.on_error(socket, ValueError())
    await SocketState.on_task_error(socket, ValueError())


# --- background tasks -----------------------------------------------------------------------------


async def test_a_fault_in_a_task_is_logged_and_told_and_the_connection_lives_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    socket, connection, task = await opened()

    async def fail() -> None:
        raise ValueError("in a task")

    socket.start_task("fail", fail)
    await until(lambda: socket.errors)
    assert messages(caplog) == ["Noted: a background task failed"]
    connection.feed("still here")
    await until(lambda: "still here" in socket.journal)
    connection.disconnect()
    await task


async def test_a_fault_in_on_task_error_is_logged_too(caplog: pytest.LogCaptureFixture) -> None:
    class Worse(Noted):
        @override
        async def on_task_error(self, error: Exception) -> None:
            raise ZeroDivisionError

    socket = make(Worse)
    await socket._task_failed(ValueError())
    assert messages(caplog) == ["Worse: a background task failed", "Worse: on_task_error failed"]


async def test_the_end_of_the_connection_is_no_fault_of_a_task(caplog: pytest.LogCaptureFixture) -> None:
    socket, connection, task = await opened()
    await socket._task_failed(ConnectionClosed(4000))
    connection.disconnect()
    await socket._task_failed(ConnectionClosed(1000))
    await task
    assert messages(caplog) == ["Noted: a background task failed"]


async def test_the_manager_of_a_class_is_made_at_the_first_task_of_a_socket() -> None:
    made: list[TaskGroup] = []

    def make_manager() -> TaskGroup:
        made.append(TaskGroup())
        return made[-1]

    socket, connection, task = await opened(task_manager=make_manager)
    assert made == []
    for name in ("one", "two"):
        socket.start_task(name, socket.linger, name)
    (manager,) = made
    assert "one" in manager
    assert "two" in manager
    assert socket.cancel_task("one")
    connection.disconnect()
    await task
    assert len(manager) == 0


async def test_a_task_started_after_the_end_never_begins() -> None:
    socket = make(Noted)
    await socket.run()
    task = socket.start_task("late", socket.linger, "late")
    with pytest.raises(asyncio.CancelledError):
        await task
    assert socket.journal == ["open", "close 1000"]


async def test_after_a_fault_nothing_begins_before_the_application_closes() -> None:
    class Faulty(WebSocketHandler[str, str]):
        @override
        async def on_message(self, data: str) -> None:
            raise ValueError(data)

    connection = FakeConnection(["boom"], end=None)
    socket = Faulty(HttpRequest(), connection)
    with pytest.raises(ValueError, match="boom"):
        await socket.run()
    assert connection.is_open
    assert await socket.send("too late") is False
    assert connection.sent == []
    await socket.close()
    assert connection.close_code == 1000


async def test_an_interruption_comes_once_and_never_to_what_is_not_running_or_has_ended() -> None:
    idle = make(Noted)
    idle._interrupt()
    assert not idle._interrupted
    socket, connection, task = await opened()
    socket._interrupt()
    socket._interrupt()
    assert task.cancelling() == 1
    await task
    assert task.cancelling() == 0
    socket._interrupt()
    assert not socket._interrupted
    assert connection.close_code == 1000


async def test_all_tasks_are_of_one_group() -> None:
    socket, connection, task = await opened()
    for name in ("one", "other"):
        socket.start_task(name, socket.linger, name)
    await turns(2)
    connection.disconnect()
    await task
    assert sorted(socket.journal[1:3]) == ["one ended", "other ended"]


# --- the subprotocol ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spoken", "offered", "chosen"),
    [(("v2", "v1"), ("v1", "v2"), "v2"), (("v2",), ("v1",), None), ((), ("v1",), None), (("v1",), (), None)],
)
async def test_the_first_of_ours_that_is_offered_is_chosen(
    spoken: tuple[str, ...], offered: tuple[str, ...], chosen: str | None
) -> None:
    socket: Noted = make(type("Spoken", (Noted,), {"subprotocols": spoken}))
    assert socket.select_subprotocol(offered) == chosen


# --- guards of the route --------------------------------------------------------------------------


async def test_guards_of_the_route_come_before_those_of_the_class() -> None:
    guards_ = [FakeGuard(), FakeGuard(), FakeGuard()]
    socket: Noted = make(type("Guarded", (Noted,), {"guards": guards_[2:]}))
    assert list(socket._guards) == guards_[2:]
    socket.add_guards(guards_[1:2])
    socket.add_guards(guards_[:1])
    assert list(socket._guards) == guards_


# --- what is said of it ---------------------------------------------------------------------------


async def test_a_signal_is_sent_by_its_class() -> None:
    assert make(Noted)._sender is Noted


async def test_the_fields_of_a_line_are_of_the_socket_as_it_is_then() -> None:
    socket, connection, task = await opened()
    fields = socket._fields()
    assert fields.keys() == {"route", "handler", "code", "status", "duration", "user_id"}
    assert (fields["handler"], fields["code"], fields["status"]) == ("Noted", None, None)
    duration = fields["duration"]
    assert isinstance(duration, float)
    connection.disconnect(4001)
    await task
    assert socket._fields()["code"] == 4001
    unopened = make(Noted)._fields()
    assert (unopened["duration"], unopened["code"]) == (None, None)


async def test_a_line_below_the_level_of_the_log_is_not_made(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    socket = make(Noted)
    made: list[object] = []

    def fields(socket: Noted) -> dict[str, object]:
        made.append(socket)
        return {}

    monkeypatch.setattr(Noted, "_fields", fields)
    with caplog.at_level(logging.WARNING, "django_ws"):
        socket._log(logging.DEBUG, "of no interest")
        assert made == []
        socket._log(logging.WARNING, "%d of %s", 1, "interest")
    assert made == [socket]
    assert messages(caplog) == ["Noted: 1 of interest"]
