import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from django_ws.interfaces import ASGIApplication
from django_ws.testing import peer as module
from django_ws.testing.asgi_rules import ASGIViolation
from django_ws.testing.peer import Peer
from django_ws.testing.scope import websocket_scope

Event = dict[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]

ACCEPT: Event = {"type": "websocket.accept"}
CLOSE: Event = {"type": "websocket.close"}
START: Event = {"type": "websocket.http.response.start", "status": 403, "headers": []}
BODY: Event = {"type": "websocket.http.response.body", "body": b"no"}
TEXT: Event = {"type": "websocket.send", "text": "hi"}


async def echo(scope: Event, receive: Receive, send: Send) -> None:
    await receive()
    await send(ACCEPT)
    while (event := await receive())["type"] == "websocket.receive":
        await send({**event, "type": "websocket.send"})


def sending(*events: Event) -> ASGIApplication:
    """An application that reads the connect, sends these events, and waits for the disconnect."""

    async def application(scope: Event, receive: Receive, send: Send) -> None:
        await receive()
        for event in events:
            await send(event)
        while (await receive())["type"] != "websocket.disconnect":
            pass

    return application


async def idle(scope: Event, receive: Receive, send: Send) -> None:
    while (await receive())["type"] != "websocket.disconnect":
        pass


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_TIMEOUT", 0.01)


# --- the client --------------------------------------------------------------------------------------


async def test_a_talk_is_played_to_its_end() -> None:
    async with Peer(echo, websocket_scope("/echo/")) as peer:
        assert await peer.connect()
        peer.text("hello")
        peer.binary(b"bytes")
        assert await peer.receive() == "hello"
        assert await peer.receive() == b"bytes"
    assert [event["type"] for event in peer.events] == ["websocket.accept", "websocket.send", "websocket.send"]
    assert peer.close_code is None
    assert peer.denied_status is None


async def test_the_application_gets_the_scope() -> None:
    scopes: list[Event] = []

    async def application(scope: Event, receive: Receive, send: Send) -> None:
        scopes.append(scope)

    given = websocket_scope("/ws/")
    async with Peer(application, given) as peer:
        pass
    async with Peer(application):
        pass
    assert scopes == [given, websocket_scope()]
    assert peer.scope is not given


async def test_an_accept_is_noted() -> None:
    accept = {**ACCEPT, "subprotocol": "b", "headers": [(b"x-a", b"1")]}
    async with Peer(sending(accept), websocket_scope(subprotocols=["a", "b"])) as peer:
        assert await peer.connect()
    assert peer.accepted_subprotocol == "b"
    assert peer.accepted_headers == [(b"x-a", b"1")]


async def test_a_close_before_the_accept_is_a_403() -> None:
    async with Peer(sending({**CLOSE, "code": 4001})) as peer:
        assert not await peer.connect()
    assert peer.denied_status == 403
    assert peer.denied_body == b""
    assert peer.close_code is None


async def test_a_denial_is_read_to_its_end() -> None:
    events = (
        {**START, "status": 401, "headers": [(b"x-a", b"1")]},
        {**BODY, "more_body": True},
        {**BODY, "body": b"!"},
    )
    async with Peer(sending(*events)) as peer:
        assert not await peer.connect()
        assert peer.denied_body == b"no!"
    assert peer.denied_status == 401
    assert peer.denied_headers == [(b"x-a", b"1")]


async def test_a_body_may_be_left_out() -> None:
    async with Peer(sending(START, {"type": "websocket.http.response.body"})) as peer:
        assert not await peer.connect()
    assert peer.denied_body == b""


