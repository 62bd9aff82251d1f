import asyncio
import contextlib
import errno
import logging
from collections import deque
from collections.abc import Awaitable, Coroutine, Generator
from contextvars import ContextVar, copy_context
from typing import Any, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from typing_extensions import override

from django_ws.exceptions import ConnectionClosed, LocalProtocolError, RemoteProtocolError
from django_ws.protocol.connection import ASGIConnection
from django_ws.protocol.events import Send
from django_ws.protocol.states import APPLICATION_TRANSITIONS, ApplicationState
from django_ws.testing import FakeFrame
from protocol.support import (
    ACCEPT,
    CONNECT,
    GONE,
    GOODBYE,
    Event,
    Server,
    begin,
    close_event,
    finish,
    gone,
    opened,
    sender,
    text,
)

T = TypeVar("T")

# --- the handshake ---------------------------------------------------------------------------------


def test_a_new_connection_is_neither_open_nor_answered() -> None:
    connection = Server().connection()
    assert not connection.is_open
    assert not connection.is_answered
    assert connection.close_code is None
    assert connection.close_reason == ""
    assert connection.subprotocols == ("chat.v2", "chat.v1")


async def test_accept_reads_the_connect_and_answers_it() -> None:
    server, connection = await opened()
    assert connection.is_open
    assert connection.is_answered
    assert connection.close_code is None
    assert server.incoming.empty()


async def test_accept_carries_subprotocol_and_headers() -> None:
    server = Server(CONNECT)
    await server.connection().accept("chat.v1", [("X-Room", "7")])
    assert server.sent == [{"type": "websocket.accept", "subprotocol": "chat.v1", "headers": [(b"x-room", b"7")]}]


async def test_a_subprotocol_that_was_not_offered_is_refused_before_anything_happens() -> None:
    server = Server(CONNECT)
    connection = server.connection()
    with pytest.raises(ValueError, match=r"'chat.v3' was not offered .*; it offered 2 others \(RFC 6455"):
        await connection.accept("chat.v3")
    assert server.incoming.qsize() == 1
    assert server.sent == []
    await connection.accept("chat.v2")
    assert connection.is_open


async def test_a_client_that_offers_nothing_gets_no_subprotocol() -> None:
    server = Server(CONNECT)
    server.scope["subprotocols"] = []
    with pytest.raises(ValueError, match="it offered 0 others"):
        await server.connection().accept("chat.v1")


@pytest.mark.parametrize("header", [("x", "a\nb"), ("x", "€"), ("sec-websocket-protocol", "chat.v1")])
async def test_a_header_that_http_cannot_carry_leaves_the_handshake_unanswered(header: tuple[str, str]) -> None:
    server = Server(CONNECT)
    connection = server.connection()
    with pytest.raises(ValueError, match="header"):
        await connection.accept(headers=[header])
    with pytest.raises(ValueError, match="header"):
        await connection.deny(headers=[header])
    assert not connection.is_answered
    assert server.sent == []


async def test_a_handshake_is_answered_once() -> None:
    server, connection = await opened()
    with pytest.raises(LocalProtocolError, match="cannot send Accept while the application is OPEN"):
        await connection.accept()
    with pytest.raises(LocalProtocolError, match="cannot send DenialStart while the application is OPEN"):
        await connection.deny()
    assert server.sent == []
    assert connection.is_open


@pytest.mark.parametrize("denial_response", [False, True])
async def test_an_open_connection_is_not_closed_by_a_denial(denial_response: bool) -> None:
    server = Server(CONNECT, denial_response=denial_response)
    connection = server.connection()
    await connection.accept()
    with pytest.raises(LocalProtocolError, match="cannot send DenialStart while the application is OPEN"):
        await connection.deny()
    assert server.sent == [ACCEPT]
    assert connection.is_open


async def test_a_denied_handshake_cannot_be_accepted() -> None:
    server = Server(CONNECT)
    connection = server.connection()
    await connection.deny()
    sent = list(server.sent)
    with pytest.raises(LocalProtocolError, match="cannot send Accept while the application is DENIED"):
        await connection.accept()
    assert server.sent == sent


