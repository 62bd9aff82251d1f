"""handler/core.py"""

# Much is sent without await, on purpose.
# mypy: disable-error-code=unused-awaitable

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.test import override_settings
from typing_extensions import override

from django_ws.exceptions import ConnectionClosed
from django_ws.handler import Overflow, WebSocket, as_factory, core, ending, runtime
from django_ws.handler.rate import Flood, TokenBucket
from django_ws.handler.runtime import Phase
from django_ws.interfaces import Headers
from django_ws.refusals import Limit, refusals
from django_ws.routing import WebSocketRequest
from django_ws.signals import websocket_closed, websocket_opened
from django_ws.testing import FakeConnection, FakeGuard, websocket_scope
from handler.support import Noted, Rated, Slow, make, messages, opened, slow, start, turns, until


@pytest.fixture(autouse=True)
def quick_closes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "_CLOSE_SECONDS", 0.01)
    monkeypatch.setattr(runtime, "TICK", 3600)


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


@pytest.mark.parametrize(("offered", "accepted"), [(("v9", "v1"), "v1"), (("v9",), None), ((), None)])
async def test_who_accepts_by_itself_need_not_choose_the_subprotocol(
    offered: tuple[str, ...], accepted: str | None
) -> None:
    class Accepting(Noted):
        subprotocols = ("v1",)

        @override
        async def on_connect(self) -> HttpResponseBase | None:
            await self.accept(headers=[("x-served-by", "here")])
            return None

    connection = FakeConnection(subprotocols=offered)
    socket = make(Accepting, connection)
    await socket.run()
    assert connection.accepted == (accepted, [("x-served-by", "here")])
    assert socket.subprotocol == accepted


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


# --- the ticker -----------------------------------------------------------------------------------


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


# --- a client that sends too fast -----------------------------------------------------------------


NUMBERS = [str(number) for number in range(40)]


async def rated(**attributes: object) -> tuple[Noted, FakeConnection, Any]:
    """One whose client has sent 40 messages at once."""
    socket, connection, task = await opened(Rated, **attributes)
    connection.feed(*NUMBERS)
    return socket, connection, task


async def test_what_comes_too_fast_waits_and_nothing_is_lost_or_changes_places(
    caplog: pytest.LogCaptureFixture,
) -> None:
    done = asyncio.Event()

    class Rated(Noted):
        messages_per_second = 2000
        messages_burst = 8

        @override
        async def on_message(self, data: str, /) -> None:
            await super().on_message(data)
            if data == NUMBERS[-1]:
                done.set()

    socket, connection, task = await opened(Rated)
    connection.feed(*NUMBERS)
    await done.wait()
    assert socket.journal == ["open", *NUMBERS]
    assert connection.is_open
    assert messages(caplog) == ["Rated: more than 2000 messages a second came; they wait their turn"]
    assert vars(caplog.records[-1])["limit"] == "WS_MESSAGES_PER_SECOND"
    assert refusals()[Limit.MESSAGE_RATE] >= 1
    connection.disconnect()
    await task
    assert socket.journal[-1] == "close 1000"


async def test_while_they_wait_no_more_is_read() -> None:
    socket, connection, task = await rated()
    await turns(100)
    assert socket.journal == ["open", *NUMBERS[:8]]
    assert list(connection._incoming) == NUMBERS[9:]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert socket.journal[-1] == "close 1012"


