"""signals.py"""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.dispatch import Signal
from typing_extensions import override

from django_ws import WebSocket, WebSocketHandler, get_websocket_application
from django_ws.signals import announce, websocket_closed, websocket_denied, websocket_opened
from django_ws.testing import FakeResolver, Peer, websocket_scope
from handler.support import turns, until

SIGNALS = {"opened": websocket_opened, "closed": websocket_closed, "denied": websocket_denied}


async def no_http(scope: Any, receive: Any, send: Any, /) -> None:
    raise AssertionError


class Journal:
    """What was sent, and what the socket did, in order."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.sent: list[tuple[str, dict[str, Any]]] = []

    def opened(self, **named: Any) -> None:
        self._note("opened", named)

    def closed(self, **named: Any) -> None:
        self._note("closed", named)

    def denied(self, **named: Any) -> None:
        self._note("denied", named)

    def _note(self, name: str, named: dict[str, Any]) -> None:
        assert named.pop("signal") is SIGNALS[name]
        self.lines.append(name)
        self.sent.append((name, named))

    def count(self, name: str) -> int:
        return self.lines.count(name)

    @property
    def last(self) -> dict[str, Any]:
        return self.sent[-1][1]

    def handler(self) -> type[WebSocketHandler[str, str]]:
        journal = self

        class Room(WebSocketHandler[str, str]):
            cleanup_timeout = 0.05

            @override
            async def on_open(self) -> None:
                journal.lines.append("on_open")

            @override
            async def on_message(self, data: str, /) -> None:
                if data == "fault":
                    raise ZeroDivisionError
                if data == "forbidden":
                    raise PermissionDenied
                await self.close(4000, "bye")

            @override
            async def on_close(self) -> None:
                journal.lines.append("on_close")

        return Room


@pytest.fixture
def journal() -> Iterator[Journal]:
    """All three signals are listened to."""
    journal = Journal()
    listening = {"opened": journal.opened, "closed": journal.closed, "denied": journal.denied}
    for name, receiver in listening.items():
        SIGNALS[name].connect(receiver)
    yield journal
    for name, receiver in listening.items():
        SIGNALS[name].disconnect(receiver)


@pytest.fixture
def connected() -> Iterator[Callable[..., None]]:
    """Connects receivers, and disconnects them in the end."""
    made: list[tuple[Signal, Callable[..., Any], object]] = []

    def connect(signal: Signal, receiver: Callable[..., Any], sender: object = None) -> None:
        signal.connect(receiver, sender)
        made.append((signal, receiver, sender))

    yield connect
    for signal, receiver, sender in made:
        assert signal.disconnect(receiver, sender)


def serve(target: object, middleware: tuple[Any, ...] = ()) -> Peer:
    application = get_websocket_application(no_http, resolver=FakeResolver({"/": target}), middleware=middleware)
    return Peer(application)


# --- what is sent, when, by whom ------------------------------------------------------------------


async def test_opened_comes_before_on_open_and_closed_after_on_close(journal: Journal) -> None:
    room = journal.handler()
    async with serve(room) as peer:
        assert await peer.connect()
        peer.text("close")
        assert await peer.wait_closed() == 4000
    assert journal.lines == ["opened", "on_open", "on_close", "closed"]
    (_, opened), (_, closed) = journal.sent
    assert opened.keys() == {"sender", "websocket"}
    assert closed.keys() == {"sender", "websocket", "code", "reason", "duration"}
    assert opened["sender"] is closed["sender"] is room
    assert type(opened["websocket"]) is room
    assert closed["websocket"] is opened["websocket"]
    assert (closed["code"], closed["reason"]) == (4000, "bye")
    assert isinstance(closed["duration"], float)
    assert closed["duration"] >= 0


async def test_of_a_socket_function_the_sender_is_the_function(journal: Journal) -> None:
    async def feed(ws: WebSocket[str, str]) -> None:
        journal.lines.append(str(ws.is_open))

    async with serve(feed) as peer:
        assert await peer.connect()
        assert await peer.wait_closed() == 1000
    assert journal.lines == ["opened", "True", "closed"]
    assert [sent["sender"] for _, sent in journal.sent] == [feed, feed]
    assert journal.last["code"] == 1000


async def test_a_receiver_may_listen_to_one_class_or_function_alone(connected: Callable[..., None]) -> None:
    journal = Journal()
    room, other = journal.handler(), journal.handler()

    async def feed(ws: WebSocket[str, str]) -> None: ...

    connected(websocket_opened, journal.opened, sender=room)
    connected(websocket_opened, journal.opened, sender=feed)
    for target in (room, other, room.as_view(), feed):
        async with serve(target) as peer:
            assert await peer.connect()
    assert [sent["sender"] for _, sent in journal.sent] == [room, room, feed]


async def end_by_disconnect(peer: Peer) -> None:
    peer.disconnect(4001, "gone")


async def end_by_vanishing(peer: Peer) -> None:
    peer.disconnect(1006)


async def end_by_fault(peer: Peer) -> None:
    peer.text("fault")
    assert await peer.wait_closed() == 1011


async def end_by_refusal(peer: Peer) -> None:
    peer.text("forbidden")
    assert await peer.wait_closed() == 1008


async def end_by_binary(peer: Peer) -> None:
    peer.binary(b"")
    assert await peer.wait_closed() == 1003


@pytest.mark.parametrize(
    ("end", "code", "reason"),
    [
        (end_by_disconnect, 4001, "gone"),
        (end_by_vanishing, 1006, ""),
        (end_by_fault, 1011, ""),
        (end_by_refusal, 1008, ""),
        (end_by_binary, 1003, ""),
    ],
)
async def test_there_is_one_closed_for_one_opened_however_it_ends(
    end: Callable[[Peer], Any], code: int, reason: str, journal: Journal
) -> None:
    async with serve(journal.handler()) as peer:
        assert await peer.connect()
        await end(peer)
    assert journal.lines == ["opened", "on_open", "on_close", "closed"]
    assert (journal.last["code"], journal.last["reason"]) == (code, reason)


async def test_a_shutdown_is_told_of_with_1012(journal: Journal) -> None:
    peer = serve(journal.handler())
    task = peer.start()
    assert await peer.connect()
    await until(lambda: "on_open" in journal.lines)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert journal.lines == ["opened", "on_open", "on_close", "closed"]
    assert journal.last["code"] == 1012


async def test_a_handshake_that_is_denied_was_never_opened(journal: Journal) -> None:
    class Closed(WebSocketHandler[str, str]):
        @override
        async def on_connect(self) -> None:
            raise PermissionDenied("members alone")

    async with serve(Closed) as peer:
        assert not await peer.connect()
    assert journal.lines == ["denied"]
    assert journal.last["sender"] is Closed
    assert (journal.last["status"], journal.last["reason"]) == (403, "members alone")
    assert journal.last["request"].path == "/"
    journal.sent.clear()
    async with Peer(get_websocket_application(no_http, resolver=FakeResolver({}), middleware=())) as peer:
        assert not await peer.connect()
    assert journal.last["sender"] is None
    assert journal.last["status"] == 404


async def test_a_client_that_leaves_before_the_answer_is_told_of_by_none(journal: Journal) -> None:
    class Slow(WebSocketHandler[str, str]):
        @override
        async def on_connect(self) -> None:
            peer.vanish()

    peer = serve(Slow)
    async with peer:
        peer.ask()
    assert journal.lines == []


# --- receivers ------------------------------------------------------------------------------------


async def test_a_receiver_of_opened_may_send_and_is_done_before_on_open(connected: Callable[..., None]) -> None:
    journal = Journal()

    async def greet(websocket: WebSocket[str, str], **_: object) -> None:
        await turns()
        await websocket.send("welcome")
        journal.lines.append("greeted")

    connected(websocket_opened, greet)
    async with serve(journal.handler()) as peer:
        assert await peer.connect()
        assert await peer.receive() == "welcome"
    assert journal.lines == ["greeted", "on_open", "on_close"]


async def test_a_receiver_may_end_the_socket_as_it_opens(connected: Callable[..., None]) -> None:
    journal = Journal()

    async def expel(websocket: WebSocket[str, str], **_: object) -> None:
        await websocket.close(4003, "not you")

    connected(websocket_opened, expel)
    connected(websocket_closed, journal.closed)
    async with serve(journal.handler()) as peer:
        assert await peer.connect()
        assert await peer.wait_closed() == 4003
    assert journal.lines[-1] == "closed"
    assert journal.count("on_open") == journal.count("on_close")
    assert (journal.last["code"], journal.last["reason"]) == (4003, "not you")


async def test_plain_receivers_run_on_a_thread_and_async_ones_on_the_loop(connected: Callable[..., None]) -> None:
    threads: dict[str, int] = {}

    def plain(**_: object) -> None:
        threads["plain"] = threading.get_ident()

    async def asynchronous(**_: object) -> None:
        threads["async"] = threading.get_ident()

    connected(websocket_closed, plain)
    connected(websocket_closed, asynchronous)
    async with serve(Journal().handler()) as peer:
        assert await peer.connect()
    assert threads["async"] == threading.get_ident() != threads["plain"]


def fail_plainly(**_: object) -> None:
    raise ZeroDivisionError


async def fail(**_: object) -> None:
    raise ZeroDivisionError


@pytest.mark.parametrize("failing", [fail_plainly, fail])
async def test_one_that_raises_is_logged_by_django_and_disturbs_nothing(
    failing: Callable[..., Any],
    journal: Journal,
    connected: Callable[..., None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    for signal in (websocket_opened, websocket_closed):
        connected(signal, failing)
    async with serve(journal.handler()) as peer:
        assert await peer.connect()
        peer.text("close")
        assert await peer.wait_closed() == 4000
    assert journal.lines == ["opened", "on_open", "on_close", "closed"]
    assert journal.last["code"] == 4000
    errors = [record.name for record in caplog.records if record.levelno >= logging.WARNING]
    assert errors == ["django.dispatch"] * 2


async def test_one_of_denied_that_raises_does_not_change_the_denial(
    connected: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    connected(websocket_denied, fail)
    application = get_websocket_application(no_http, resolver=FakeResolver({}), middleware=())
    async with Peer(application, websocket_scope()) as peer:
        assert not await peer.connect()
        assert peer.denied_status == 404
    assert caplog.records[-1].name == "django.dispatch"


async def test_one_of_closed_that_hangs_is_cancelled_at_the_bound(
    connected: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    ended = asyncio.Event()

    async def hang(**_: object) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    connected(websocket_closed, hang)
    journal = Journal()
    async with serve(journal.handler()) as peer:
        assert await peer.connect()
    assert ended.is_set()
    assert journal.lines == ["on_open", "on_close"]
    assert [record.getMessage().split(": ")[1] for record in caplog.records if record.levelno >= logging.WARNING] == [
        "websocket_closed took longer than 0.05 s and is cancelled"
    ]


async def test_a_socket_that_is_cancelled_as_it_opens_is_closed_without_its_hooks(
    connected: Callable[..., None], journal: Journal
) -> None:
    opening = asyncio.Event()
    lingering: list[bool] = []
    lingered: list[str] = []

    async def linger() -> None:
        lingering.append(True)
        try:
            await asyncio.Event().wait()
        finally:
            await turns()
            lingered.append("ended")

    async def hang(websocket: WebSocket[str, str], **more: object) -> None:
        _ = websocket.start_task("linger", linger)
        while not (lingering and journal.lines):
            await asyncio.sleep(0.001)  # the receiver that is no coroutine has a thread, which takes its time
        opening.set()
        await asyncio.Event().wait()

    connected(websocket_opened, hang)
    peer = serve(journal.handler())
    task = peer.start()
    assert await peer.connect()
    await opening.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert journal.lines == ["opened", "closed"]
    assert journal.last["code"] == 1012
    assert lingered == ["ended"]


async def test_without_receivers_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(self: Signal, sender: object, **_: object) -> list[Any]:
        raise AssertionError

    monkeypatch.setattr(Signal, "asend_robust", never)
    async with serve(Journal().handler()) as peer:
        assert await peer.connect()
        peer.text("close")
        assert await peer.wait_closed() == 4000


# --- announce -------------------------------------------------------------------------------------


@pytest.mark.parametrize("failing", [fail_plainly, fail])
async def test_what_was_raised_holds_on_to_nobody(
    failing: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    signal, heard = Signal(), Journal()
    raised: list[ZeroDivisionError] = []

    def heard_after(**named: Any) -> str:
        heard.lines.append(named["word"])
        return "an answer"

    async def keep(**named: Any) -> None:
        error = ZeroDivisionError()
        raised.append(error)
        raise error

    for receiver in (failing, heard_after, keep):
        signal.connect(receiver)
    assert await announce(signal, "me", word="hello") is None  # type: ignore[func-returns-value]
    assert heard.lines == ["hello"]
    (error,) = raised
    assert error.__traceback__ is None
    assert [record.name for record in caplog.records] == ["django.dispatch"] * 2