@pytest.mark.parametrize("verb", ["accept", "deny"])
async def test_a_client_that_left_before_the_answer_gets_none(verb: str) -> None:
    server = Server(GOODBYE)
    connection = server.connection()
    with pytest.raises(ConnectionClosed, match=r"^closed with 4321 \(bye\)$"):
        await getattr(connection, verb)()
    assert server.sent == []
    assert connection.is_answered
    assert not connection.is_open
    assert (connection.close_code, connection.close_reason) == (4321, "bye")
    with pytest.raises(ConnectionClosed):
        await connection.receive()


@pytest.mark.parametrize("verb", ["accept", "deny", "close"])
async def test_a_server_that_begins_with_a_message_is_at_fault(verb: str) -> None:
    server = Server(text("too early"))
    with pytest.raises(RemoteProtocolError, match="sent Receive while the peer was CONNECTING"):
        await getattr(server.connection(), verb)()
    assert server.sent == []


@pytest.mark.parametrize("error", GONE)
async def test_a_client_that_goes_during_the_accept_is_gone(error: Exception) -> None:
    server = Server(CONNECT, GOODBYE)
    server.refuse = gone(error)
    connection = server.connection()
    with pytest.raises(ConnectionClosed) as closed:
        await connection.accept()
    assert closed.value.code == 1006
    assert closed.value.__cause__ is error
    assert connection.is_answered
    assert not connection.is_open
    with pytest.raises(ConnectionClosed, match=r"^closed with 4321 \(bye\)$"):
        await connection.receive()
    with pytest.raises(ConnectionClosed, match="4321"):
        await connection.accept()


async def test_another_error_of_the_server_passes_through() -> None:
    server = Server(CONNECT)
    server.refuse = gone(ValueError("a bug of the server"))
    with pytest.raises(ValueError, match="a bug of the server"):
        await server.connection().accept()


# --- denial ----------------------------------------------------------------------------------------


async def test_a_denial_is_an_http_response_where_the_server_offers_it() -> None:
    server = Server(CONNECT)
    connection = server.connection()
    await connection.deny(401, [("WWW-Authenticate", "Basic")], b"who?")
    assert server.sent == [
        {
            "type": "websocket.http.response.start",
            "status": 401,
            "headers": [(b"www-authenticate", b"Basic"), (b"content-length", b"4")],
        },
        {"type": "websocket.http.response.body", "body": b"who?", "more_body": False},
    ]
    assert connection.is_answered
    assert not connection.is_open


async def test_a_denial_is_a_plain_403_where_the_server_does_not_offer_it() -> None:
    server = Server(CONNECT, denial_response=False)
    connection = server.connection()
    await connection.deny(401, [("WWW-Authenticate", "Basic")], b"who?")
    assert server.sent == [close_event(1000)]
    assert connection.is_answered


async def test_a_denial_is_a_403_without_a_word_by_default() -> None:
    server = Server(CONNECT)
    await server.connection().deny()
    assert server.sent == [
        {"type": "websocket.http.response.start", "status": 403, "headers": [(b"content-length", b"0")]},
        {"type": "websocket.http.response.body", "body": b"", "more_body": False},
    ]


async def test_a_content_length_of_the_caller_is_kept() -> None:
    server = Server(CONNECT)
    await server.connection().deny(404, [("Content-Length", "10")])
    assert server.sent[0]["headers"] == [(b"content-length", b"10")]


@pytest.mark.parametrize("status", [-1, 0, 100, 101, 199, 600, 1000])
async def test_a_denial_has_a_final_status(status: int) -> None:
    server = Server(CONNECT)
    connection = server.connection()
    with pytest.raises(ValueError, match=f"from 200 to 599, not {status}$"):
        await connection.deny(status)
    assert server.sent == []
    assert not connection.is_answered


@pytest.mark.parametrize("status", [200, 302, 599])
async def test_every_final_status_may_deny(status: int) -> None:
    server = Server(CONNECT)
    await server.connection().deny(status)
    assert server.sent[0]["status"] == status


async def test_a_denied_client_can_neither_be_heard_nor_told_anything() -> None:
    server = Server(CONNECT, GOODBYE)
    connection = server.connection()
    await connection.deny()
    sent = list(server.sent)
    with pytest.raises(ConnectionClosed):
        await connection.receive()
    with pytest.raises(ConnectionClosed):
        connection.send("x")
    with pytest.raises(LocalProtocolError):
        await connection.deny()
    await connection.close()
    assert server.sent == sent