async def test_a_flood_is_one_line_and_every_time_that_it_had_to_wait_is_counted(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0

    class Leaping:
        """A bucket by a clock that goes on only while a message waits."""

        def __init__(self, rate: float, burst: int, taken: int, _: float) -> None:
            self.bucket = TokenBucket(rate, burst, taken, now)

        def lease(self, _: float) -> int:
            return self.bucket.lease(now)

        @property
        def wait(self) -> float:
            nonlocal now
            now += 1000
            return 0.0

    monkeypatch.setattr(core, "TokenBucket", Leaping)
    socket, connection, task = await rated()
    await until(lambda: len(socket.journal) == 41)
    assert socket.journal == ["open", *NUMBERS]
    assert refusals() == {Limit.MESSAGE_RATE: 32}
    assert len(messages(caplog)) == 1
    connection.disconnect()
    await task


async def test_a_close_by_another_task_ends_a_socket_whose_messages_wait(caplog: pytest.LogCaptureFixture) -> None:
    socket, connection, task = await rated(disconnect_grace=None)
    await turns()
    socket.start_task("closer", socket.close, 4000, "bye")
    await task
    assert task.cancelling() == 0
    assert (connection.close_code, connection.close_reason) == (4000, "bye")
    assert socket.journal == ["open", *NUMBERS[:8], "close 4000"]
    assert len(messages(caplog)) == 1


async def test_a_flood_may_end_the_connection_with_1008_and_the_message_over_the_limit_is_not_handled(
    caplog: pytest.LogCaptureFixture,
) -> None:
    socket, connection, task = await rated(flood=Flood.CLOSE)
    assert await task is None
    assert socket.journal == ["open", *NUMBERS[:8], "close 1008"]
    assert (connection.close_code, connection.close_reason) == (1008, "too many messages")
    assert socket.errors == []
    assert messages(caplog) == ["Rated: more than 0.001 messages a second came; closed with 1008"]
    assert refusals() == {Limit.MESSAGE_RATE: 1}


async def test_a_flood_during_a_close_of_ours_ends_the_connection_once() -> None:
    socket, connection, task = await opened(Rated, flood=Flood.CLOSE, cleanup_timeout=60)
    connection.stall()
    socket.send("waiting")
    closing = asyncio.create_task(socket.close(4000))
    await turns()
    connection.feed(*NUMBERS)
    await turns()
    connection.resume()
    await asyncio.gather(closing, task)
    assert connection.sent == ["waiting"]
    assert connection.close_code in {4000, 1008}
    assert socket.journal[-1] == f"close {connection.close_code}"


@pytest.mark.parametrize(("rate", "count"), [(None, 5000), (1e9, 125)])
async def test_without_a_limit_there_is_no_bucket_ever_nor_within_the_first_lease(
    rate: float | None, count: int
) -> None:
    socket, connection, task = await opened(messages_per_second=rate, messages_burst=1000)
    connection.feed(*map(str, range(count)))
    await until(lambda: len(socket.journal) == count + 1, 20_000)
    assert socket._bucket is None
    connection.disconnect()
    await task


def function_socket(received: list[str], connection: FakeConnection) -> "asyncio.Future[object]":
    async def feed(ws: WebSocket[str, str]) -> None:
        received.extend([text async for text in ws])
        received.append(f"end {ws.close_code}")

    with override_settings(WS_MESSAGES_PER_SECOND=0.001, WS_MESSAGES_BURST=8):
        socket = as_factory(feed)(WebSocketRequest(websocket_scope()), connection)
    return asyncio.ensure_future(socket.run())


async def test_a_functions_messages_wait_too() -> None:
    connection = FakeConnection(NUMBERS, end=None)
    received: list[str] = []
    task = function_socket(received, connection)
    await until(refusals)
    await turns()
    assert list(connection._incoming) == NUMBERS[9:]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert connection.close_code == 1012


async def test_a_function_may_be_ended_for_a_flood_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WebSocket, "flood", Flood.CLOSE)
    connection = FakeConnection(NUMBERS, end=None)
    received: list[str] = []
    assert await function_socket(received, connection) is None
    assert received == [*NUMBERS[:8], "end 1008"]
    assert connection.close_code == 1008


# --- who may open it ------------------------------------------------------------------------------


class Guarded(Noted):
    @override
    async def on_connect(self) -> HttpResponseBase | None:
        self.journal.append("on_connect")
        return None


def guarded(*guards_: FakeGuard) -> tuple[Guarded, FakeConnection]:
    connection = FakeConnection()
    return make(type("Guarded", (Guarded,), {"guards": guards_}), connection), connection


async def test_guards_are_asked_in_turn_before_on_connect() -> None:
    guards_ = FakeGuard(), FakeGuard()
    socket, connection = guarded(*guards_)
    assert await socket.run() is None
    assert [guard.asked for guard in guards_] == [[socket.request]] * 2
    assert socket.journal == ["on_connect", "open", "close 1000"]
    assert connection.accepted == (None, [])


async def test_the_first_that_denies_decides() -> None:
    last = FakeGuard(HttpResponse(status=418))
    socket, connection = guarded(FakeGuard(), FakeGuard(HttpResponse(status=402)), last)
    response = await socket.run()
    assert isinstance(response, HttpResponse)
    assert response.status_code == 402
    assert last.asked == []
    assert socket.journal == []
    assert connection.accepted is None


@pytest.mark.parametrize("error", [PermissionDenied("no"), Http404("no"), ValueError("no")])
async def test_what_a_guard_raises_passes_up_before_anything_is_answered(error: Exception) -> None:
    socket, connection = guarded(FakeGuard(error))
    with pytest.raises(type(error), match="no"):
        await socket.run()
    assert socket.journal == []
    assert not connection.is_answered


