"""handler/core.py"""

# Much is sent without await, on purpose.
# mypy: disable-error-code=unused-awaitable

import asyncio
import contextlib
import logging
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.test import override_settings
from typing_extensions import override

from django_ws.close_codes import CloseCode
from django_ws.exceptions import ConnectionClosed
from django_ws.handler import WebSocket, WebSocketHandler, as_factory, core, runtime
from django_ws.handler.outbox import Overflow
from django_ws.handler.runtime import Phase
from django_ws.interfaces import Data, Headers
from django_ws.routing import WebSocketRequest
from django_ws.testing import FakeConnection, websocket_scope
from handler.support import Noted, make, messages, turns, until


@pytest.fixture(autouse=True)
def quick_closes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core, "_CLOSE_SECONDS", 0.01)
    monkeypatch.setattr(runtime, "TICK", 3600)


def start(socket: Noted) -> "asyncio.Task[HttpResponseBase | None]":
    return asyncio.create_task(socket.run())


# --- the handshake --------------------------------------------------------------------------------


async def test_the_first_subprotocol_of_ours_that_is_offered_is_chosen() -> None:
    class Spoken(Noted):
        subprotocols = ("v3", "v2", "v1")

    connection = FakeConnection(subprotocols=("v1", "v2"))
    socket = make(Spoken, connection)
    await socket.run()
    assert connection.accepted == ("v2", [])
    assert socket.subprotocol == "v2"


async def test_a_response_of_on_connect_is_given_back_and_nothing_else_runs() -> None:
    class Denying(Noted):
        @override
        async def on_connect(self) -> HttpResponseBase | None:
            self.start_task("linger", self.linger, "task")
            await turns(2)
            return HttpResponse(status=402)

    connection = FakeConnection()
    socket = make(Denying, connection)
    response = await socket.run()
    assert response is not None
    assert response.status_code == 402
    assert connection.accepted is None
    assert socket.journal == ["task ended"]


async def test_a_close_in_on_connect_denies() -> None:
    class Closing(Noted):
        @override
        async def on_connect(self) -> HttpResponseBase | None:
            await self.close()
            return None

    connection = FakeConnection()
    socket = make(Closing, connection)
    assert await socket.run() is None
    assert connection.denied == (403, [], b"")
    assert socket.journal == []


async def test_a_client_that_has_gone_before_the_answer_gets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = FakeConnection()

    async def accept(subprotocol: str | None, headers: Headers) -> None:
        connection.disconnect()
        raise ConnectionClosed

    monkeypatch.setattr(connection, "accept", accept)
    socket = make(Noted, connection)
    assert await socket.run() is None
    assert socket.journal == []


async def test_on_connect_may_accept_by_itself_to_say_more() -> None:
    class Accepting(Noted):
        @override
        async def on_connect(self) -> HttpResponseBase | None:
            await self.accept("v9", [("x-served-by", "here")])
            return None

    connection = FakeConnection(["hello"], subprotocols=("v9",))
    socket = make(Accepting, connection)
    await socket.run()
    assert connection.accepted == ("v9", [("x-served-by", "here")])
    assert socket.journal == ["open", "hello", "close 1000"]