@pytest.mark.parametrize("kind", ["websocket.http.response.start", "websocket.http.response.body"])
async def test_a_client_that_goes_during_the_denial_is_gone(kind: str) -> None:
    server = Server(CONNECT)
    server.refuse = lambda event: OSError() if event["type"] == kind else None
    connection = server.connection()
    with pytest.raises(ConnectionClosed):
        await connection.deny()
    assert kind not in [event["type"] for event in server.sent]
    assert connection.is_answered


# --- receiving -------------------------------------------------------------------------------------


async def test_messages_come_in_order_and_then_the_end() -> None:
    _, connection = await opened(
        text("a"), {"type": "websocket.receive", "bytes": b"b", "text": None}, text(""), GOODBYE
    )
    assert [await connection.receive() for _ in range(3)] == ["a", b"b", ""]
    with pytest.raises(ConnectionClosed) as closed:
        await connection.receive()
    assert (closed.value.code, closed.value.reason) == (4321, "bye")
    assert (connection.close_code, connection.close_reason) == (4321, "bye")
    assert not connection.is_open


async def test_nothing_is_read_after_the_disconnect() -> None:
    server, connection = await opened(GOODBYE, text("a ghost"))
    for _ in range(3):
        with pytest.raises(ConnectionClosed, match="4321"):
            await connection.receive()
    assert server.incoming.qsize() == 1


async def test_a_disconnect_without_a_code_is_1005() -> None:
    _, connection = await opened({"type": "websocket.disconnect", "code": None})
    with pytest.raises(ConnectionClosed, match=r"^closed with 1005$"):
        await connection.receive()


@pytest.mark.parametrize("act", ["receive", "send"])
async def test_messages_have_to_wait_for_the_accept(act: str) -> None:
    server = Server(CONNECT)
    connection = server.connection()
    arguments = ["x"] if act == "send" else []
    with pytest.raises(LocalProtocolError, match=f"^cannot {act} before the handshake is accepted$"):
        await getattr(connection, act)(*arguments)
    assert server.sent == []
    assert server.incoming.qsize() == 1


@pytest.mark.parametrize(
    ("message", "complaint"),
    [
        (CONNECT, "sent Connect while the peer was OPEN"),
        ({}, "unknown type None"),
        ({"type": "http.disconnect"}, "unknown type 'http.disconnect'"),
        ({"type": "websocket.receive"}, "neither text nor bytes"),
    ],
)
async def test_what_asgi_forbids_the_server_is_a_protocol_error(message: Event, complaint: str) -> None:
    _, connection = await opened(message)
    with pytest.raises(RemoteProtocolError, match=complaint):
        await connection.receive()
    assert connection.is_open


async def test_a_receive_that_waits_is_ended_by_the_disconnect_after_our_close() -> None:
    server, connection = await opened()
    waiting = asyncio.ensure_future(connection.receive())
    await asyncio.sleep(0)
    await connection.close(4001, "enough")
    server.incoming.put_nowait({"type": "websocket.disconnect", "code": 1000})
    with pytest.raises(ConnectionClosed, match=r"^closed with 4001 \(enough\)$"):
        await waiting


async def test_after_our_close_the_server_is_not_asked_again() -> None:
    server, connection = await opened(text("late"))
    await connection.close(4001)
    with pytest.raises(ConnectionClosed, match="4001"):
        await connection.receive()
    assert server.incoming.qsize() == 1


@pytest.mark.parametrize("error", GONE)
async def test_what_a_lost_client_had_said_is_still_heard(error: Exception) -> None:
    server, connection = await opened(text("my last words"), GOODBYE)
    server.refuse = gone(error)
    with pytest.raises(ConnectionClosed) as closed:
        connection.send("x")
    assert closed.value.__cause__ is error
    assert not connection.is_open
    assert await connection.receive() == "my last words"
    with pytest.raises(ConnectionClosed, match="4321"):
        await connection.receive()
    assert (connection.close_code, connection.close_reason) == (4321, "bye")


async def test_a_cancelled_receive_loses_nothing() -> None:
    server, connection = await opened()
    waiting = asyncio.ensure_future(connection.receive())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    server.incoming.put_nowait(text("a"))
    assert await connection.receive() == "a"


# --- closing ---------------------------------------------------------------------------------------