async def test_guards_of_a_route_come_before_those_of_the_class() -> None:
    guards_ = FakeGuard(), FakeGuard(), FakeGuard(HttpResponse(status=402))
    socket, _ = guarded(guards_[2])
    socket.add_guards(guards_[1:2])
    socket.add_guards(guards_[:1])
    response = await socket.run()
    assert isinstance(response, HttpResponse)
    assert [len(guard.asked) for guard in guards_] == [1, 1, 1]
    refusing, _ = guarded(FakeGuard())
    refusing.add_guards([FakeGuard(PermissionDenied())])
    with pytest.raises(PermissionDenied):
        await refusing.run()


# --- it has been opened ---------------------------------------------------------------------------


async def test_receivers_of_the_signal_are_done_before_on_open_and_may_send() -> None:
    async def greet(sender: object, websocket: Noted, **_: object) -> None:
        assert sender is Noted
        await turns()
        websocket.journal.append("announced")
        await websocket.send("hello")

    websocket_opened.connect(greet)
    try:
        connection = FakeConnection()
        socket = make(Noted, connection)
        await socket.run()
    finally:
        websocket_opened.disconnect(greet)
    assert connection.sent == ["hello"]
    assert socket.journal == ["announced", "open", "close 1000"]


@pytest.fixture
def pairs() -> Iterator[list[str]]:
    """What receivers of both signals hear."""
    heard: list[str] = []

    async def hear_opened(**_: object) -> None:
        heard.append("opened")

    async def hear_closed(code: int, **_: object) -> None:
        heard.append(f"closed {code}")

    websocket_opened.connect(hear_opened)
    websocket_closed.connect(hear_closed)
    yield heard
    websocket_opened.disconnect(hear_opened)
    websocket_closed.disconnect(hear_closed)


@pytest.mark.parametrize("turns_before", range(4))
async def test_who_is_told_of_the_end_was_told_of_the_beginning(pairs: list[str], turns_before: int) -> None:
    task = start(make(Noted, FakeConnection(end=None)))
    await turns(turns_before)
    assert task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert pairs in ([], ["opened", "closed 1012"])
    assert bool(pairs) == bool(turns_before)


async def test_also_where_the_end_comes_in_the_turn_of_the_opening(pairs: list[str]) -> None:
    class Hasty(Noted):
        outbox_messages = 1
        overflow = Overflow.CLOSE

        @override
        async def on_connect(self) -> None:
            await self.accept()
            connection.stall()
            for _ in range(3):
                _ = self.send("x")

    connection = FakeConnection(end=None)
    socket = make(Hasty, connection)
    task = start(socket)
    await until(lambda: socket._task is not None)
    connection.resume()
    await task
    assert pairs == ["opened", "closed 1013"]
    assert socket.journal == []


async def test_a_receiver_that_hangs_as_the_socket_ends_is_cancelled_at_the_bound(
    caplog: pytest.LogCaptureFixture, pairs: list[str]
) -> None:
    hangs = asyncio.Event()

    async def hang(**_: object) -> None:
        hangs.set()
        await asyncio.Event().wait()

    websocket_opened.connect(hang)
    try:
        task = start(make(Noted, FakeConnection(end=None)))
        await hangs.wait()
        assert task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    finally:
        websocket_opened.disconnect(hang)
    assert pairs == ["opened", "closed 1012"]
    assert messages(caplog) == ["Noted: websocket_opened took longer than 0.05 s and is cancelled"]


async def test_opening_is_a_line_of_the_access_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "django_ws.access"):
        await make(Noted).run()
    record = caplog.records[0]
    assert (record.name, record.levelname, record.getMessage()) == ("django_ws.access", "INFO", "opened Noted")
    assert vars(record)["handler"] == "Noted"


async def test_a_client_that_is_silent_for_too_long_is_closed_with_3008(caplog: pytest.LogCaptureFixture) -> None:
    socket, connection, task = await opened(idle_timeout=60)
    socket.ws_idle()
    await task
    assert connection.close_code == 3008
    assert socket.journal == ["open", "close 3008"]
    assert messages(caplog) == ["Noted: no message came for 60 s; closed with 3008"]


async def test_a_socket_is_watched_for_silence_where_there_is_a_bound() -> None:
    _, connection, task = await opened(idle_timeout=60)
    assert len(runtime.runtime().idle) == 1
    connection.disconnect()
    await task
    assert len(runtime.runtime().idle) == 0