@pytest.mark.parametrize(("offered", "accepted"), [(("v2", "v1"), "v1"), (("v3",), None), ((), None)])
async def test_a_socket_may_require_one_of_its_subprotocols(
    offered: tuple[str, ...], accepted: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    class Choosy(Noted):
        subprotocols = ("v1", "v2")
        subprotocol_required = True

    connection = FakeConnection(subprotocols=offered)
    response = await make(Choosy, connection).run()
    if accepted is not None:
        assert (response, connection.accepted) == (None, (accepted, []))
        return
    assert isinstance(response, HttpResponse)
    assert response.status_code == 400
    assert response.content == b"Offer one of these in Sec-WebSocket-Protocol: v1, v2\n"
    assert connection.accepted is None
    assert messages(caplog) == ["Choosy: denied with 400: the client offers none of its subprotocols (v1, v2)"]


async def test_headers_of_middleware_go_out_with_the_accept_before_the_sockets_own() -> None:
    class Accepting(Noted):
        @override
        async def on_connect(self) -> HttpResponseBase | None:
            await self.accept(headers=[("x-own", "3")])
            return None

    for cls, own in ((Noted, []), (Accepting, [("x-own", "3")])):
        connection = FakeConnection()
        socket = make(cls, connection)
        socket.add_accept_headers([("x-outer", "1")])
        socket.add_accept_headers([("x-inner", "2")])
        await socket.run()
        assert connection.accepted == (None, [("x-outer", "1"), ("x-inner", "2"), *own])


async def test_the_end_of_another_connection_is_a_fault_of_the_handshake() -> None:
    class Relaying(Noted):
        @override
        async def on_connect(self) -> HttpResponseBase | None:
            raise ConnectionClosed(4000)

    with pytest.raises(ConnectionClosed):
        await make(Relaying).run()


class FailingAfterAccept(Noted):
    error: BaseException = ValueError("no")

    @override
    async def on_connect(self) -> HttpResponseBase | None:
        await self.accept()
        self.start_task("linger", self.linger, "task")
        await turns(2)
        self.send("on its way")
        raise self.error


@pytest.mark.parametrize("error", [ValueError("no"), ConnectionClosed(4000), asyncio.CancelledError()])
async def test_a_handshake_that_fails_after_it_was_accepted_leaves_no_task(
    error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FailingAfterAccept, "error", error)
    connection = FakeConnection()
    connection.stall()
    before = asyncio.all_tasks()
    socket = make(FailingAfterAccept, connection)
    with pytest.raises(type(error)):
        await socket.run()
    await turns(3)
    assert asyncio.all_tasks() == before
    assert socket.journal == ["task ended"]


async def test_a_cancellation_during_the_clean_up_of_a_denied_handshake_is_passed_on() -> None:
    class Denying(Noted):
        @override
        async def on_connect(self) -> HttpResponseBase | None:
            self.start_task("linger", self.linger, "task")
            await turns(2)
            return HttpResponse(status=402)

    socket = make(Denying)
    task = start(socket)
    await turns(4)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert socket.journal == ["task ended"]


async def test_a_handshake_whose_loop_has_gone_is_left_where_it_is() -> None:
    class Waiting(Noted):
        @override
        async def on_connect(self) -> HttpResponseBase | None:
            await asyncio.Event().wait()
            return None

    running = make(Waiting).run()
    running.send(None)
    running.close()


async def test_an_outbox_that_overflows_in_on_connect_ends_the_socket() -> None:
    class Flooding(Noted):
        outbox_messages = 1

        @override
        async def on_connect(self) -> HttpResponseBase | None:
            await self.accept()
            for number in range(4):
                self.send(str(number))
            await turns(2)
            return None

    connection = FakeConnection(end=None)
    connection.stall()
    socket = make(Flooding, connection)
    await socket.run()
    assert socket.journal == ["open", "close 1013"]


# --- the end noticed while a hook runs ------------------------------------------------------------


class Slow(Noted):
    """Its hook waits for a word."""

    def __init__(self, request: Any, connection: Any, /, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, connection, *args, **kwargs)
        self.go = asyncio.Event()
        self.entered = asyncio.Event()

    @override
    async def on_message(self, data: str, /) -> None:
        self.journal.append(f"{data} begun")
        self.entered.set()
        await self.go.wait()
        self.journal.append(f"{data} done")


async def slow(cls: type[Slow] = Slow, *, bound: int = 32) -> tuple[Slow, FakeConnection, Any]:
    """One that is in the middle of its first message."""
    connection = FakeConnection(["first"], end=None)
    derived: Any = type(cls.__name__, (cls,), {"inbox_messages": bound})
    socket: Slow = make(derived, connection)
    task = start(socket)
    await socket.entered.wait()
    return socket, connection, task


async def test_the_first_tick_only_takes_note_and_the_second_reads_on() -> None:
    socket, connection, task = await slow()
    connection.feed("second")
    phases = [socket.ws_phase]
    socket.ws_tick()
    phases.append(socket.ws_phase)
    assert phases == [Phase.RUNNING, Phase.LONG]
    await turns()
    assert len(connection._incoming) == 1
    socket.ws_tick()
    await turns()
    assert len(connection._incoming) == 0
    socket.go.set()
    connection.feed("third")
    connection.disconnect()
    await task
    assert socket.journal[1:] == ["first begun", "first done", "second begun", "second done", "close 1000"]


async def test_after_a_long_hook_the_socket_goes_back_to_the_common_path() -> None:
    socket, connection, task = await slow()
    socket.ws_tick()
    socket.ws_tick()
    await turns()
    socket.go.set()
    await turns()
    boxes = [socket._inbox]
    connection.feed("second", "third")
    await until(lambda: "third done" in socket.journal)
    boxes.append(socket._inbox)
    assert [box is None for box in boxes] == [False, True]
    assert socket.ws_phase is Phase.RECEIVING
    connection.disconnect()
    await task


async def test_the_inbox_is_bounded_and_filled_again_as_it_empties() -> None:
    socket, connection, task = await slow(bound=2)
    connection.feed(*"abcd")
    for _ in range(4):
        socket.ws_tick()
        await turns()
    assert list(connection._incoming) == ["c", "d"]
    socket.go.set()
    connection._end = 1000
    await task
    assert [line for line in socket.journal if line.endswith("done")] == [f"{name} done" for name in ["first", *"abcd"]]


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


class Hasty(Slow):
    disconnect_grace = 0


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


async def test_a_hook_that_used_its_lane_gives_it_back_before_the_next_message() -> None:
    class Syncing(Slow):
        @override
        async def on_message(self, data: str, /) -> None:
            await sync_to_async(self.journal.append)("sync")
            assert self._lane.used
            await super().on_message(data)

    socket, connection, task = await slow(Syncing)
    socket.ws_tick()
    socket.ws_tick()
    await turns()
    socket.go.set()
    await until(lambda: "first done" in socket.journal)
    await turns()
    assert not socket._lane.used
    connection.disconnect()
    await task


# --- where several tasks share a socket -----------------------------------------------------------


async def test_a_time_out_of_a_receive_leaves_the_socket_under_the_tickers_eye() -> None:
    phases: list[Phase] = []

    async def impatient(ws: WebSocket[str, str]) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.001):
                await ws.receive()
        phases.append(ws.ws_phase)

    connection = FakeConnection(end=None)
    await as_factory(impatient)(WebSocketRequest(websocket_scope()), connection).run()
    assert phases == [Phase.RUNNING]
    assert connection.close_code == 1000