async def test_close_sends_one_frame_and_then_no_more() -> None:
    server, connection = await opened()
    await connection.close(4001, "enough")
    await connection.close(4002, "again")
    assert server.sent == [close_event(4001, "enough")]
    assert (connection.close_code, connection.close_reason) == (4001, "enough")
    assert not connection.is_open
    with pytest.raises(ConnectionClosed, match=r"^closed with 4001 \(enough\)$"):
        connection.send("x")
    assert server.sent == [close_event(4001, "enough")]


async def test_a_close_is_a_normal_one_by_default() -> None:
    server, connection = await opened()
    await connection.close()
    assert server.sent == [close_event(1000)]


async def test_a_long_reason_is_cut_on_a_character() -> None:
    server, connection = await opened()
    await connection.close(1011, "é" * 100)
    assert server.sent == [close_event(1011, "é" * 61)]
    assert connection.close_reason == "é" * 61


@pytest.mark.parametrize("code", [999, 1004, 1005, 1006, 1010, 1015, 2000, 5000])
async def test_a_code_that_may_not_stand_in_a_close_frame_is_refused(code: int) -> None:
    server, connection = await opened()
    with pytest.raises(ValueError, match=f"^{code} may not stand"):
        await connection.close(code)
    assert server.sent == []
    assert connection.is_open
    assert connection.close_code is None


async def test_a_close_before_the_answer_denies() -> None:
    server = Server(CONNECT)
    connection = server.connection()
    await connection.close(4001, "no")
    assert server.sent == [close_event(4001, "no")]
    assert connection.is_answered
    assert not connection.is_open
    assert connection.close_code == 4001
    with pytest.raises(LocalProtocolError):
        await connection.accept()


async def test_a_close_with_a_wrong_code_leaves_the_handshake_unanswered() -> None:
    server = Server(CONNECT)
    connection = server.connection()
    with pytest.raises(ValueError, match=r"^1006 may not stand"):
        await connection.close(1006)
    assert not connection.is_answered
    await connection.accept()
    assert connection.is_open


async def test_closing_a_handshake_whose_client_has_left_does_nothing() -> None:
    server = Server(GOODBYE)
    connection = server.connection()
    await connection.close(4001)
    assert server.sent == []
    assert connection.close_code == 4321


async def test_closing_after_the_client_has_closed_does_nothing() -> None:
    server, connection = await opened(GOODBYE)
    with pytest.raises(ConnectionClosed):
        await connection.receive()
    await connection.close(4001)
    assert server.sent == []
    assert connection.close_code == 4321