async def test_the_close_of_the_application_is_awaited_over_its_messages() -> None:
    async def application(scope: Event, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        await receive()
        for event in (TEXT, TEXT, {**CLOSE, "code": 4001, "reason": "enough"}):
            await send(event)
            await asyncio.sleep(0)

    async with Peer(application) as peer:
        assert await peer.connect()
        peer.text("go on")
        assert await peer.wait_closed() == 4001
        assert await peer.wait_closed() == 4001
    assert peer.close_reason == "enough"


@pytest.mark.parametrize("close", [CLOSE, {**CLOSE, "code": 1000, "reason": None}])
async def test_a_close_without_a_code_is_a_normal_one(close: Event) -> None:
    async with Peer(sending(ACCEPT, close)) as peer:
        await peer.connect()
        assert await peer.wait_closed() == 1000
    assert peer.close_reason == ""


async def test_a_message_that_is_a_close_is_no_message() -> None:
    async with Peer(sending(ACCEPT, CLOSE)) as peer:
        await peer.connect()
        with pytest.raises(ConnectionError, match=r"expected a message, got .*websocket\.close"):
            await peer.receive()


async def test_an_application_that_has_ended_sends_no_message() -> None:
    async def application(scope: Event, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)

    async with Peer(application) as peer:
        await peer.connect()
        with pytest.raises(ConnectionError, match="the application has ended"):
            await peer.receive()


async def test_what_the_application_sent_before_it_ended_is_still_read() -> None:
    async def application(scope: Event, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        await send(TEXT)

    peer = Peer(application)
    await asyncio.wait([_asked(peer)])
    assert await peer.connect()
    assert await peer.receive() == "hi"


def _asked(peer: Peer) -> "asyncio.Task[None]":
    peer.ask()
    return peer.start()


async def test_the_error_of_the_application_is_raised_to_who_waits() -> None:
    async def application(scope: Event, receive: Receive, send: Send) -> None:
        raise KeyError("odd")

    with pytest.raises(KeyError, match="odd"):
        async with Peer(application) as peer:
            with pytest.raises(KeyError, match="odd"):
                await peer.connect()


async def test_a_silent_application_is_not_awaited_for_ever(impatient: None) -> None:
    async with Peer(idle) as peer:
        with pytest.raises(TimeoutError, match=r"sent nothing for 0.01 s$"):
            await peer.connect()


async def test_a_silence_is_noticed_also_where_nothing_was_started(impatient: None) -> None:
    peer = Peer(idle)
    with pytest.raises(TimeoutError):
        await peer.receive()
    await peer.wait()


async def test_an_application_that_does_not_end_is_cancelled(impatient: None) -> None:
    cancelled: list[bool] = []

    async def application(scope: Event, receive: Receive, send: Send) -> None:
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    with pytest.raises(TimeoutError):
        async with Peer(application):
            pass
    assert cancelled == [True]


async def test_who_gives_up_waiting_loses_no_message() -> None:
    async with Peer(echo) as peer:
        await peer.connect()
        waiting = asyncio.ensure_future(peer.receive())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        peer.text("not lost")
        assert await peer.receive() == "not lost"


async def test_a_disconnect_is_told_once_with_its_code() -> None:
    events: list[Event] = []

    async def application(scope: Event, receive: Receive, send: Send) -> None:
        events.append(await receive())
        events.append(await receive())

    async with Peer(application) as peer:
        peer.ask()
        peer.disconnect(None, None)
        peer.disconnect(4001)
    assert events == [
        {"type": "websocket.connect"},
        {"type": "websocket.disconnect", "code": None, "reason": None},
    ]
    assert peer._incoming.empty()


async def test_the_close_of_the_application_is_answered_with_a_disconnect() -> None:
    events: list[Event] = []

    async def application(scope: Event, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        await send({**CLOSE, "code": 4001, "reason": "enough"})
        events.append(await receive())

    async with Peer(application) as peer:
        await peer.connect()
    assert events == [{"type": "websocket.disconnect", "code": 4001, "reason": "enough"}]


async def test_a_denial_is_answered_with_a_disconnect() -> None:
    events: list[Event] = []

    async def application(scope: Event, receive: Receive, send: Send) -> None:
        await receive()
        await send(CLOSE)
        events.append(await receive())

    async with Peer(application) as peer:
        await peer.connect()
    assert events == [{"type": "websocket.disconnect", "code": 1006, "reason": ""}]


async def test_a_server_may_leave_a_receive_waiting_after_the_close() -> None:
    async def application(scope: Event, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        await send(CLOSE)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await receive()

    async with Peer(application, pending_forever=True) as peer:
        await peer.connect()
        peer.disconnect()


@pytest.mark.parametrize("error", [OSError, RuntimeError])
async def test_a_client_that_vanished_is_found_out_by_sending_and_then_by_receiving(error: type[Exception]) -> None:
    notes: list[object] = []

    async def application(scope: Event, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        await receive()
        try:
            await send(TEXT)
        except error:
            notes.append("gone")
        notes.append((await receive())["code"])

    async with Peer(application, raise_after_end=error) as peer:
        await peer.connect()
        peer.vanish()
        peer.text("go on")
        peer.disconnect(1006)
    assert notes == ["gone", 1006]
    assert peer.events == [ACCEPT]


async def test_a_server_may_swallow_what_is_sent_to_a_client_that_has_gone() -> None:
    async def application(scope: Event, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        await receive()
        await send(TEXT)
        await send(CLOSE)

    async with Peer(application, raise_after_end=None) as peer:
        await peer.connect()
        peer.disconnect()
    assert peer.events == [ACCEPT]
    assert peer.close_code is None


async def test_a_client_that_does_not_read_makes_the_application_wait() -> None:
    async with Peer(sending(ACCEPT, TEXT)) as peer:
        peer.pause()
        peer.ask()
        await asyncio.sleep(0)
        assert peer.events == []
        peer.resume()
        assert await peer.connect()
        assert await peer.receive() == "hi"


async def test_what_waits_for_a_client_that_leaves_is_not_sent() -> None:
    peer = Peer(sending(ACCEPT, TEXT), raise_after_end=ConnectionResetError)
    task = peer.start()
    peer.pause()
    peer.ask()
    await asyncio.sleep(0)
    peer.disconnect()
    peer.resume()
    with pytest.raises(ConnectionResetError, match="the peer has gone"):
        await task
    assert peer.events == []


# --- what the specification forbids ------------------------------------------------------------------

NO_DENIAL = websocket_scope(denial_response=False)
FORBIDDEN: list[tuple[Event | None, tuple[Event, ...], str]] = [
    # Before the accept.
    (None, (TEXT,), "'websocket.send' while the websocket is connecting"),
    (None, (BODY,), "'websocket.http.response.body' while the websocket is connecting"),
    (None, ({},), "None while the websocket is connecting"),
    (None, ({"type": "http.response.start"},), "'http.response.start' while the websocket is connecting"),
    (None, ({**ACCEPT, "subprotocol": "c"},), "the subprotocol 'c' was not offered"),
    # The denial.
    (NO_DENIAL, (START,), "a denial response, which this server does not offer"),
    (None, (START, START), "'websocket.http.response.start' while the websocket is denying"),
    (None, (START, ACCEPT), "'websocket.accept' while the websocket is denying"),
    (None, (START, CLOSE), "'websocket.close' while the websocket is denying"),
    (None, (START, BODY, BODY), "'websocket.http.response.body' after the application itself had ended"),
    (None, (CLOSE, ACCEPT), "'websocket.accept' after the application itself had ended"),
    (None, (CLOSE, CLOSE), "'websocket.close' after the application itself had ended"),
    # After the accept.
    (None, (ACCEPT, ACCEPT), "'websocket.accept' while the websocket is open"),
    (None, (ACCEPT, START), "'websocket.http.response.start' while the websocket is open"),
    (None, (ACCEPT, BODY), "'websocket.http.response.body' while the websocket is open"),
    (None, (ACCEPT, {"type": "websocket.send"}), "must have exactly one of text and bytes"),
    # The close.
    (None, (ACCEPT, {**CLOSE, "code": 1005}), "the close code 1005 may not be on the wire"),
    (None, (ACCEPT, CLOSE, CLOSE), "'websocket.close' after the application itself had ended"),
    (None, (ACCEPT, CLOSE, TEXT), "'websocket.send' after the application itself had ended"),
]


@pytest.mark.parametrize(("scope", "events", "complaint"), FORBIDDEN)
@pytest.mark.parametrize("catches", [False, True])
async def test_what_asgi_forbids_is_refused_and_comes_out_even_if_the_application_catches_it(
    scope: Event | None, events: tuple[Event, ...], complaint: str, catches: bool
) -> None:
    caught: list[str] = []

    async def application(scope: Event, receive: Receive, send: Send) -> None:
        await receive()
        for event in events[:-1]:
            await send(event)
        for _ in range(2 if catches else 1):
            try:
                await send(events[-1])
            except ASGIViolation as violation:
                caught.append(str(violation))
                if not catches:
                    raise

    peer = Peer(application, scope if scope is not None else websocket_scope(subprotocols=["a", "b"]))
    peer.ask()
    with pytest.raises(ASGIViolation) as refused:
        await peer.start()
    assert complaint in str(refused.value)
    assert caught[0] == str(refused.value)
    assert peer.events == list(events[:-1])


async def test_an_answer_before_the_question_is_refused() -> None:
    async def application(scope: Event, receive: Receive, send: Send) -> None:
        await send(ACCEPT)

    with pytest.raises(ASGIViolation, match=r"'websocket\.accept' while the websocket is new"):
        async with Peer(application) as peer:
            with pytest.raises(ASGIViolation):
                await peer.receive()


async def test_an_application_that_gives_something_back_is_refused() -> None:
    async def application(scope: Event, receive: Receive, send: Send) -> Any:
        return 3

    with pytest.raises(ASGIViolation, match="the application must return None, not 3"):
        async with Peer(application):
            pass