async def test_a_socket_whose_messages_another_task_reads_ends_with_the_connection() -> None:
    sockets: list[WebSocket[str, str]] = []
    journal: list[str] = []

    async def read(ws: WebSocket[str, str]) -> None:
        journal.extend([text async for text in ws])
        journal.append("read")

    async def room(ws: WebSocket[str, str]) -> None:
        sockets.append(ws)
        await asyncio.gather(read(ws), asyncio.Event().wait())

    connection = FakeConnection(["a"], end=None)
    with override_settings(WS_DISCONNECT_GRACE=0):
        endpoint = as_factory(room)(WebSocketRequest(websocket_scope()), connection)
    task = asyncio.ensure_future(endpoint.run())
    await until(lambda: not connection._incoming)
    connection.disconnect()
    await until(lambda: "read" in journal)
    assert not task.done()
    sockets[0].ws_tick()
    sockets[0].ws_tick()
    await task
    assert task.cancelling() == 0


# --- sending --------------------------------------------------------------------------------------


async def opened(cls: type[Noted] = Noted, **attributes: object) -> tuple[Noted, FakeConnection, Any]:
    connection = FakeConnection(end=None)
    derived: Any = type(cls.__name__, (cls,), attributes)
    socket: Noted = make(derived, connection)
    task = start(socket)
    await until(lambda: socket.journal)
    return socket, connection, task


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


async def test_a_close_during_a_long_hook_lets_it_finish_its_message_and_gives_up_the_rest() -> None:
    socket, connection, task = await slow()
    connection.feed("second")
    socket.ws_tick()
    socket.ws_tick()
    await turns()
    await socket.close(4000)
    assert not task.done()
    socket.go.set()
    await task
    assert socket.journal == ["open", "first begun", "first done", "close 4000"]


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
    assert [record.levelname for record in caplog.records] == ["DEBUG", "DEBUG"]


async def test_a_task_that_is_cancelled_while_it_closes_still_ends_the_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    socket, connection, task = await opened()

    async def slowly(code: int = 1000, reason: str = "") -> None:
        # As granian does: the receive that waits is left waiting.
        connection.close_code = code
        connection._open = False
        await asyncio.Event().wait()

    monkeypatch.setattr(connection, "close", slowly)
    monkeypatch.setattr(core, "_CLOSE_SECONDS", 60)
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
    monkeypatch.setattr(core, "_CLOSE_SECONDS", 60)
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
    monkeypatch.setattr(core, "_CLOSE_SECONDS", 60)

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
    monkeypatch.setattr(core, "_CLOSE_SECONDS", 60)  # the margin that a flush has

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


async def test_a_plain_websocket_has_no_hook_for_the_end_and_says_nothing_of_faults() -> None:
    socket = make(WebSocket)
    assert socket._on_close_hook() is None
    assert await socket.on_connect() is None
    await core.SocketCore.on_error(socket, ValueError())
    await core.SocketCore.on_task_error(socket, ValueError())


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