@pytest.mark.parametrize("error", GONE)
async def test_closing_a_connection_that_has_broken_is_no_error(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    server, connection = await opened()
    server.refuse = gone(error)
    with caplog.at_level(logging.INFO, "django_ws"):
        await connection.close(4001)
    assert caplog.records == []
    assert connection.close_code == 4001
    assert not connection.is_open
    with pytest.raises(ConnectionClosed):
        await connection.receive()


def daphne(event: Event) -> Exception | None:
    code = event.get("code", 1000)
    return None if code == 1000 or 3000 <= code <= 4999 else Exception(f"invalid close code {code}")


@pytest.mark.parametrize(("code", "instead"), [(1001, 4001), (1003, 4003), (1011, 4011), (1012, 4012), (1013, 4013)])
async def test_a_code_that_the_server_refuses_is_sent_as_a_private_one(code: int, instead: int) -> None:
    server, connection = await opened()
    server.refuse = daphne
    await connection.close(code, "sorry")
    assert server.sent == [close_event(instead, "sorry")]
    assert (connection.close_code, connection.close_reason) == (code, "sorry")


@pytest.mark.parametrize("code", [1000, 3000, 4001])
async def test_a_code_that_the_server_takes_is_sent_as_it_is(code: int) -> None:
    server, connection = await opened()
    server.refuse = daphne
    await connection.close(code)
    assert server.sent == [close_event(code)]


async def test_a_private_code_that_the_server_refuses_is_sent_as_a_normal_close() -> None:
    server, connection = await opened()
    server.refuse = lambda event: None if event["code"] == 1000 else ValueError("odd")
    await connection.close(4001)
    assert server.sent == [close_event(1000)]
    assert connection.close_code == 4001


async def test_a_server_that_refuses_every_close_is_logged_and_no_error(caplog: pytest.LogCaptureFixture) -> None:
    server, connection = await opened()
    server.refuse = gone(ValueError("never"))
    with caplog.at_level(logging.INFO, "django_ws"):
        await connection.close(1011)
    assert [record.getMessage() for record in caplog.records] == [
        "the server refused to close the websocket: ValueError('never')"
    ]
    assert not connection.is_open


async def test_a_cancelled_close_is_not_repeated() -> None:
    server, connection = await opened()

    def interrupted(event: Event) -> Exception | None:
        raise asyncio.CancelledError

    server.refuse = interrupted
    with pytest.raises(asyncio.CancelledError):
        await connection.close(4001)
    server.refuse = gone(AssertionError("nothing may be sent any more"))
    await connection.close(4002)
    assert connection.close_code == 4001


# --- sending, step by step -------------------------------------------------------------------------


async def test_a_message_that_the_server_takes_at_once_leaves_nothing_to_await() -> None:
    server, connection = await opened()
    tasks = asyncio.all_tasks()
    assert connection.send("a") is None
    assert connection.send(b"b") is None
    assert connection.send("") is None
    assert asyncio.all_tasks() == tasks
    assert server.sent == [
        {"type": "websocket.send", "text": "a"},
        {"type": "websocket.send", "bytes": b"b"},
        {"type": "websocket.send", "text": ""},
    ]


async def test_the_payload_is_the_business_of_the_codec() -> None:
    server, connection = await opened()
    connection.send("\ud800")
    assert server.sent == [{"type": "websocket.send", "text": "\ud800"}]


@pytest.mark.parametrize("error", GONE)
async def test_a_send_that_raises_as_it_is_called_says_that_the_client_has_gone(error: Exception) -> None:
    def send(event: Event) -> Awaitable[None]:
        raise error

    connection = await sender(send)
    with pytest.raises(ConnectionClosed, match=r"^closed with 1006$") as closed:
        connection.send("x")
    assert closed.value.__cause__ is error
    assert not connection.is_open


async def test_a_time_out_of_middleware_around_send_is_a_fault_and_not_the_clients_end() -> None:
    server, connection = await opened()
    server.refuse = gone(TimeoutError())
    with pytest.raises(TimeoutError):
        connection.send("late")
    assert connection.is_open


async def test_a_time_out_of_the_network_says_that_the_client_has_gone() -> None:
    server, connection = await opened()
    server.refuse = gone(TimeoutError(errno.ETIMEDOUT, "Connection timed out"))
    with pytest.raises(ConnectionClosed):
        connection.send("late")
    assert not connection.is_open


@pytest.mark.parametrize("steps", [0, 1])
async def test_another_error_of_send_passes_through(steps: int) -> None:
    async def send(event: Event) -> None:
        for _ in range(steps):
            await asyncio.sleep(0)
        raise ValueError("a bug of the server")

    connection = await sender(send)
    with pytest.raises(ValueError, match="a bug of the server"):
        rest = connection.send("x")
        assert rest is not None
        await rest
    assert connection.is_open


async def test_a_send_during_which_the_client_leaves_is_told_the_code_that_was_read() -> None:
    writable = asyncio.get_running_loop().create_future()
    _, connection = await opened(GOODBYE)

    async def slow(event: Event) -> None:
        await writable
        raise OSError("gone")

    connection._send = slow
    rest = begin(connection)
    with pytest.raises(ConnectionClosed):
        await connection.receive()
    writable.set_result(None)
    with pytest.raises(ConnectionClosed, match=r"^closed with 4321 \(bye\)$"):
        await rest


# --- sends for a loop over many connections --------------------------------------------------------


async def test_a_send_for_a_loop_has_not_begun() -> None:
    server, connection = await opened()
    sends = [connection.begin_send(FakeFrame("a")), connection.begin_send(FakeFrame(b"b"))]
    assert server.sent == []
    for send in sends:
        await send
    assert server.sent == [{"type": "websocket.send", "text": "a"}, {"type": "websocket.send", "bytes": b"b"}]


async def test_those_that_take_a_frame_share_one_event_until_somebody_changes_it() -> None:
    frame = FakeFrame("x")
    servers, connections = zip(*[await opened() for _ in range(5)], strict=True)
    for connection in connections[:2]:
        await connection.begin_send(frame)
    servers[1].sent[0]["text"] = "changed"
    await connections[2].begin_send(frame)
    del servers[2].sent[0]["text"]
    await connections[3].begin_send(frame)
    servers[3].sent[0]["more"] = True
    await connections[4].begin_send(frame)
    assert servers[0].sent[0] is servers[1].sent[0]
    assert [server.sent for server in servers[2:]] == [
        [{"type": "websocket.send"}],
        [{"type": "websocket.send", "text": "x", "more": True}],
        [{"type": "websocket.send", "text": "x"}],
    ]


async def test_what_another_kind_of_connection_has_made_of_a_frame_is_left_alone() -> None:
    frame = FakeFrame(b"x")
    frame.made = "of another kind"
    server, connection = await opened()
    await connection.begin_send(frame)
    assert server.sent == [{"type": "websocket.send", "bytes": b"x"}]


def test_one_state_alone_may_send() -> None:
    assert [state for state, row in APPLICATION_TRANSITIONS.items() if Send in row] == [ApplicationState.OPEN]


async def test_a_send_for_a_loop_is_refused_before_the_answer_and_after_the_end() -> None:
    connection = Server(CONNECT).connection()
    with pytest.raises(LocalProtocolError, match="cannot send before the handshake is accepted"):
        _ = connection.begin_send(FakeFrame("early"))
    await connection.accept()
    await connection.close(4001)
    with pytest.raises(ConnectionClosed, match="4001"):
        _ = connection.begin_send(FakeFrame("late"))


@pytest.mark.parametrize("error", GONE)
async def test_an_error_in_a_loop_that_says_that_the_client_has_gone_ends_the_connection(error: Exception) -> None:
    _, connection = await opened()
    assert isinstance(connection.send_failed(error), ConnectionClosed)
    assert not connection.is_open


@pytest.mark.parametrize("error", [TimeoutError(), ValueError("a bug of the server"), ConnectionClosed(1000)])
async def test_another_error_in_a_loop_is_what_it_is(error: Exception) -> None:
    _, connection = await opened()
    assert connection.send_failed(error) is error
    assert connection.is_open


async def test_the_rest_of_a_loop_goes_on_in_its_context_and_knows_when_the_client_has_gone() -> None:
    writable = asyncio.get_running_loop().create_future()
    step: ContextVar[str] = ContextVar("step")
    found: list[str] = []

    async def slow(event: Event) -> None:
        reset = step.set("begun")
        await writable
        found.append(step.get())
        step.reset(reset)
        raise OSError("gone")

    _, connection = await opened()
    connection._send = slow

    async def loop() -> None:
        await connection.begin_send(FakeFrame("x"))

    context = copy_context()
    steps = loop().__await__()
    rest = connection.rest_of_send(context.run(next, steps), steps, context)
    task = asyncio.ensure_future(finish(rest))
    writable.set_result(None)
    with pytest.raises(ConnectionClosed):
        await task
    assert found == ["begun"]
    assert not connection.is_open


# --- any talk, with any server ---------------------------------------------------------------------


class Pause:
    def __await__(self) -> Generator[None, None, None]:
        yield


class CancelledByHand(BaseException):
    pass


class ModelServer:
    """A server with habits, which holds the application to the ASGI specification by books of its own."""

    def __init__(
        self,
        *,
        raises: type[Exception] | None,
        code_habit: str,
        repeats: bool,
        denial_response: bool,
        picky: bool,
        pauses: int,
    ) -> None:
        self.scope: Event = {"type": "websocket", "subprotocols": ["a"]}
        if denial_response:
            self.scope["extensions"] = {"websocket.http.response": {}}
        self.raises = raises
        self.code_habit = code_habit
        self.repeats = repeats
        self.picky = picky
        self.pauses = pauses
        self.incoming: deque[Event] = deque()
        self.state = "new"
        self.gone = False
        self.told = False
        self.violations: list[str] = []
        self.first_close: int | None = None
        self.cancelled = 0

    # The client.

    def leave(self, code: int) -> None:
        self.gone = True
        event: Event = {"type": "websocket.disconnect"}
        if self.code_habit != "omitted":
            event["code"] = {"right": code, "none": None, "always 1006": 1006, "junk": "1000"}[self.code_habit]
        self.incoming.append(event)

    # The server.

    async def receive(self) -> Event:
        assert self.incoming, "the connection would wait for ever"
        event = self.incoming.popleft()
        if event["type"] == "websocket.connect":
            self.state = "asked"
        elif event["type"] == "websocket.disconnect":
            self.told = True
            code = event.get("code")
            self.note_close(code if isinstance(code, int) else 1005)
            if self.repeats:
                self.incoming.append(event)
        return event

    def note_close(self, code: int) -> None:
        self.first_close = self.first_close or code

    async def send(self, event: Event) -> None:
        if self.told:
            self.violations.append(f"{event} after the application knew of the end")
        try:
            for _ in range(self.pauses):
                await Pause()
        except CancelledByHand:
            self.cancelled += 1
            raise
        if self.gone and self.state != "ended":
            if event["type"] == "websocket.close":
                self.note_close(event["code"])
            if self.raises is not None:
                self.told = True
                raise self.raises("the client has gone")
            if event["type"] in ("websocket.close", "websocket.http.response.body"):
                self.state = "ended"
            return
        self.check(event)

    def check(self, event: Event) -> None:
        kind = event["type"].removeprefix("websocket.")
        match (self.state, kind):
            case ("asked", "accept"):
                if event["subprotocol"] not in (None, "a"):
                    self.violations.append("a subprotocol that was not offered")
                self.state = "open"
            case ("asked", "close"):
                self.note_close(event["code"])
                self.state = "ended"
            case ("asked", "http.response.start") if "extensions" in self.scope:
                self.state = "denying"
            case ("denying", "http.response.body"):
                self.state = "denying" if event.get("more_body") else "ended"
            case ("open", "send"):
                if (event.get("text") is None) == (event.get("bytes") is None):
                    self.violations.append("not exactly one of text and bytes")
            case ("open", "close"):
                self.close(event["code"], event["reason"])
            case (state, _):
                self.violations.append(f"{kind} while {state}")

    def close(self, code: int, reason: str) -> None:
        if code not in {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 1012, 1013, 1014, *range(3000, 5000)}:
            self.violations.append(f"code {code}")
        if len(reason.encode()) > 123:
            self.violations.append("a long reason")
        self.note_close(code)
        if self.picky and code < 3000 and code != 1000:
            raise Exception(f"invalid close code {code}")
        self.state = "ended"


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    try:
        while True:
            coroutine.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result


@settings(max_examples=150, stateful_step_count=25, deadline=None)
class AnyConnection(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.server: ModelServer
        self.connection: ASGIConnection
        self.pending: Generator[Any, None, None] | None = None
        self.asked = False
        self.answered = False
        self.ended = False

    @initialize(
        raises=st.sampled_from([None, OSError, RuntimeError, ConnectionResetError]),
        code_habit=st.sampled_from(["right", "omitted", "none", "always 1006", "junk"]),
        repeats=st.booleans(),
        denial_response=st.booleans(),
        picky=st.booleans(),
        pauses=st.integers(0, 2),
        is_open=st.sampled_from([True, True, False]),
    )
    def begin(
        self,
        raises: type[Exception] | None,
        code_habit: str,
        repeats: bool,
        denial_response: bool,
        picky: bool,
        pauses: int,
        is_open: bool,
    ) -> None:
        self.server = ModelServer(
            raises=raises,
            code_habit=code_habit,
            repeats=repeats,
            denial_response=denial_response,
            picky=picky,
            pauses=pauses,
        )
        self.connection = ASGIConnection(self.server.scope, self.server.receive, self.server.send)
        if is_open:
            self.client_asks()
            self.accept("a")

    def has_begun(self) -> bool:
        """Whether an answer would not wait for the server's first event for ever."""
        return bool(self.server.incoming) or self.server.state != "new" or self.server.told

    def is_free(self) -> bool:
        return self.pending is None

    def expect_closed(self, closed: ConnectionClosed) -> None:
        assert closed.code == (1006 if self.server.first_close is None else self.server.first_close)
        self.answered = True
        self.ended = True

    # The client.

    @precondition(lambda self: not self.asked and not self.server.gone)
    @rule()
    def client_comes(self) -> None:
        self.client_asks()

    def client_asks(self) -> None:
        self.asked = True
        self.server.incoming.append({"type": "websocket.connect"})

    @precondition(lambda self: self.server.state == "open" and not self.server.gone)
    @rule(data=st.sampled_from(["a", ""]), both=st.booleans())
    def client_says(self, data: str, both: bool) -> None:
        event: Event = {"type": "websocket.receive", "text": data}
        if both:
            event["bytes"] = None
        self.server.incoming.append(event)

    @precondition(lambda self: not self.server.gone)
    @rule(code=st.sampled_from([1000, 1001, 4321]))
    def client_leaves(self, code: int) -> None:
        self.server.leave(code)

    # The application.

    @precondition(lambda self: self.is_free() and self.has_begun())
    @rule(subprotocol=st.sampled_from([None, "a", "b"]))
    def application_accepts(self, subprotocol: str | None) -> None:
        self.accept(subprotocol)

    def accept(self, subprotocol: str | None) -> None:
        try:
            run(self.connection.accept(subprotocol))
        except ValueError:
            assert subprotocol == "b"
        except LocalProtocolError:
            assert self.answered
        except ConnectionClosed as closed:
            self.expect_closed(closed)
        else:
            assert not self.answered
            self.answered = True

    @precondition(lambda self: self.is_free() and self.has_begun())
    @rule(status=st.sampled_from([101, 403, 404]))
    def deny(self, status: int) -> None:
        try:
            run(self.connection.deny(status))
        except ValueError:
            assert status == 101
        except LocalProtocolError:
            assert self.answered
        except ConnectionClosed as closed:
            self.expect_closed(closed)
        else:
            assert not self.answered
            self.answered = self.ended = True

    @precondition(lambda self: self.is_free() and self.has_begun())
    @rule(code=st.sampled_from([1000, 1006, 1011, 2999, 4000]), reason=st.sampled_from(["", "x", "é" * 90]))
    def close(self, code: int, reason: str) -> None:
        was_over = self.ended
        try:
            run(self.connection.close(code, reason))
        except ValueError:
            assert code in (1006, 2999)
            assert not was_over
        else:
            self.answered = self.ended = True

    @precondition(lambda self: self.is_free())
    @rule(data=st.sampled_from(["a", "", b"b"]))
    def send(self, data: str | bytes) -> None:
        was_open = self.connection.is_open
        try:
            rest = self.connection.send(data)
        except LocalProtocolError:
            assert not self.answered
        except ConnectionClosed as closed:
            assert self.answered
            self.expect_closed(closed)
        else:
            assert was_open
            assert (rest is None) is (self.server.pauses == 0)
            self.pending = None if rest is None else rest.__await__()
            if self.pending is not None:
                next(self.pending)

    @precondition(lambda self: self.pending is not None)
    @rule(cancel=st.booleans())
    def finish_send(self, cancel: bool) -> None:
        assert self.pending is not None
        cancelled_before = self.server.cancelled
        try:
            if cancel:
                self.pending.throw(CancelledByHand())
            for _ in self.pending:
                pass
        except CancelledByHand:
            assert self.server.cancelled == cancelled_before + 1
        except ConnectionClosed as closed:
            self.expect_closed(closed)
        self.pending = None

    @precondition(lambda self: not self.answered or self.ended or bool(self.server.incoming))
    @rule()
    def receive(self) -> None:
        if self.ended and not self.server.incoming and self.connection.close_code is None:
            # A lost peer's Disconnect has still to come.
            return
        expected = self.server.incoming[0].get("text") if self.server.incoming else None
        try:
            data = run(self.connection.receive())
        except LocalProtocolError:
            assert not self.answered
        except ConnectionClosed as closed:
            self.expect_closed(closed)
        else:
            assert data == expected

    # What always holds.

    @invariant()
    def the_server_was_never_sent_what_asgi_forbids(self) -> None:
        assert self.server.violations == []

    @invariant()
    def the_close_code_is_that_of_the_first_close(self) -> None:
        assert self.connection.close_code == self.server.first_close

    @invariant()
    def it_is_open_from_the_accept_to_the_end(self) -> None:
        assert self.connection.is_answered is self.answered
        assert self.connection.is_open is (self.answered and not self.ended)

    @override
    def teardown(self) -> None:
        if self.pending is not None:
            with contextlib.suppress(ConnectionClosed):
                for _ in self.pending:
                    pass


TestAnyConnection = AnyConnection.TestCase
